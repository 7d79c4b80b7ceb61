/** @import { Delivered, Done, GatewayError, Limits, Undelivered, UndeliveredReason } from './protocol.js' */
/** @import { Platform } from './platform.js' */
import { Allowance } from './allowance.js';
import { SwitchboardError } from './errors.js';

/** What the gateway said about one receiver of a signal.
 *
 * @typedef {{ peer: string, delivered: true } | { peer: string, delivered: false, reason: UndeliveredReason }} Outcome
 */

/** @typedef {{ room: string, to?: string, kind: string, payload: unknown }} Draft */

/**
 * @typedef {object} Outgoing
 * @property {string} text the message without its `id`, encoded once
 * @property {number} bytes
 * @property {number} cost receivers, as far as known when it was sent
 * @property {Set<string>} awaiting receivers without an outcome; for a broadcast, by the roster until `done.to` says
 * @property {Outcome[]} outcomes
 * @property {(outcomes: Outcome[]) => void} resolve
 * @property {(error: SwitchboardError) => void} reject
 */

/** `"id":…,` with the largest id there is. */
const ID_BYTES = 22;

const utf8 = new TextEncoder();

/**
 * This client's signals, from the call to the last receiver's answer. Those over the gateway's limits are held back
 * here, in order, and get their `id` when they are sent, so that ids rise on the wire.
 */
export class Signals {
  #sendText;
  #nextId;
  #platform;
  /** @type {Allowance | undefined} */
  #allowance;
  #maxMessageBytes = 0;
  /** @type {Outgoing[]} */
  #held = [];
  /** @type {Map<number, Outgoing>} */
  #unanswered = new Map();
  /** @type {number | undefined} */
  #timer;

  /**
   * @param {object} options
   * @param {(text: string) => void} options.sendText
   * @param {() => number} options.nextId
   * @param {Platform} options.platform
   */
  constructor({ sendText, nextId, platform }) {
    this.#sendText = sendText;
    this.#nextId = nextId;
    this.#platform = platform;
  }

  /** @param {Limits} limits */
  open(limits) {
    this.#allowance = new Allowance(limits, this.#platform.now);
    this.#maxMessageBytes = limits.max_message_bytes;
  }

  /**
   * @param {Draft} draft
   * @param {string[]} receivers as the roster has them now; for a broadcast `done.to` stands above it
   * @returns {Promise<Outcome[]>} rejects with a {@link SwitchboardError} when the gateway refuses the signal
   */
  submit(draft, receivers) {
    return new Promise((resolve, reject) => {
      const text = JSON.stringify({ type: 'signal', ...draft, payload: draft.payload ?? null });
      const bytes = utf8.encode(text).length + ID_BYTES;
      const cost = Math.max(1, receivers.length);
      const awaiting = new Set(receivers);
      const outgoing = { text, bytes, cost, awaiting, outcomes: [], resolve, reject };
      if (!this.#allowance) {
        this.#abandon(outgoing, 'unavailable');
      } else if (bytes > this.#maxMessageBytes) {
        // Sent, it would end the connection with 1009.
        reject(new SwitchboardError('too-large', `A message may have ${this.#maxMessageBytes} bytes at most.`));
      } else {
        this.#held.push(outgoing);
        this.#release();
      }
    });
  }

  /**
   * Who the receivers of a broadcast are; comes before any answer of theirs.
   *
   * @param {Done} done
   */
  announced({ re, to }) {
    const outgoing = this.#unanswered.get(re);
    if (!outgoing) return;
    outgoing.awaiting = new Set(to);
    this.#finishIfAnswered(re, outgoing);
  }

  /** @param {Delivered | Undelivered} message */
  answered(message) {
    const outgoing = this.#unanswered.get(message.id);
    if (!outgoing) return;
    for (const peer of message.to) {
      if (!outgoing.awaiting.delete(peer)) continue;
      outgoing.outcomes.push(
        message.type === 'delivered' ? { peer, delivered: true } : { peer, delivered: false, reason: message.reason },
      );
    }
    this.#finishIfAnswered(message.id, outgoing);
  }

  /** @param {GatewayError & { re: number }} error */
  refused(error) {
    const outgoing = this.#unanswered.get(error.re);
    if (outgoing) this.#finish(error.re, outgoing, () => outgoing.reject(SwitchboardError.from(error)));
  }

  /** The session is over: what was sent may have arrived, what was held back has not. */
  lost() {
    this.#allowance = undefined;
    this.#platform.clearTimeout(this.#timer);
    for (const outgoing of this.#unanswered.values()) this.#abandon(outgoing, 'unconfirmed');
    for (const outgoing of this.#held) this.#abandon(outgoing, 'unavailable');
    this.#unanswered.clear();
    this.#held = [];
  }

  /** Sends what the limits allow, oldest first. */
  #release() {
    const allowance = this.#allowance;
    while (allowance && this.#held.length > 0) {
      const outgoing = /** @type {Outgoing} */ (this.#held[0]);
      if (!allowance.fits(outgoing.cost, outgoing.bytes)) return;
      const waitMs = allowance.waitMs();
      if (waitMs > 0) return this.#releaseIn(waitMs);
      this.#held.shift();
      allowance.take(outgoing.cost, outgoing.bytes);
      const id = this.#nextId();
      this.#unanswered.set(id, outgoing);
      this.#sendText(`{"id":${id},${outgoing.text.slice(1)}`);
    }
  }

  /** @param {number} ms */
  #releaseIn(ms) {
    this.#platform.clearTimeout(this.#timer);
    this.#timer = this.#platform.setTimeout(() => this.#release(), ms);
  }

  /**
   * @param {number} id
   * @param {Outgoing} outgoing
   */
  #finishIfAnswered(id, outgoing) {
    if (outgoing.awaiting.size > 0) return;
    this.#finish(id, outgoing, () => outgoing.resolve(outgoing.outcomes));
  }

  /**
   * @param {number} id
   * @param {Outgoing} outgoing
   * @param {() => void} settle
   */
  #finish(id, outgoing, settle) {
    this.#unanswered.delete(id);
    this.#allowance?.giveBack(outgoing.cost, outgoing.bytes);
    settle();
    this.#release();
  }

  /**
   * @param {Outgoing} outgoing
   * @param {UndeliveredReason} reason
   */
  #abandon({ awaiting, outcomes, resolve }, reason) {
    for (const peer of awaiting) outcomes.push({ peer, delivered: false, reason });
    resolve(outcomes);
  }
}
