/** @import { Outcome } from './signals.js' */
/** @import { Transceivers } from './transceivers.js' */
import { deliver } from './delivery.js';
import { belongs, originOf, versionOf } from './session_description.js';
import { clearTimer, setTimer } from './timers.js';

/** A first offer that has not come by then has come to nobody, as when this side was made long after it was sent. */
const FIRST_OFFER_MS = 3_000;
/** More candidates than any offer has. */
const EARLY_MAX = 256;

/**
 * The offers, answers and candidates of one RTCPeerConnection: perfect negotiation, as in
 * https://www.w3.org/TR/webrtc/#perfect-negotiation-example.
 *
 * The impolite side makes the first offer. Either side may offer later, for an ICE restart. When two offers cross (glare),
 * the impolite side ignores the other's; the polite one takes its own back.
 *
 * A page that is loaded again keeps its session but not its RTCPeerConnections. It offers with new ones, and the `o=` line
 * of that offer tells. This side then begins again, too.
 *
 * The polite side waits for the first offer, but not for ever: it then makes one itself. To the impolite side, whose own
 * offer may have been heard by nobody, this is glare, and it sends its own again.
 *
 * The example's `isSettingRemoteAnswerPending` is not needed, because {@link handle} is called for one signal after another:
 * an offer behind an answer finds the answer applied.
 */
export class Negotiation {
  #rtc;
  #transceivers;
  #polite;
  #early;
  #send;
  #beginAgain;
  #onError;
  #makingOffer = false;
  #ignoringOffer = false;
  /** How many local descriptions there were: only the newest is worth repeating. */
  #descriptions = 0;
  /** Which RTCPeerConnection of the other side the last description came from. @type {string | undefined} */
  #remoteOrigin;
  /** @type {number | undefined} */
  #firstOfferTimer;

  /**
   * @param {RTCPeerConnection} rtc
   * @param {Transceivers} transceivers its own
   * @param {object} options
   * @param {boolean} options.polite
   * @param {RTCIceCandidateInit[]} options.early candidates that came before any description they could belong to
   * @param {(kind: string, payload: unknown) => Promise<Outcome>} options.send
   * @param {(offerFirst: boolean) => Negotiation} options.beginAgain with another RTCPeerConnection; this one is closed
   * @param {(error: unknown) => void} options.onError
   */
  constructor(rtc, transceivers, { polite, early, send, beginAgain, onError }) {
    this.#rtc = rtc;
    this.#transceivers = transceivers;
    this.#polite = polite;
    this.#early = early;
    this.#send = send;
    this.#beginAgain = beginAgain;
    this.#onError = onError;
    rtc.onnegotiationneeded = () => this.#offer();
    rtc.onicecandidate = ({ candidate }) => {
      if (candidate) this.#deliver('candidate', candidate.toJSON(), () => true);
    };
  }

  /** The other side makes the first offer, unless it has done so before this side was there. */
  awaitFirstOffer() {
    this.#firstOfferTimer = setTimer(() => this.#transceivers.add(), FIRST_OFFER_MS);
  }

  /**
   * A signal from the other side, when the one before has been worked off. Kinds that are none of WebRTC's are not for it.
   *
   * @param {string} kind
   * @param {any} payload
   */
  async handle(kind, payload) {
    if (kind === 'offer') await this.#onOffer(payload);
    else if (kind === 'answer') await this.#onAnswer(payload);
    else if (kind === 'candidate') await this.#onCandidate(payload);
  }

  /** To be called before the RTCPeerConnection is closed. */
  end() {
    clearTimer(this.#firstOfferTimer);
    this.#rtc.onnegotiationneeded = this.#rtc.onicecandidate = null;
  }

  get #isOver() {
    return this.#rtc.signalingState === 'closed';
  }

  async #offer() {
    try {
      this.#makingOffer = true;
      await this.#rtc.setLocalDescription();
      if (!this.#isOver) this.#deliverDescription();
    } catch (error) {
      this.#onError(error);
    } finally {
      this.#makingOffer = false;
    }
  }

  /** @param {RTCSessionDescriptionInit} offer */
  async #onOffer(offer) {
    const glare = this.#makingOffer || this.#rtc.signalingState !== 'stable';
    const isFromAnother = this.#isFromAnother(offer); // an own offer to what is gone has no answer to wait for
    this.#ignoringOffer = glare && !this.#polite && !isFromAnother;
    if (this.#ignoringOffer) return this.#offerAgain();
    clearTimer(this.#firstOfferTimer);
    if (this.#isAnswered(offer)) return this.#deliverDescription();
    // A first offer is not rolled back but forgotten, although it is not made yet: its transceivers would stay beside those
    // that this one brings.
    const hasBegun = this.#transceivers.exist && !this.#rtc.remoteDescription;
    if (isFromAnother || hasBegun) return this.#beginAgain(false).#accept(offer);
    await this.#accept(offer);
  }

  /** @param {RTCSessionDescriptionInit} offer */
  async #accept(offer) {
    const yields = this.#rtc.signalingState === 'have-local-offer';
    await this.#setRemoteDescription(offer); // rolls an own offer back
    if (!this.#transceivers.exist) this.#transceivers.adopt();
    await this.#rtc.setLocalDescription();
    if (yields) this.#transceivers.attachTracksAgain().catch(this.#onError);
    this.#deliverDescription();
    this.#transceivers.limitBitrates();
    await this.#addEarlyCandidates();
  }

  /** A first offer that the other side seems not to have heard; with the candidates that it has by now. */
  #offerAgain() {
    if (!this.#rtc.remoteDescription && this.#rtc.signalingState === 'have-local-offer') this.#deliverDescription();
  }

  /** @param {RTCSessionDescriptionInit} answer */
  async #onAnswer(answer) {
    // Offers to and from what is gone have crossed: the two talk past each other, until one of them begins again.
    if (this.#isFromAnother(answer)) return void this.#beginAgain(true);
    // The answer to an offer that was sent twice, or was taken back.
    if (this.#rtc.signalingState !== 'have-local-offer') return;
    await this.#setRemoteDescription(answer);
    this.#transceivers.limitBitrates();
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
  #deliver(kind, payload, isCurrent) {
    deliver(() => this.#send(kind, payload), () => !this.#isOver && isCurrent()).catch(this.#onError);
  }
}
