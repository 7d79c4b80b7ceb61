/** @import { Outcome } from './signals.js' */
/** @import { LocalMedia } from './media.js' */
/** @import { EncodingPreferences } from './encoding.js' */
import { DataChannels } from './data_channels.js';
import { log, nameOf } from './log.js';
import { Negotiation } from './negotiation.js';
import { Statistics } from './statistics.js';
import { clearTimer, setTimer } from './timers.js';
import { Transceivers } from './transceivers.js';

/** Short interruptions pass by themselves; after this another path is looked for. */
const INTERRUPTED_MS = 2_000;

/**
 * The connection to one other member: one RTCPeerConnection after another, each with its {@link Negotiation} and its
 * {@link Transceivers}. It looks for another path between the two when the one in use fails.
 */
export class PeerConnection {
  /** What comes from the other side. Stays the same object while its tracks change. */
  stream = new MediaStream();
  #away = false;
  #polite;
  #media;
  /** @type {RTCConfiguration} */
  #configuration;
  #preferences;
  #name;
  #send;
  #onChange;
  #onError;
  /** @type {RTCPeerConnection} */
  #rtc;
  /** @type {Negotiation} */
  #negotiation;
  /** @type {Transceivers} */
  #transceivers;
  /** Candidates without a description yet; the next RTCPeerConnection may get theirs. @type {RTCIceCandidateInit[]} */
  #early = [];
  #incoming = Promise.resolve();
  /** @type {number | undefined} */
  #interruptedTimer;
  #statistics = new Statistics();
  /** Data to and from the other side. */
  data;

  /**
   * @param {object} options
   * @param {boolean} options.polite
   * @param {boolean} [options.offerFirst] the impolite side does; so does who may not be waited for
   * @param {LocalMedia} options.media
   * @param {RTCConfiguration} options.configuration
   * @param {EncodingPreferences} [options.preferences]
   * @param {string} [options.name] of the other side, in logs
   * @param {(kind: string, payload: unknown) => Promise<Outcome>} options.send
   * @param {() => void} options.onChange connection state or stream, or whether something comes on its tracks
   * @param {(topic: string, data: string | ArrayBuffer) => void} [options.onData]
   * @param {(error: unknown) => void} options.onError
   */
  constructor({ polite, offerFirst = !polite, media, configuration, preferences = {}, name = 'a peer', send, onChange, onData = () => {}, onError }) {
    this.#polite = polite;
    this.#media = media;
    this.#configuration = configuration;
    this.#send = send;
    this.#onChange = onChange;
    this.#onError = onError;
    this.#preferences = preferences;
    this.#name = name;
    this.data = new DataChannels(onData);
    ({ rtc: this.#rtc, transceivers: this.#transceivers, negotiation: this.#negotiation } = this.#begin(offerFirst));
    if (!offerFirst) this.#negotiation.awaitFirstOffer();
  }

  /** @returns {RTCPeerConnectionState} */
  get state() {
    return this.#rtc.connectionState;
  }

  /** The one in use; another one after the other side's page was loaded again. */
  get rtc() {
    return this.#rtc;
  }

  statistics() {
    return this.#statistics.summary(this.#rtc);
  }

  /** For the next search for a path, this connection's or another's; the path in use stays. @param {RTCIceServer[]} iceServers */
  setIceServers(iceServers) {
    this.#configuration = { ...this.#configuration, iceServers };
    this.#rtc.setConfiguration(this.#configuration);
  }

  /** @param {EncodingPreferences} preferences */
  setPreferences(preferences) {
    this.#preferences = preferences;
    this.#transceivers.setPreferences(preferences);
  }

  /**
   * Whether the other side is without a gateway. It looks for another path itself when it is back, so nobody asks it to
   * meanwhile.
   */
  set away(/** @type {boolean} */ away) {
    const isBack = this.#away && !away;
    this.#away = away;
    if (isBack && this.#rtc.connectionState === 'failed') this.restartIce();
  }

  /** Looks for another path between the two, for example after a change of networks. Media goes on meanwhile. */
  restartIce() {
    if (!this.#rtc.remoteDescription) return; // the first path is still being looked for
    log('info', `Looks for another path to ${this.#name}: it is ${this.#rtc.connectionState}.`);
    this.#rtc.restartIce();
  }

  /** Sends the tracks that {@link LocalMedia} has now. */
  sendTracks() {
    this.#transceivers.sendTracks();
  }

  /**
   * A signal from the other side. Kinds that are none of WebRTC's are not for this connection.
   *
   * @param {string} kind
   * @param {any} payload
   */
  receive(kind, payload) {
    this.#incoming = this.#incoming
      .then(() => this.#negotiation.handle(kind, payload))
      .catch((error) => this.#failed(this.#rtc, error));
  }

  close() {
    const rtc = this.#rtc;
    this.#negotiation.end();
    clearTimer(this.#interruptedTimer);
    rtc.ontrack = rtc.onconnectionstatechange = rtc.ondatachannel = null;
    rtc.close();
  }

  /** @param {boolean} offerFirst */
  #begin(offerFirst) {
    const rtc = new RTCPeerConnection(this.#configuration);
    const onError = (/** @type {unknown} */ error) => this.#failed(rtc, error);
    const transceivers = new Transceivers(rtc, {
      media: this.#media,
      preferences: this.#preferences,
      onReady: () => this.data.ready(rtc),
      onError,
    });
    const negotiation = new Negotiation(rtc, transceivers, {
      polite: this.#polite,
      early: this.#early,
      send: this.#send,
      beginAgain: (first) => this.#beginAgain(first),
      onError,
    });
    rtc.ontrack = ({ track }) => this.#receive(track);
    rtc.onconnectionstatechange = () => this.#connectionChanged(rtc);
    this.data.begin(rtc);
    if (offerFirst) transceivers.add();
    return { rtc, transceivers, negotiation };
  }

  /** What is shown stays until the new tracks are there. @param {boolean} offerFirst */
  #beginAgain(offerFirst) {
    this.close();
    ({ rtc: this.#rtc, transceivers: this.#transceivers, negotiation: this.#negotiation } = this.#begin(offerFirst));
    this.#onChange();
    return this.#negotiation;
  }

  /** @param {RTCPeerConnection} rtc */
  #connectionChanged(rtc) {
    log('debug', `The path to ${this.#name} is ${rtc.connectionState}.`);
    clearTimer(this.#interruptedTimer);
    if (rtc.connectionState === 'failed') this.#recover(rtc);
    if (rtc.connectionState === 'disconnected') this.#interruptedTimer = setTimer(() => this.#recover(rtc), INTERRUPTED_MS);
    this.#onChange();
  }

  /** @param {RTCPeerConnection} rtc */
  #recover(rtc) {
    if (rtc === this.#rtc && !this.#away) this.restartIce();
  }

  /** @param {MediaStreamTrack} track */
  #receive(track) {
    for (const former of this.stream.getTracks()) {
      if (former.kind === track.kind) this.stream.removeTrack(former);
    }
    this.stream.addTrack(track);
    track.onmute = track.onunmute = () => this.#onChange();
    this.#onChange();
  }

  /**
   * @param {RTCPeerConnection} rtc
   * @param {unknown} error
   */
  #failed(rtc, error) {
    if (rtc.signalingState === 'closed') return;
    log('warn', `The negotiation with ${this.#name} failed: ${nameOf(error)}.`);
    this.#onError(error);
  }
}
