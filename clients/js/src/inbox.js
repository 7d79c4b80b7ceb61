/** @import { IncomingSignal } from './protocol.js' */
/** @import { Platform } from './platform.js' */

/** For so long a signal waits until somebody listens. */
const LISTEN_MS = 5_000;
/** So many may wait: a full room's offers and candidates to one newcomer. */
const WAITING_MAX = 1_024;

/**
 * Other peers' signals on their way to the listeners. In a room to which nobody has listened yet they wait for the first
 * who does, since an application may take a while between `join` and its first listener. A room may be joined for its members
 * alone, though, and a sender waits for its receipt: a signal that has waited in vain is handled as if it was heard, and from
 * then on none waits in that room. So is the oldest, where too many wait.
 *
 * One sender's signals stay in order, and receipts count up to the last: what it says in other rooms waits behind.
 */
export class Inbox {
  #awaitsListener;
  #giveUp;
  #handle;
  #isConnected;
  #platform;
  /** @type {{ signal: IncomingSignal, until: number }[]} in the order in which they came */
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
    if (!this.#waits(signal)) return this.#handle(signal);
    if (this.#isRepeat(signal)) return; // of another connection
    this.#waiting.push({ signal, until: this.#platform.now() + LISTEN_MS });
    const [oldest] = this.#waiting;
    if (oldest && this.#waiting.length > WAITING_MAX) {
      this.#waiting.shift();
      this.#handle(oldest.signal);
    }
    this.#arm();
  }

  /** Some may wait no more: somebody listens, there is a connection again, or their time is over. */
  release() {
    if (!this.#isConnected()) return;
    const now = this.#platform.now();
    for (const { signal, until } of this.#waiting) if (until <= now) this.#giveUp(signal.room);
    const former = this.#waiting;
    /** @type {typeof former} */
    const still = (this.#waiting = []);
    for (const each of former) {
      if (this.#waiting !== still) return; // a listener has ended the session
      if (this.#waits(each.signal)) still.push(each);
      else this.#handle(each.signal);
    }
    this.#arm();
  }

  /** The session is over, and its signals are, too. */
  lost() {
    this.#waiting = [];
    this.#arm();
  }

  /** @param {IncomingSignal} signal */
  #waits({ room, from }) {
    return this.#awaitsListener(room) || this.#waiting.some(({ signal }) => signal.from === from);
  }

  /** @param {IncomingSignal} signal */
  #isRepeat({ from, id }) {
    return from !== 'server' && this.#waiting.some(({ signal }) => signal.from === from && signal.id === id);
  }

  /** It may ring a second late in a hidden page: its sender alone waits, once, and what it sends to others goes on. */
  #arm() {
    this.#platform.clearTimeout(this.#timer);
    const [oldest] = this.#waiting;
    if (!oldest) return;
    this.#timer = this.#platform.setTimeout(() => this.release(), Math.max(0, oldest.until - this.#platform.now()));
  }
}
