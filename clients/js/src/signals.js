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
 * A signal as it survives the page: who asked for its outcome does not.
 *
 * @typedef {object} KeptSignal
 * @property {string} text the message without its `id` and `to`, encoded once
 * @property {string} [to]
 * @property {boolean} announced whether its receivers are certain: `to` was given, or `done` has come
 * @property {string[]} awaiting receivers without an outcome; for a broadcast, by the roster until `done.to` says
 */

/** @typedef {{ sent: [id: number, signal: KeptSignal][], held: KeptSignal[] }} KeptSignals */

/**
 * @typedef {Omit<KeptSignal, 'awaiting'> & {
 *   bytes: number, cost: number, awaiting: Set<string>, outcomes: Outcome[],
 *   resolve: (outcomes: Outcome[]) => void, reject: (error: SwitchboardError) => void,
 * }} Outgoing `cost`: its receivers, as far as known when it was sent
 */

/** `"id":…,"to":"…",` with the largest id there is. */
const ID_BYTES = 51;
/** Held back beyond these, a signal is `overloaded` at once: somebody sends more than ever gets through. */
const HELD_MAX = 4_096;
const HELD_BYTES_MAX = 8 * 1_048_576;

const utf8 = new TextEncoder();

/**
 * This client's signals, from the call to the last receiver's answer, across connections. Those over the gateway's
 * limits are held back here, in order, and get their `id` when they are sent, so that ids rise on the wire. What has no
 * answer when the connection is lost is sent again on the next one, first of all and under its old id.
 *
 * | phase     | begins with            | a signal is                |
 * | --------- | ---------------------- | -------------------------- |
 * | none      | `lost`                 | `unavailable`              |
 * | open      | `open`, `resume`       | sent, as the limits allow  |
 * | suspended | `suspend`, `restore`   | held                       |
 */
export class Signals {
  #sendText;
  #nextId;
  #platform;
  #hasSession = false;
  /** While there is a connection. @type {Allowance | undefined} */
  #allowance;
  #maxMessageBytes = Infinity;
  /** @type {Outgoing[]} */
  #held = [];
  #heldBytes = 0;
  /** In the order of their ids. @type {Map<number, Outgoing>} */
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

  /** A new session. @param {Limits} limits */
  open(limits) {
    this.#hasSession = true;
    this.#allowance = new Allowance(limits, this.#platform.now);
    this.#maxMessageBytes = limits.max_message_bytes;
  }

  /**
   * The session goes on: repeats what is unanswered. To be called before anything else is said; what was held back goes
   * with {@link release}.
   *
   * @param {Limits} limits
   */
  repeat(limits) {
    this.#pause();
    this.open(limits);
    for (const [id, outgoing] of this.#unanswered) {
      const { announced, awaiting, bytes, to } = outgoing;
      if (announced) outgoing.cost = Math.max(1, awaiting.size);
      this.#allowance?.takeRepeat(outgoing.cost, bytes);
      // A broadcast whose receivers are known goes to those without an answer: whoever came later is none of them.
      const receivers = announced ? awaiting : [to];
      for (const receiver of receivers) this.#sendText(encode(id, receiver, outgoing.text));
    }
  }

  /** The connection is lost; the session may go on. */
  suspend() {
    this.#pause();
    this.#allowance = undefined;
  }

  /** The session is over: what was sent may have arrived, what was held back has not. */
  lost() {
    this.suspend();
    this.#hasSession = false;
    for (const outgoing of this.#unanswered.values()) abandon(outgoing, 'unconfirmed');
    for (const outgoing of this.#held) abandon(outgoing, 'unavailable');
    this.#unanswered.clear();
    this.#held = [];
    this.#heldBytes = 0;
  }

  /**
   * @param {Draft} draft
   * @param {string[]} receivers as the roster has them now; for a broadcast `done.to` stands above it
   * @returns {Promise<Outcome[]>} rejects with a {@link SwitchboardError} when the gateway refuses the signal
   */
  submit({ to, ...draft }, receivers) {
    return new Promise((resolve, reject) => {
      const text = JSON.stringify({ type: 'signal', ...draft, payload: draft.payload ?? null });
      const kept = { text, ...(to !== undefined && { to }), announced: to !== undefined, awaiting: receivers };
      const outgoing = revive(kept, resolve, reject);
      if (!this.#hasSession) {
        abandon(outgoing, 'unavailable');
      } else if (outgoing.bytes > this.#maxMessageBytes) {
        // Sent, it would end the connection with 1009.
        reject(new SwitchboardError('too-large', `A message may have ${this.#maxMessageBytes} bytes at most.`));
      } else if (this.#held.length >= HELD_MAX || this.#heldBytes + outgoing.bytes > HELD_BYTES_MAX) {
        abandon(outgoing, 'overloaded');
      } else {
        this.#hold(outgoing);
        this.release();
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
    if (!outgoing || outgoing.to !== undefined) return;
    outgoing.announced = true;
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

  /** Sends what the limits allow, oldest first. */
  release() {
    const allowance = this.#allowance;
    while (allowance && this.#held.length > 0) {
      const outgoing = /** @type {Outgoing} */ (this.#held[0]);
      if (!allowance.fits(outgoing.cost, outgoing.bytes)) return;
      const waitMs = allowance.waitMs();
      if (waitMs > 0) return this.#releaseIn(waitMs);
      this.#held.shift();
      this.#heldBytes -= outgoing.bytes;
      allowance.take(outgoing.cost, outgoing.bytes);
      const id = this.#nextId();
      this.#unanswered.set(id, outgoing);
      this.#sendText(encode(id, outgoing.to, outgoing.text));
    }
  }

  /** @returns {KeptSignals} what has no outcome yet */
  keep() {
    return {
      sent: [...this.#unanswered].map(([id, outgoing]) => [id, kept(outgoing)]),
      held: this.#held.map(kept),
    };
  }

  /** Goes on with what another page began. @param {KeptSignals} kept */
  restore({ sent, held }) {
    this.#hasSession = true;
    for (const [id, signal] of sent) this.#unanswered.set(id, revive(signal));
    for (const signal of held) this.#hold(revive(signal));
  }

  /** @param {Outgoing} outgoing */
  #hold(outgoing) {
    this.#held.push(outgoing);
    this.#heldBytes += outgoing.bytes;
  }

  #pause() {
    this.#platform.clearTimeout(this.#timer);
  }

  /** @param {number} ms */
  #releaseIn(ms) {
    this.#pause();
    this.#timer = this.#platform.setTimeout(() => this.release(), ms);
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
    this.release();
  }
}

/**
 * @param {number} id
 * @param {string | undefined} to
 * @param {string} text
 */
function encode(id, to, text) {
  return `{"id":${id},${to === undefined ? '' : `"to":${JSON.stringify(to)},`}${text.slice(1)}`;
}

/**
 * @param {KeptSignal} signal
 * @param {(outcomes: Outcome[]) => void} [resolve]
 * @param {(error: SwitchboardError) => void} [reject]
 * @returns {Outgoing}
 */
function revive(signal, resolve = () => {}, reject = () => {}) {
  const bytes = utf8.encode(signal.text).length + ID_BYTES;
  const cost = Math.max(1, signal.awaiting.length);
  return { ...signal, bytes, cost, awaiting: new Set(signal.awaiting), outcomes: [], resolve, reject };
}

/** @param {Outgoing} outgoing @returns {KeptSignal} */
function kept({ text, to, announced, awaiting }) {
  return { text, ...(to !== undefined && { to }), announced, awaiting: [...awaiting] };
}

/**
 * @param {Outgoing} outgoing
 * @param {UndeliveredReason} reason
 */
function abandon({ awaiting, outcomes, resolve }, reason) {
  for (const peer of awaiting) outcomes.push({ peer, delivered: false, reason });
  resolve(outcomes);
}
