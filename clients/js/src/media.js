/** @import { Device } from './media_error.js' */
/** @import { Wishes } from './capture.js' */
import { AudioMix } from './audio_mix.js';
import { capture, captureOne, captureScreen, deviceOf, SOURCES, whyLost } from './capture.js';
import { DeviceRequests } from './device_requests.js';
import { Emitter } from './emitter.js';
import { MediaError } from './media_error.js';

/**
 * How this client appears to the others; published as member state.
 *
 * @typedef {{ muted: boolean, video_off: boolean, sharing_screen: boolean }} MediaState
 */

/**
 * @typedef {object} LocalMediaEvents
 * @property {MediaState} changed
 * @property {{ device: 'microphone' | 'camera', error: MediaError }} device-lost it was unplugged (`missing`), its permission
 *   was withdrawn (`denied`), or the browser lost it (`failed`); comes after the `changed` that shows it
 */

/** In a mesh each picture is encoded once per receiver: more than this is too much for a phone. */
const CAMERA = { width: { ideal: 960 }, height: { ideal: 540 }, frameRate: { max: 30 }, facingMode: 'user' };

/**
 * This person's microphone, camera and screen. Whatever is missing can be added later; a call goes on without it.
 *
 * What takes something away (mute, camera off, stop) is done at once, also while the browser asks for something. A track that
 * a prompt brings when it is not wanted any more is stopped at once.
 *
 * @extends {Emitter<LocalMediaEvents>}
 */
export class LocalMedia extends Emitter {
  /** What the others get, for a preview. Stays the same object while its tracks change. */
  stream = new MediaStream();
  /** @type {Map<Device, MediaStreamTrack>} those in use */
  #tracks = new Map();
  /** Those that came from the application, and stay its own. @type {WeakSet<MediaStreamTrack>} */
  #published = new WeakSet();
  /** @type {Set<Device>} to be had, as soon as the browser gives them */
  #wanted = new Set();
  #muted = false;
  /** The sound of the screen. @type {MediaStreamTrack | undefined} */
  #screenAudio;
  /** While there is such sound. @type {AudioMix | undefined} */
  #mix;
  #requests = new DeviceRequests();
  /** @type {{ microphone: MediaTrackConstraints, camera: MediaTrackConstraints }} */
  #constraints;

  /** @param {{ microphone?: MediaTrackConstraints, camera?: MediaTrackConstraints }} [options] */
  constructor({ microphone = {}, camera = CAMERA } = {}) {
    super();
    this.#constraints = { microphone, camera };
  }

  /** @returns {MediaState} */
  get state() {
    return {
      muted: !this.#tracks.get('microphone')?.enabled,
      video_off: !this.#tracks.has('camera'),
      sharing_screen: this.#tracks.has('screen'),
    };
  }

  /** What the others hear: the microphone, with the sound of the screen where that is shared. */
  get audioTrack() {
    return this.#mix?.track ?? this.#tracks.get('microphone');
  }

  get videoTrack() {
    return this.#tracks.get('screen') ?? this.#tracks.get('camera');
  }

  /**
   * Asks for microphone and camera in one prompt, and if that fails for each alone. What is there already is not asked for.
   *
   * @param {{ muted?: boolean, camera?: boolean }} [wish] `muted`: not to be heard, not even at first (by default as
   *   `setMuted` last had it); `camera: false` does not ask for it
   * @returns {Promise<MediaError[]>} what could not be had
   */
  async open({ muted = this.#muted, camera = true } = {}) {
    /** @type {('microphone' | 'camera')[]} */
    const devices = camera ? ['microphone', 'camera'] : ['microphone'];
    for (const device of devices) this.#wanted.add(device);
    this.#setMuted(muted);
    try {
      return await this.#requests.run(async (stopped) => {
        const missing = devices.filter((device) => this.#isMissing(device));
        /** @type {Wishes} */
        const wishes = Object.fromEntries(missing.map((device) => [device, this.#constraints[device]]));
        const { tracks, errors } = await capture(wishes);
        for (const [device, track] of tracks) this.#arrived(device, track, stopped);
        return errors;
      });
    } catch (error) {
      return devices.map((device) => this.#failure(device, error));
    }
  }

  /**
   * Muting is done at once, and keeps the microphone, so that unmuting takes no time. Unmuting without one asks for it.
   *
   * @param {boolean} muted
   * @returns {Promise<void>} rejects with a {@link MediaError}
   */
  async setMuted(muted) {
    this.#setMuted(muted);
    if (muted || this.#tracks.has('microphone')) return;
    this.#wanted.add('microphone');
    await this.#request('microphone', () => !this.#muted);
  }

  /**
   * Turns the camera off at once, its light included, or on again.
   *
   * @param {boolean} videoOff
   * @returns {Promise<void>} rejects with a {@link MediaError}
   */
  async setVideoOff(videoOff) {
    if (videoOff) return this.#drop('camera');
    this.#wanted.add('camera');
    await this.#request('camera');
  }

  /**
   * @param {{ audio?: boolean }} [wish] `audio`: with its sound, where browser and person allow it
   * @returns {Promise<void>} rejects with a {@link MediaError}; `denied` when the choice was cancelled
   */
  async shareScreen({ audio = false } = {}) {
    this.#wanted.add('screen');
    await this.#run('screen', async (stopped) => {
      if (!this.#isMissing('screen')) return;
      const stream = await captureScreen({ audio });
      const [video] = stream.getVideoTracks();
      const [sound] = stream.getAudioTracks();
      const isWanted = video !== undefined && this.#arrived('screen', video, stopped);
      if (isWanted) this.#useScreenAudio(sound);
      else sound?.stop();
    });
  }

  stopSharing() {
    this.#drop('screen');
  }

  /**
   * Switches to another microphone or camera. A call goes on without negotiation. While the device is off, the choice holds
   * for the next time it is on.
   *
   * @param {'audioinput' | 'videoinput'} kind
   * @param {string} deviceId of `getLocalDevices()`
   * @returns {Promise<void>} rejects with a {@link MediaError}, and then the former one goes on where it can
   */
  async switchActiveDevice(kind, deviceId) {
    const device = SOURCES[kind];
    await this.#run(device, async (stopped) => {
      const former = this.#constraints[device];
      const { facingMode: _, ...rest } = former;
      if (this.#tracks.has(device)) await this.#replace(device, { ...rest, deviceId: { exact: deviceId } }, stopped);
      // Should it be gone by then, any other one will do.
      this.#constraints[device] = { ...rest, deviceId: { ideal: deviceId } };
    });
  }

  /**
   * @param {'audioinput' | 'videoinput'} kind
   * @returns {string | undefined} the id of the device in use
   */
  getActiveDevice(kind) {
    return this.#tracks.get(SOURCES[kind])?.getSettings().deviceId;
  }

  /**
   * Sends a track of the application's own, such as a canvas, in place of a device. It stays the application's: it is never
   * stopped here. Muting, camera off and `stopSharing` apply to it as to a device.
   *
   * @param {MediaStreamTrack} track
   * @param {{ source?: Device }} [options] by default the microphone for sound, the camera for pictures
   */
  publishTrack(track, { source = deviceOf(track) } = {}) {
    if ((source === 'microphone') !== (track.kind === 'audio')) {
      throw new TypeError(`A track of ${track.kind} cannot take the place of the ${source}.`);
    }
    this.#published.add(track);
    this.#wanted.add(source);
    this.#use(source, track);
  }

  /** Lets go of every device, and of whatever a prompt that is open brings. `open()` begins again. */
  stop() {
    this.#requests.stop();
    for (const device of /** @type {const} */ (['microphone', 'camera', 'screen'])) this.#drop(device);
  }

  /** @param {boolean} muted */
  #setMuted(muted) {
    this.#muted = muted;
    const track = this.#tracks.get('microphone');
    if (track) track.enabled = !muted;
    this.#changed();
  }

  /**
   * @param {'microphone' | 'camera'} device
   * @param {() => boolean} [isWanted] asked when its turn comes
   */
  #request(device, isWanted = () => true) {
    return this.#run(device, async (stopped) => {
      if (!isWanted() || !this.#isMissing(device)) return;
      this.#arrived(device, await captureOne(device, this.#constraints[device]), stopped);
    });
  }

  /**
   * @param {Device} device
   * @param {(stopped: AbortSignal) => Promise<void>} task
   */
  async #run(device, task) {
    try {
      await this.#requests.run(task);
    } catch (error) {
      throw this.#failure(device, error);
    }
  }

  /**
   * @param {Device} device
   * @param {unknown} error
   */
  #failure(device, error) {
    const wasStopped = error instanceof DOMException && error.name === 'AbortError';
    return wasStopped ? new MediaError(device, 'stopped') : MediaError.from(device, error);
  }

  /** Whether it is to be asked for. @param {Device} device */
  #isMissing(device) {
    return this.#wanted.has(device) && !this.#tracks.has(device);
  }

  /**
   * The former one goes first: phones have one camera at a time.
   *
   * @param {'microphone' | 'camera'} device
   * @param {MediaTrackConstraints} constraints
   * @param {AbortSignal} stopped
   */
  async #replace(device, constraints, stopped) {
    const former = this.#tracks.get(device);
    if (former) this.#letGo(former);
    try {
      this.#arrived(device, await captureOne(device, constraints), stopped);
    } catch (error) {
      if (this.#tracks.get(device) === former) await this.#restore(device, stopped);
      throw error;
    }
  }

  /**
   * @param {'microphone' | 'camera'} device
   * @param {AbortSignal} stopped
   */
  async #restore(device, stopped) {
    const former = this.#tracks.get(device);
    if (former && this.#published.has(former)) return; // it was not stopped
    try {
      this.#arrived(device, await captureOne(device, this.#constraints[device]), stopped);
    } catch (error) {
      if (this.#tracks.get(device) !== former) return;
      this.#use(device, undefined);
      this.emit('device-lost', { device, error: MediaError.from(device, error) });
    }
  }

  /**
   * A prompt was answered; meanwhile it may have become unwanted.
   *
   * @param {Device} device
   * @param {MediaStreamTrack} track
   * @param {AbortSignal} stopped
   */
  #arrived(device, track, stopped) {
    const isWanted = !stopped.aborted && this.#wanted.has(device);
    if (isWanted) this.#use(device, track);
    else track.stop();
    return isWanted;
  }

  /** @param {Device} device */
  #drop(device) {
    this.#wanted.delete(device);
    this.#use(device, undefined);
  }

  /**
   * @param {Device} device
   * @param {MediaStreamTrack | undefined} track instead of the one in use
   */
  #use(device, track) {
    const former = this.#tracks.get(device);
    if (former && former !== track) this.#letGo(former);
    if (track) this.#tracks.set(device, track);
    else this.#tracks.delete(device);
    if (device === 'microphone' && track) track.enabled = !this.#muted;
    if (device === 'screen' && !track) this.#useScreenAudio(undefined);
    track?.addEventListener('ended', () => this.#ended(device, track), { once: true });
    this.#changed();
  }

  /** @param {MediaStreamTrack} track */
  #letGo(track) {
    if (!this.#published.has(track)) track.stop();
  }

  /** @param {MediaStreamTrack | undefined} track */
  #useScreenAudio(track) {
    this.#screenAudio?.stop();
    this.#screenAudio = track;
    track?.addEventListener('ended', () => this.#screenAudio === track && this.#useScreenAudio(undefined), { once: true });
    if (track) {
      this.#mix ??= new AudioMix();
    } else {
      this.#mix?.close();
      this.#mix = undefined;
    }
    this.#changed();
  }

  /**
   * Unplugged, permission withdrawn, or «Stop sharing» of the browser; not by `stop()`, which tells nobody.
   *
   * @param {Device} device
   * @param {MediaStreamTrack} track
   */
  async #ended(device, track) {
    if (this.#tracks.get(device) !== track) return;
    this.#drop(device);
    if (device === 'screen' || this.#published.has(track)) return; // the person or the application ended it
    const error = await whyLost(device, track);
    this.emit('device-lost', { device, error });
  }

  #changed() {
    const microphone = this.#tracks.get('microphone');
    this.#mix?.mix([microphone, this.#screenAudio].filter((track) => track !== undefined));
    const wanted = [this.audioTrack, this.videoTrack].filter((track) => track !== undefined);
    for (const track of this.stream.getTracks()) if (!wanted.includes(track)) this.stream.removeTrack(track);
    for (const track of wanted) this.stream.addTrack(track);
    this.emit('changed', this.state);
  }
}
