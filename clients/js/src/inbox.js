/** @import { IncomingSignal } from './protocol.js' */
/** @import { Platform } from './platform.js' */

/** For so long a signal waits until somebody listens. */
const LISTEN_MS = 5_000;
/** For so long where it holds up what its sender sent in a room that somebody listens to. */
const HOLD_UP_MS = 1_000;
/** So many characters may wait, or 1024 signals: a full room's offers and candidates to one newcomer. */
const WAITING_MAX = 8 * 1_024 * 1_024;
/** As what a signal counts at least. */
const WEIGHT_MIN = WAITING_MAX / 1_024;

/** @typedef {{ signal: IncomingSignal, until: number, weight: number }} Waiting */

/**
 * Other peers' signals on their way to the listeners. In a room to which nobody has listened yet they wait for the first
 * who does, since an application may take a while between `join` and its first listener. A room may be joined for its members
 * alone, though, and a sender waits for its receipt: a signal that has waited in vain is handled as if it was heard, and from
 * then on none waits in that room. Where too many wait, the first of the sender with the most is handled.
 *
 * One sender's signals stay in order, and receipts count up to the last: what it sends in other rooms waits behind. The
 * server's have no order beyond their room.
 */
export class Inbox {
  #awaitsListener;
  #giveUp;
  #handle;
  #isConnected;
  #platform;
  /** @type {Waiting[]} in the order in which they came */
  #waiting = [];
  /** @type {number | undefined} */
  #timer;

  /**
   * @param {object} options
   * @param {(room: string) => boolean} options.awaitsListener whether signals in this room wait
   * @param {(room: string) => void} options.giveUp they do no more
   * @param {(signal: IncomingSignal) => void} options.handle
   * @param {() => boolean} options.isConnected without a connection no room takes signals, and no receipt goes out
   * @param {Platform} options.platform
   */
  constructor({ awaitsListener, giveUp, handle, isConnected, platform }) {
    this.#awaitsListener = awaitsListener;
    this.#giveUp = giveUp;
    this.#handle = handle;
    this.#isConnected = isConnected;
    this.#platform = platform;
  }

  /** @param {IncomingSignal} signal */
  received(signal) {
    const isBehind = this.#waiting.some((each) => sequenceOf(each.signal) === sequenceOf(signal));
    if (!isBehind && !this.#awaitsListener(signal.room)) return this.#handle(signal);
    if (this.#isRepeat(signal)) return; // of another connection
    const weight = Math.max(WEIGHT_MIN, JSON.stringify(signal.payload)?.length ?? 0);
    this.#waiting.push({ signal, until: this.#platform.now() + LISTEN_MS, weight });
    this.#relieve();
    this.#arm();
  }

  /** Some may wait no more: somebody listens, there is a connection again, or their time is over. */
  release() {
    if (!this.#isConnected()) return;
    const now = this.#platform.now();
    for (const { signal, until } of this.#waiting) if (until <= now) this.#giveUp(signal.room);
    /** @type {Set<string>} those whose next ones have to wait, too */
    const held = new Set();
    this.#handleThose(({ signal }) => {
      const sequence = sequenceOf(signal);
      if (this.#awaitsListener(signal.room)) held.add(sequence);
      return !held.has(sequence);
    });
    this.#arm();
  }

  /**
   * What waits in a room waits no more, and neither does what its senders sent before that.
   *
   * @param {string} room
   * @param {string} [from] of this sender alone
   */
  letGo(room, from) {
    /** @type {Set<string>} */
    const senders = new Set();
    /** @type {Set<Waiting>} */
    const going = new Set();
    for (const each of [...this.#waiting].reverse()) {
      const { signal } = each;
      if (signal.room === room && (from === undefined || signal.from === from)) senders.add(sequenceOf(signal));
      if (senders.has(sequenceOf(signal))) going.add(each);
    }
    this.#handleThose((each) => going.has(each));
  }

  /** The session is over, and its signals are, too. */
  lost() {
    this.#waiting = [];
    this.#arm();
  }

  /** @param {(waiting: Waiting) => boolean} isFree asked for each, in order */
  #handleThose(isFree) {
    for (const each of [...this.#waiting]) {
      const at = this.#waiting.indexOf(each);
      if (at < 0) return; // a listener has ended the session
      if (!isFree(each)) continue;
      this.#waiting.splice(at, 1);
      this.#handle(each.signal);
    }
  }

  /** Makes room, should there be none. */
  #relieve() {
    /** @type {Map<string, number>} */
    const weights = new Map();
    let total = 0;
    for (const { signal: { from }, weight } of this.#waiting) {
      total += weight;
      weights.set(from, (weights.get(from) ?? 0) + weight);
    }
    if (total <= WAITING_MAX) return;
    const most = Math.max(...weights.values());
    const first = this.#waiting.find(({ signal: { from } }) => weights.get(from) === most);
    this.#handleThose((each) => each === first);
    this.release();
    this.#relieve();
  }

  /** @param {IncomingSignal} signal */
  #isRepeat({ from, id }) {
    return from !== 'server' && this.#waiting.some(({ signal }) => signal.from === from && signal.id === id);
  }

  /** It may ring a second late in a hidden page: its sender alone waits, once, and what it sends to others goes on. */
  #arm() {
    this.#platform.clearTimeout(this.#timer);
    if (this.#waiting.length === 0) return;
    const now = this.#platform.now();
    const heldUp = new Set(this.#waiting.flatMap(({ signal }) => (this.#awaitsListener(signal.room) ? [] : sequenceOf(signal))));
    for (const each of this.#waiting) if (heldUp.has(sequenceOf(each.signal))) each.until = Math.min(each.until, now + HOLD_UP_MS);
    const next = Math.min(...this.#waiting.map(({ until }) => until));
    this.#timer = this.#platform.setTimeout(() => this.release(), Math.max(0, next - now));
  }
}

/** What comes in order, one behind the other. @param {IncomingSignal} signal */
function sequenceOf({ from, room }) {
  return from === 'server' ? `server in ${room}` : from;
}
