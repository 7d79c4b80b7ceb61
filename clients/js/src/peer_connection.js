/** @import { Outcome } from './signals.js' */
/** @import { LocalMedia } from './media.js' */
/** @import { EncodingPreferences } from './encoding.js' */
import { DataChannels } from './data_channels.js';
import { deliver } from './delivery.js';
import { limitBitrate, preferCodec } from './encoding.js';
import { log, nameOf } from './log.js';
import { Statistics } from './statistics.js';
import { clearTimer, setTimer } from './timers.js';

/** Short interruptions pass by themselves; after this another path is looked for. */
const INTERRUPTED_MS = 2_000;
/** A first offer that has not come by then has come to nobody, as when this side was made long after it was sent. */
const FIRST_OFFER_MS = 3_000;
/** More candidates than any offer has. */
const EARLY_MAX = 256;

/**
 * The connection to one other member: perfect negotiation, as in https://www.w3.org/TR/webrtc/#perfect-negotiation-example.
 *
 * The impolite side makes the first offer, with one transceiver for audio and one for video that both sides keep for
 * good: muting, camera and screen then only swap tracks, which needs no negotiation. Either side may offer later, for an
 * ICE restart. When two offers cross (glare), the impolite side ignores the other's; the polite one takes its own back.
 *
 * A page that is loaded again keeps its session but not its RTCPeerConnections. It offers with new ones, and the `o=` line
 * of that offer tells: its session id stays the same as long as an RTCPeerConnection lives (RFC 8829 section 5.2.1).
 * This side then begins anew, too.
 *
 * The polite side waits for the first offer, but not for ever: it then makes one itself. To the impolite side, whose own
 * offer may have been heard by nobody, this is glare, and it sends its own again.
 *
 * Incoming signals are worked off one after another. The example's `isSettingRemoteAnswerPending` is therefore not
 * needed: an offer behind an answer finds the answer applied.
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
  #makingOffer = false;
  #ignoringOffer = false;
  /** How many local descriptions there were: only the newest is worth repeating. */
  #descriptions = 0;
  /** Candidates that came before any description they could belong to. @type {RTCIceCandidateInit[]} */
  #early = [];
  #incoming = Promise.resolve();
  /** @type {{ audio: RTCRtpTransceiver, video: RTCRtpTransceiver } | undefined} */
  #transceivers;
  /** Which RTCPeerConnection of the other side the last description came from. @type {string | undefined} */
  #remoteOrigin;
  /** @type {number | undefined} */
  #firstOfferTimer;
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
    this.#rtc = this.#begin(offerFirst);
    if (!offerFirst) this.#firstOfferTimer = setTimer(() => this.#addTransceivers(), FIRST_OFFER_MS);
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
    this.#limitBitrates();
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
    if (!this.#transceivers) return;
    const { audio, video } = this.#transceivers;
    for (const [transceiver, track] of /** @type {const} */ ([
      [audio, this.#media.audioTrack],
      [video, this.#media.videoTrack],
    ])) {
      if (transceiver.sender.track !== (track ?? null)) transceiver.sender.replaceTrack(track ?? null).catch(this.#failed);
    }
  }

  /**
   * A signal from the other side. Kinds that are none of WebRTC's are not for this connection.
   *
   * @param {string} kind
   * @param {any} payload
   */
  receive(kind, payload) {
    this.#incoming = this.#incoming.then(() => this.#handle(kind, payload)).catch(this.#failed);
  }

  close() {
    const rtc = this.#rtc;
    clearTimer(this.#firstOfferTimer);
    clearTimer(this.#interruptedTimer);
    rtc.onnegotiationneeded = rtc.onicecandidate = rtc.ontrack = rtc.onconnectionstatechange = rtc.ondatachannel = null;
    rtc.close();
  }

  /** @param {boolean} offerFirst */
  #begin(offerFirst) {
    const rtc = (this.#rtc = new RTCPeerConnection(this.#configuration));
    rtc.onnegotiationneeded = () => this.#offer(rtc);
    rtc.onicecandidate = ({ candidate }) => {
      if (candidate) this.#deliver('candidate', candidate.toJSON(), () => rtc === this.#rtc);
    };
    rtc.ontrack = ({ track }) => this.#receive(track);
    rtc.onconnectionstatechange = () => this.#connectionChanged(rtc);
    this.#transceivers = this.#remoteOrigin = undefined;
    this.#makingOffer = this.#ignoringOffer = false;
    this.data.begin(rtc);
    if (offerFirst) this.#addTransceivers();
    return rtc;
  }

  /** What is shown stays until the new tracks are there. @param {boolean} offerFirst */
  #beginAnew(offerFirst) {
    this.close();
    this.#begin(offerFirst);
    this.#onChange();
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

  #addTransceivers() {
    const streams = [this.#media.stream];
    this.#transceivers = {
      audio: this.#rtc.addTransceiver('audio', { streams }),
      video: this.#rtc.addTransceiver('video', { streams }),
    };
    this.#setUp();
  }

  /** The polite side answers on the transceivers that the first offer brought. */
  #adoptTransceivers() {
    const offered = this.#rtc.getTransceivers();
    const adopt = (/** @type {'audio' | 'video'} */ kind) => {
      const transceiver =
        offered.find(({ receiver }) => receiver.track.kind === kind) ?? this.#rtc.addTransceiver(kind);
      transceiver.direction = 'sendrecv';
      transceiver.sender.setStreams(this.#media.stream);
      return transceiver;
    };
    this.#transceivers = { audio: adopt('audio'), video: adopt('video') };
    this.#setUp();
  }

  #setUp() {
    if (!this.#transceivers) return;
    const { audioCodec, videoCodec } = this.#preferences;
    preferCodec(this.#transceivers.audio, 'audio', audioCodec);
    preferCodec(this.#transceivers.video, 'video', videoCodec);
    this.sendTracks();
    this.data.ready(this.#rtc);
  }

  /** What a sender may be told is certain between negotiations only. */
  #limitBitrates() {
    if (!this.#transceivers || this.#rtc.signalingState !== 'stable') return;
    const { audio, video } = this.#preferences.maxBitrate ?? {};
    limitBitrate(this.#transceivers.audio.sender, audio).catch(this.#failed);
    limitBitrate(this.#transceivers.video.sender, video).catch(this.#failed);
  }

  /**
   * @param {string} kind
   * @param {any} payload
   */
  async #handle(kind, payload) {
    if (kind === 'offer') await this.#onOffer(payload);
    else if (kind === 'answer') await this.#onAnswer(payload);
    else if (kind === 'candidate') await this.#onCandidate(payload);
  }

  /** @param {RTCPeerConnection} rtc */
  async #offer(rtc) {
    try {
      this.#makingOffer = true;
      await rtc.setLocalDescription();
      if (rtc === this.#rtc) this.#deliverDescription();
    } catch (error) {
      if (rtc === this.#rtc) this.#failed(error);
    } finally {
      if (rtc === this.#rtc) this.#makingOffer = false;
    }
  }

  /** @param {RTCSessionDescriptionInit} offer */
  async #onOffer(offer) {
    const glare = this.#makingOffer || this.#rtc.signalingState !== 'stable';
    const anew = this.#isFromAnother(offer); // an own offer to what is gone has no answer to wait for
    this.#ignoringOffer = glare && !this.#polite && !anew;
    if (this.#ignoringOffer) return this.#offerAgain();
    clearTimer(this.#firstOfferTimer);
    if (this.#isAnswered(offer)) return this.#deliverDescription();
    // A first offer is not rolled back but forgotten, although it is not made yet: its transceivers would stay beside those
    // that this one brings.
    const hasBegun = this.#transceivers !== undefined && !this.#rtc.remoteDescription;
    if (anew || hasBegun) this.#beginAnew(false);
    const yields = this.#rtc.signalingState === 'have-local-offer';
    await this.#setRemoteDescription(offer); // rolls an own offer back
    if (!this.#transceivers) this.#adoptTransceivers();
    await this.#rtc.setLocalDescription();
    if (yields) this.#attachTracksAgain();
    this.#deliverDescription();
    this.#limitBitrates();
    await this.#addEarlyCandidates();
  }

  /**
   * After a rollback Chromium (150, and not 156) gives the video's encoder no more pictures, though all else says that it
   * sends. A sender that gets its track anew begins again; nothing is negotiated for it.
   */
  #attachTracksAgain() {
    const rtc = this.#rtc;
    const detached = Object.values(this.#transceivers ?? {}).map(({ sender }) => sender.replaceTrack(null));
    Promise.all(detached).then(() => this.sendTracks()).catch((error) => rtc === this.#rtc && this.#failed(error));
  }

  /** A first offer that the other side seems not to have heard; with the candidates that it has by now. */
  #offerAgain() {
    if (!this.#rtc.remoteDescription && this.#rtc.signalingState === 'have-local-offer') this.#deliverDescription();
  }

  /** @param {RTCSessionDescriptionInit} answer */
  async #onAnswer(answer) {
    // Offers to and from what is gone have crossed: the two talk past each other, until one of them begins again.
    if (this.#isFromAnother(answer)) return this.#beginAnew(true);
    // The answer to an offer that was sent twice, or was taken back.
    if (this.#rtc.signalingState !== 'have-local-offer') return;
    await this.#setRemoteDescription(answer);
    this.#limitBitrates();
    await this.#addEarlyCandidates();
  }

  /** Whether it is the offer that was last answered, once more. @param {RTCSessionDescriptionInit} offer */
  #isAnswered(offer) {
    const { signalingState, localDescription, remoteDescription } = this.#rtc;
    if (signalingState !== 'stable' || localDescription?.type !== 'answer' || !remoteDescription) return false;
    return versionOf(offer) !== undefined && versionOf(offer) === versionOf(remoteDescription);
  }

  /**
   * Whether it comes from another RTCPeerConnection than the descriptions before.
   *
   * @param {RTCSessionDescriptionInit} description
   */
  #isFromAnother(description) {
    const origin = originOf(description);
    return origin !== undefined && this.#remoteOrigin !== undefined && origin !== this.#remoteOrigin;
  }

  /** @param {RTCSessionDescriptionInit} description */
  async #setRemoteDescription(description) {
    await this.#rtc.setRemoteDescription(description);
    this.#remoteOrigin = originOf(description);
  }

  /** @param {RTCIceCandidateInit} candidate */
  async #onCandidate(candidate) {
    if (!this.#rtc.remoteDescription) {
      if (this.#early.length < EARLY_MAX) this.#early.push(candidate);
      return;
    }
    try {
      await this.#rtc.addIceCandidate(candidate);
    } catch (error) {
      // Else it belongs to an offer that was ignored, or to a connection that is gone.
      if (!this.#ignoringOffer && belongs(candidate, this.#rtc.remoteDescription)) throw error;
    }
  }

  async #addEarlyCandidates() {
    for (const candidate of this.#early.splice(0)) await this.#onCandidate(candidate);
  }

  #deliverDescription() {
    const { type, sdp } = /** @type {RTCSessionDescription} */ (this.#rtc.localDescription);
    const rtc = this.#rtc;
    const description = ++this.#descriptions;
    const isCurrent = () =>
      rtc === this.#rtc &&
      description === this.#descriptions &&
      (type !== 'offer' || rtc.signalingState === 'have-local-offer');
    this.#deliver(type, { type, sdp }, isCurrent);
  }

  /**
   * Sends until it has arrived, the other side is gone, or it is out of date. Repeats do no harm: a second offer is
   * answered as the first was, a second answer is not looked at.
   *
   * @param {string} kind
   * @param {unknown} payload
   * @param {() => boolean} isCurrent
   */
  #deliver(kind, payload, isCurrent) {
    const isWanted = () => this.#rtc.signalingState !== 'closed' && isCurrent();
    deliver(() => this.#send(kind, payload), isWanted).catch(this.#failed);
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

  /** @param {unknown} error */
  #failed = (error) => {
    if (this.#rtc.signalingState === 'closed') return;
    log('warn', `The negotiation with ${this.#name} failed: ${nameOf(error)}.`);
    this.#onError(error);
  };
}

/**
 * The session id of the `o=` line (RFC 8866 section 5.2).
 *
 * @param {RTCSessionDescriptionInit} description
 */
function originOf({ sdp }) {
  return sdp?.match(/^o=\S+ (\S+)/m)?.[1];
}

/**
 * The whole of that line: another one with each offer that is made (RFC 8829 section 5.2.2).
 *
 * @param {RTCSessionDescriptionInit} description
 */
function versionOf({ sdp }) {
  return sdp?.match(/^o=.*/m)?.[0];
}

/**
 * @param {RTCIceCandidateInit} candidate
 * @param {RTCSessionDescription} description
 */
function belongs({ usernameFragment }, { sdp }) {
  return !usernameFragment || sdp.includes(`a=ice-ufrag:${usernameFragment}`);
}
