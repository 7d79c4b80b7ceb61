/** @import { Outcome } from './signals.js' */
/** @import { LocalMedia } from './media.js' */

/** Reasons for which a signal to this peer will never be delivered. */
const GONE = new Set(['no-such-peer', 'left', 'expired']);
/** Before an undelivered signal is sent again. */
const AGAIN_MS = 1_000;

/**
 * The connection to one other member: perfect negotiation, as in https://www.w3.org/TR/webrtc/#perfect-negotiation-example.
 *
 * The impolite side makes the first offer, with one transceiver for audio and one for video that both sides keep for
 * good: muting, camera and screen then only swap tracks, which needs no negotiation. Either side may offer later, for an
 * ICE restart. When two offers cross (glare), the impolite side ignores the other's; the polite one takes its own back.
 *
 * Incoming signals are worked off one after another. The example's `isSettingRemoteAnswerPending` is therefore not
 * needed: an offer behind an answer finds the answer applied.
 */
export class PeerConnection {
  /** What comes from the other side. Stays the same object while its tracks change. */
  stream = new MediaStream();
  #polite;
  #media;
  #send;
  #onChange;
  #onError;
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

  /**
   * @param {object} options
   * @param {boolean} options.polite
   * @param {LocalMedia} options.media
   * @param {RTCConfiguration} options.configuration
   * @param {(kind: string, payload: unknown) => Promise<Outcome>} options.send
   * @param {() => void} options.onChange connection state or stream
   * @param {(error: unknown) => void} options.onError
   */
  constructor({ polite, media, configuration, send, onChange, onError }) {
    this.#polite = polite;
    this.#media = media;
    this.#send = send;
    this.#onChange = onChange;
    this.#onError = onError;
    const rtc = (this.#rtc = new RTCPeerConnection(configuration));
    rtc.onnegotiationneeded = () => this.#offer();
    rtc.onicecandidate = ({ candidate }) => {
      if (candidate) this.#deliver('candidate', candidate.toJSON(), () => true);
    };
    rtc.ontrack = ({ track }) => this.#receive(track);
    rtc.onconnectionstatechange = () => {
      if (rtc.connectionState === 'failed') this.restartIce();
      onChange();
    };
    if (!polite) this.#addTransceivers();
  }

  /** @returns {RTCPeerConnectionState} */
  get state() {
    return this.#rtc.connectionState;
  }

  /** Looks for another path between the two, for example after a change of networks. */
  restartIce() {
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
    this.#rtc.onnegotiationneeded = this.#rtc.onicecandidate = this.#rtc.ontrack = null;
    this.#rtc.onconnectionstatechange = null;
    this.#rtc.close();
  }

  #addTransceivers() {
    const streams = [this.#media.stream];
    this.#transceivers = {
      audio: this.#rtc.addTransceiver('audio', { streams }),
      video: this.#rtc.addTransceiver('video', { streams }),
    };
    this.sendTracks();
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
    this.sendTracks();
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

  async #offer() {
    try {
      this.#makingOffer = true;
      await this.#rtc.setLocalDescription();
      this.#deliverDescription();
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#makingOffer = false;
    }
  }

  /** @param {RTCSessionDescriptionInit} offer */
  async #onOffer(offer) {
    const glare = this.#makingOffer || this.#rtc.signalingState !== 'stable';
    this.#ignoringOffer = glare && !this.#polite;
    if (this.#ignoringOffer) return;
    await this.#rtc.setRemoteDescription(offer); // rolls an own offer back
    if (!this.#transceivers) this.#adoptTransceivers();
    await this.#rtc.setLocalDescription();
    this.#deliverDescription();
    await this.#addEarlyCandidates();
  }

  /** @param {RTCSessionDescriptionInit} answer */
  async #onAnswer(answer) {
    // The answer to an offer that was sent twice, or was taken back.
    if (this.#rtc.signalingState !== 'have-local-offer') return;
    await this.#rtc.setRemoteDescription(answer);
    await this.#addEarlyCandidates();
  }

  /** @param {RTCIceCandidateInit} candidate */
  async #onCandidate(candidate) {
    if (!this.#rtc.remoteDescription) {
      this.#early.push(candidate);
      return;
    }
    try {
      await this.#rtc.addIceCandidate(candidate);
    } catch (error) {
      if (!this.#ignoringOffer) throw error; // else it belongs to that offer
    }
  }

  async #addEarlyCandidates() {
    for (const candidate of this.#early.splice(0)) await this.#onCandidate(candidate);
  }

  #deliverDescription() {
    const { type, sdp } = /** @type {RTCSessionDescription} */ (this.#rtc.localDescription);
    const description = ++this.#descriptions;
    const isCurrent = () =>
      description === this.#descriptions && (type !== 'offer' || this.#rtc.signalingState === 'have-local-offer');
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
  async #deliver(kind, payload, isCurrent) {
    try {
      while (this.#rtc.signalingState !== 'closed' && isCurrent()) {
        const outcome = await this.#send(kind, payload);
        if (outcome.delivered || GONE.has(outcome.reason)) return;
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
    } catch (error) {
      this.#failed(error);
    }
  }

  /** @param {MediaStreamTrack} track */
  #receive(track) {
    for (const former of this.stream.getTracks()) {
      if (former.kind === track.kind) this.stream.removeTrack(former);
    }
    this.stream.addTrack(track);
    this.#onChange();
  }

  /** @param {unknown} error */
  #failed = (error) => {
    if (this.#rtc.signalingState !== 'closed') this.#onError(error);
  };
}
