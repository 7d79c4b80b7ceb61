/** @import { Device } from './media_error.js' */
import { Emitter } from './emitter.js';
import { MediaError } from './media_error.js';

/**
 * How this client appears to the others; published as member state.
 *
 * @typedef {{ muted: boolean, video_off: boolean, sharing_screen: boolean }} MediaState
 */

/** In a mesh each picture is encoded once per receiver: more than this is too much for a phone. */
const CAMERA = { width: { ideal: 960 }, height: { ideal: 540 }, frameRate: { max: 30 }, facingMode: 'user' };

/**
 * This person's microphone, camera and screen. Whatever is missing can be added later; a call goes on without it.
 *
 * @extends {Emitter<{ changed: MediaState }>}
 */
export class LocalMedia extends Emitter {
  /** What the others get, for a preview. Stays the same object while its tracks change. */
  stream = new MediaStream();
  /** @type {Map<Device, MediaStreamTrack>} those in use */
  #tracks = new Map();
  /** Requests for devices go one after another: two at once would leave a track that nobody stops. */
  #turn = Promise.resolve();
  #stopped = false;
  /** @type {MediaTrackConstraints} */
  #cameraConstraints;

  /** @param {{ camera?: MediaTrackConstraints }} [options] */
  constructor({ camera = CAMERA } = {}) {
    super();
    this.#cameraConstraints = camera;
  }

  /** @returns {MediaState} */
  get state() {
    return {
      muted: !this.audioTrack?.enabled,
      video_off: !this.#tracks.has('camera'),
      sharing_screen: this.#tracks.has('screen'),
    };
  }

  get audioTrack() {
    return this.#tracks.get('microphone');
  }

  get videoTrack() {
    return this.#tracks.get('screen') ?? this.#tracks.get('camera');
  }

  /**
   * Asks for microphone and camera in one prompt, and if that fails for each alone.
   *
   * @param {{ muted?: boolean, camera?: boolean }} [wish] `muted`: not to be heard, not even at first; `camera: false`
   *   leaves it off
   * @returns {Promise<MediaError[]>} what could not be had
   */
  open({ muted = false, camera = true } = {}) {
    return this.#inTurn(async () => {
      try {
        if (camera) await this.#openBoth(muted);
        else await this.#openMicrophone(muted);
        return [];
      } catch {
        const tries = await Promise.allSettled([this.#openMicrophone(muted), ...(camera ? [this.#openCamera()] : [])]);
        return tries.flatMap((tried) => (tried.status === 'rejected' ? [tried.reason] : []));
      }
    });
  }

  /**
   * Muting keeps the microphone, so that unmuting takes no time. Unmuting without one asks for it.
   *
   * @param {boolean} muted
   * @returns {Promise<void>} rejects with a {@link MediaError}
   */
  setMuted(muted) {
    return this.#inTurn(async () => {
      if (!muted && !this.audioTrack) await this.#openMicrophone();
      if (this.audioTrack) this.audioTrack.enabled = !muted;
      this.#changed();
    });
  }

  /**
   * Turns the camera off for good, its light included, or on again.
   *
   * @param {boolean} videoOff
   * @returns {Promise<void>} rejects with a {@link MediaError}
   */
  setVideoOff(videoOff) {
    return this.#inTurn(async () => {
      if (videoOff) this.#use('camera', undefined);
      else if (!this.#tracks.has('camera')) await this.#openCamera();
    });
  }

  /** @returns {Promise<void>} rejects with a {@link MediaError}; `denied` when the choice was cancelled */
  shareScreen() {
    return this.#inTurn(async () => {
      if (this.#tracks.has('screen')) return;
      try {
        const stream = await mediaDevices('screen').getDisplayMedia({ video: true, audio: false });
        this.#use('screen', stream.getVideoTracks()[0]);
      } catch (error) {
        throw MediaError.from('screen', error);
      }
    });
  }

  stopSharing() {
    this.#use('screen', undefined);
  }

  /** Lets go of every device. */
  stop() {
    this.#stopped = true;
    for (const device of /** @type {const} */ (['microphone', 'camera', 'screen'])) this.#use(device, undefined);
  }

  /** @param {boolean} muted */
  async #openBoth(muted) {
    const stream = await capture({ audio: true, video: this.#cameraConstraints }, 'camera');
    this.#useMicrophone(stream, muted);
    this.#use('camera', stream.getVideoTracks()[0]);
  }

  /** @param {boolean} [muted] */
  async #openMicrophone(muted = false) {
    this.#useMicrophone(await capture({ audio: true }, 'microphone'), muted);
  }

  /**
   * @param {MediaStream} stream
   * @param {boolean} muted
   */
  #useMicrophone(stream, muted) {
    const [track] = stream.getAudioTracks();
    if (track) track.enabled = !muted;
    this.#use('microphone', track);
  }

  async #openCamera() {
    const stream = await capture({ video: this.#cameraConstraints }, 'camera');
    this.#use('camera', stream.getVideoTracks()[0]);
  }

  /**
   * @param {Device} device
   * @param {MediaStreamTrack | undefined} track instead of the one in use
   */
  #use(device, track) {
    this.#tracks.get(device)?.stop();
    this.#tracks.delete(device);
    if (this.#stopped) track?.stop();
    else if (track) this.#tracks.set(device, track);
    track?.addEventListener('ended', () => this.#ended(device, track));
    this.#changed();
  }

  /**
   * Unplugged, permission withdrawn, or «Stop sharing» of the browser; not by `stop()`, which tells nobody.
   *
   * @param {Device} device
   * @param {MediaStreamTrack} track
   */
  #ended(device, track) {
    if (this.#tracks.get(device) === track) this.#use(device, undefined);
  }

  #changed() {
    const wanted = [this.audioTrack, this.videoTrack].filter((track) => track !== undefined);
    for (const track of this.stream.getTracks()) if (!wanted.includes(track)) this.stream.removeTrack(track);
    for (const track of wanted) this.stream.addTrack(track);
    this.emit('changed', this.state);
  }

  /**
   * @template T
   * @param {() => Promise<T>} task
   * @returns {Promise<T>}
   */
  #inTurn(task) {
    const done = this.#turn.then(task);
    this.#turn = done.then(
      () => {},
      () => {},
    );
    return done;
  }
}

/**
 * @param {MediaStreamConstraints} constraints
 * @param {Device} device
 */
async function capture(constraints, device) {
  try {
    return await mediaDevices(device).getUserMedia(constraints);
  } catch (error) {
    throw MediaError.from(device, error);
  }
}

/** @param {Device} device */
function mediaDevices(device) {
  // Browsers hide it from pages that came neither over TLS nor from localhost.
  if (!navigator.mediaDevices) throw new MediaError(device, 'insecure');
  return navigator.mediaDevices;
}
