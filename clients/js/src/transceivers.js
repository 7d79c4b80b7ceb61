/** @import { LocalMedia } from './media.js' */
/** @import { EncodingPreferences } from './encoding.js' */
import { limitBitrate, preferCodec } from './encoding.js';

/**
 * One transceiver for audio and one for video, that both sides of a connection keep for good: muting, camera and screen
 * then only swap tracks, which needs no negotiation.
 */
export class Transceivers {
  #rtc;
  #media;
  #preferences;
  #onReady;
  #onError;
  /** @type {{ audio: RTCRtpTransceiver, video: RTCRtpTransceiver } | undefined} */
  #pair;

  /**
   * @param {RTCPeerConnection} rtc
   * @param {object} options
   * @param {LocalMedia} options.media
   * @param {EncodingPreferences} options.preferences
   * @param {() => void} options.onReady the connection has them, so that data channels may be added
   * @param {(error: unknown) => void} options.onError
   */
  constructor(rtc, { media, preferences, onReady, onError }) {
    this.#rtc = rtc;
    this.#media = media;
    this.#preferences = preferences;
    this.#onReady = onReady;
    this.#onError = onError;
  }

  get exist() {
    return this.#pair !== undefined;
  }

  /** For an offer of this side's own, for which the browser asks then. */
  add() {
    const streams = [this.#media.stream];
    const added = (/** @type {'audio' | 'video'} */ kind) => this.#rtc.addTransceiver(kind, { streams });
    this.#setUp({ audio: added('audio'), video: added('video') });
  }

  /** Takes those that the other side's first offer has brought. */
  adopt() {
    const offered = this.#rtc.getTransceivers();
    const adopted = (/** @type {'audio' | 'video'} */ kind) => {
      const transceiver =
        offered.find(({ receiver }) => receiver.track.kind === kind) ?? this.#rtc.addTransceiver(kind);
      transceiver.direction = 'sendrecv';
      transceiver.sender.setStreams(this.#media.stream);
      return transceiver;
    };
    this.#setUp({ audio: adopted('audio'), video: adopted('video') });
  }

  /** Sends the tracks that {@link LocalMedia} has now. */
  sendTracks() {
    if (!this.#pair) return;
    const { audio, video } = this.#pair;
    for (const [{ sender }, track] of /** @type {const} */ ([
      [audio, this.#media.audioTrack],
      [video, this.#media.videoTrack],
    ])) {
      if (sender.track !== (track ?? null)) sender.replaceTrack(track ?? null).catch(this.#onError);
    }
  }

  /**
   * After a rollback Chromium (150, and not 156) gives the video's encoder no more pictures, although it says that it
   * sends. A sender that gets its track again begins again; nothing is negotiated for it.
   *
   * @returns {Promise<void>}
   */
  async attachTracksAgain() {
    await Promise.all(Object.values(this.#pair ?? {}).map(({ sender }) => sender.replaceTrack(null)));
    this.sendTracks();
  }

  /** @param {EncodingPreferences} preferences */
  setPreferences(preferences) {
    this.#preferences = preferences;
    this.limitBitrates();
  }

  /** Between negotiations alone: during one a sender may refuse. */
  limitBitrates() {
    if (!this.#pair || this.#rtc.signalingState !== 'stable') return;
    const { audio, video } = this.#preferences.maxBitrate ?? {};
    limitBitrate(this.#pair.audio.sender, audio).catch(this.#onError);
    limitBitrate(this.#pair.video.sender, video).catch(this.#onError);
  }

  /** @param {{ audio: RTCRtpTransceiver, video: RTCRtpTransceiver }} pair */
  #setUp(pair) {
    this.#pair = pair;
    const { audioCodec, videoCodec } = this.#preferences;
    preferCodec(pair.audio, 'audio', audioCodec);
    preferCodec(pair.video, 'video', videoCodec);
    this.sendTracks();
    this.#onReady();
  }
}
