/** @import { Delivered, Done, GatewayError, Limits, ServerMessage, Undelivered, UndeliveredReason } from './protocol.js' */
/** @import { Platform } from './platform.js' */
import { Allowance } from './allowance.js';
import { SwitchboardError } from './errors.js';
import { log } from './log.js';
import { Streams } from './streams.js';

/**
 * What the gateway answers about one receiver of a signal.
 *
 * @typedef {{ peer: string, delivered: true } | { peer: string, delivered: false, reason: UndeliveredReason }} Outcome
 */

/** @typedef {{ room: string, to?: string, kind: string, payload: unknown, traceparent?: string }} Draft */

/**
 * A signal as it survives the page; the promise of its outcome does not.
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
 *   bytes: number, awaiting: Set<string>, outcomes: Outcome[],
 *   resolve: (outcomes: Outcome[]) => void, reject: (error: SwitchboardError) => void,
 * }} Outgoing
 */

/** `"id":…,"to":"…",` with the largest id there is. */
const ID_BYTES = 51;
/** Held back beyond these, a signal is `overloaded` at once: somebody sends more than ever gets through. */
const HELD_MAX = 4_096;
const HELD_BYTES_MAX = 8_388_608;
/** One receiver's part of all that, and of what the gateway lets be unanswered: one in so many. */
const RECEIVER_SHARE = 4;

const utf8 = /* @__PURE__ */ new TextEncoder();

/**
 * This client's signals, from the call to the last receiver's answer, across connections. Those over the gateway's
 * limits are held back here, and get their `id` when they are sent, so that ids rise on the wire. What has no answer when
 * the connection is lost is sent again on the next one, first of all and under its old id.
 *
 * To each receiver they go in order; past those that wait for one receiver's answers go those for others. A broadcast
 * waits for every receiver, except that the full stream of one that is stalled does not hold it back: the gateway answers
 * `overloaded` for that one.
 *
 * | phase     | begins with            | a signal is                |
 * | --------- | ---------------------- | -------------------------- |
 * | none      | `lost`                 | `unavailable`              |
 * | open      | `open`, `resume`       | sent, as the limits allow  |
 * | suspended | `suspend`, `restore`   | held                       |
 */
export class Signals {
  #sendText;
  #ping;
  #nextId;
  #platform;
  #hasSession = false;
  /** While there is a connection. @type {Allowance | undefined} */
  #allowance;
  #maxMessageBytes = Infinity;
  /** @type {Outgoing[]} */
  #held = [];
  #heldBytes = 0;
  #heldFor;
  /** What is unanswered, by receiver. @type {Streams} */
  #streams;
  /** In the order of their ids. @type {Map<number, Outgoing>} */
  #unanswered = new Map();
  /** Until something that is held back may go, whatever the gateway says. @type {number | undefined} */
  #timer;
  /** Whether a pong is to come that was asked for so that something is heard. */
  #pinged = false;

  /**
   * @param {object} options
   * @param {(text: string) => void} options.sendText
   * @param {() => void} options.ping makes the gateway send something
   * @param {() => number} options.nextId
   * @param {Platform} options.platform
   */
  constructor({ sendText, ping, nextId, platform }) {
    this.#sendText = sendText;
    this.#ping = ping;
    this.#nextId = nextId;
    this.#platform = platform;
    this.#heldFor = new Streams(HELD_MAX / RECEIVER_SHARE, HELD_BYTES_MAX / RECEIVER_SHARE, platform.now);
    this.#streams = new Streams(Infinity, Infinity, platform.now);
  }

  /** A new session. @param {Limits} limits */
  open(limits) {
    this.#hasSession = true;
    this.#allowance = new Allowance(limits, this.#platform.now);
    const { in_flight, in_flight_bytes } = limits;
    this.#streams = new Streams(in_flight / RECEIVER_SHARE, in_flight_bytes / RECEIVER_SHARE, this.#platform.now);
    this.#maxMessageBytes = limits.max_message_bytes;
  }

  /**
   * The session goes on: repeats what is unanswered. To be called before anything else is sent; what was held back goes
   * with {@link release}.
   *
   * @param {Limits} limits
   */
  repeat(limits) {
    this.suspend();
    this.open(limits);
    for (const [id, outgoing] of this.#unanswered) {
      const { announced, awaiting, bytes, to } = outgoing;
      this.#allowance?.takeRepeat(bytes);
      this.#streams.begin(awaiting, bytes);
      // A broadcast whose receivers are known goes to those without an answer: a member that came later is none of them.
      const receivers = announced ? awaiting : [to];
      for (const receiver of receivers) this.#sendText(encode(id, receiver, outgoing.text));
    }
  }

  /** The connection is lost; the session may go on. */
  suspend() {
    this.#pause();
    this.#pinged = false;
    this.#allowance = undefined;
  }

  /** The session is over: what was sent may have arrived, what was held back has not. */
  lost() {
    this.suspend();
    this.#hasSession = false;
    for (const outgoing of this.#unanswered.values()) abandon(outgoing, 'unconfirmed');
    for (const outgoing of this.#held.splice(0)) {
      this.#letGo(outgoing);
      abandon(outgoing, 'unavailable');
    }
    this.#unanswered.clear();
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
      } else if (!this.#mayHold(outgoing)) {
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
    this.#streams.end(outgoing.awaiting, outgoing.bytes);
    outgoing.awaiting = new Set(to);
    this.#streams.begin(outgoing.awaiting, outgoing.bytes);
    this.#finishIfAnswered(re, outgoing);
  }

  /** @param {Delivered | Undelivered} message */
  answered(message) {
    const outgoing = this.#unanswered.get(message.id);
    if (!outgoing) return;
    for (const peer of message.to) {
      if (!outgoing.awaiting.delete(peer)) continue;
      this.#streams.end([peer], outgoing.bytes);
      outgoing.outcomes.push(
        message.type === 'delivered' ? { peer, delivered: true } : { peer, delivered: false, reason: message.reason },
      );
    }
    if (outgoing.awaiting.size > 0) this.release(); // one receiver's stream has a place
    else this.#finishIfAnswered(message.id, outgoing);
  }

  /** @param {GatewayError & { re: number }} error */
  refused(error) {
    const outgoing = this.#unanswered.get(error.re);
    if (!outgoing) return;
    log('info', `Signal ${error.re} was refused (${error.code}): ${error.message}`);
    this.#finish(error.re, outgoing, () => outgoing.reject(SwitchboardError.from(error)));
  }

  /** Sends what the limits allow, to each receiver the oldest first. */
  release() {
    this.#pause();
    /** @type {Set<string>} */
    const waiting = new Set();
    let releaseInMs = Infinity;
    const held = this.#held;
    this.#held = [];
    for (const [index, outgoing] of held.entries()) {
      const rateMs = this.#allowance?.fits(outgoing.bytes) ? this.#allowance.waitMs() : Infinity;
      if (rateMs > 0) {
        releaseInMs = Math.min(releaseInMs, rateMs);
        this.#held.push(...held.slice(index));
        break;
      }
      const waitMs = this.#waitMs(outgoing, waiting);
      if (waitMs > 0) {
        releaseInMs = Math.min(releaseInMs, waitMs);
        for (const receiver of outgoing.awaiting) waiting.add(receiver);
        this.#held.push(outgoing);
      } else {
        this.#send(outgoing);
      }
    }
    if (releaseInMs < Infinity) this.#releaseIn(releaseInMs);
  }

  /** The gateway has sent something: in a hidden page that may be sooner than any timer rings. @param {ServerMessage} message */
  heard({ type }) {
    if (type === 'pong') this.#pinged = false;
    if (this.#timer !== undefined && this.#platform.hidden()) this.release();
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
  #send(outgoing) {
    const { to, text, bytes, awaiting } = outgoing;
    this.#letGo(outgoing);
    this.#allowance?.take(bytes);
    this.#streams.begin(awaiting, bytes);
    const id = this.#nextId();
    this.#unanswered.set(id, outgoing);
    this.#sendText(encode(id, to, text));
  }

  /** @param {Outgoing} outgoing */
  #hold(outgoing) {
    this.#held.push(outgoing);
    this.#heldBytes += outgoing.bytes;
    this.#heldFor.begin(outgoing.awaiting, outgoing.bytes);
  }

  /** It is held back no more. @param {Outgoing} outgoing */
  #letGo({ awaiting, bytes }) {
    this.#heldBytes -= bytes;
    this.#heldFor.end(awaiting, bytes);
  }

  /** @param {Outgoing} outgoing */
  #mayHold({ to, bytes }) {
    if (this.#held.length >= HELD_MAX || this.#heldBytes + bytes > HELD_BYTES_MAX) return false;
    return to === undefined || this.#heldFor.takes(to, bytes);
  }

  /**
   * How long a signal has to wait for its receivers, as far as that is known: `Infinity` until one of them answers.
   *
   * @param {Outgoing} outgoing
   * @param {Set<string>} waiting receivers to which something before it is held back
   */
  #waitMs({ to, bytes, awaiting }, waiting) {
    let waitMs = 0;
    for (const receiver of awaiting) {
      if (waiting.has(receiver)) return Infinity;
      if (this.#streams.takes(receiver, bytes)) continue;
      waitMs = Math.max(waitMs, to === undefined ? this.#streams.stalledInMs(receiver) : Infinity);
    }
    return waitMs;
  }

  #pause() {
    this.#platform.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** A hidden page has no clock to rely on, but the gateway's answers. @param {number} ms */
  #releaseIn(ms) {
    this.#timer = this.#platform.setTimeout(() => this.release(), ms);
    if (!this.#allowance || this.#pinged || !this.#platform.hidden()) return;
    this.#pinged = true;
    this.#ping();
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
    this.#streams.end(outgoing.awaiting, outgoing.bytes);
    this.#allowance?.giveBack(outgoing.bytes);
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
  return { ...signal, bytes, awaiting: new Set(signal.awaiting), outcomes: [], resolve, reject };
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
