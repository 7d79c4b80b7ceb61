/** @import { IncomingSignal } from './protocol.js' */
/** @import { Platform } from './platform.js' */

/** How many senders `hello` tells of, the latest: at some 40 bytes each they fit into a message. */
const SEEN_MAX = 4_000;
/** For so long after a receipt further ones wait for company. */
const GATHER_MS = 10;

/**
 * What other peers' signals need from this side: dropping repeats, and a receipt once they are handled. Receipts are
 * cumulative, so a burst needs only its first at once (nobody waits when little happens) and one for all the rest.
 */
export class Receipts {
  #send;
  #platform;
  /** @type {Map<string, number>} peer → the last `id` handled */
  #handled = new Map();
  /** @type {Set<string>} peers who are owed a receipt */
  #owed = new Set();
  /** @type {number | undefined} while it runs, receipts are gathered */
  #timer;

  /**
   * @param {(from: string, id: number) => void} send
   * @param {Platform} platform
   */
  constructor(send, platform) {
    this.#send = send;
    this.#platform = platform;
  }

  /**
   * Whether the signal came before. The server is no peer: its ids are not one rising sequence, and it wants no receipt.
   *
   * @param {IncomingSignal} signal
   */
  isRepeat({ from, id }) {
    return from !== 'server' && id <= (this.#handled.get(from) ?? -1);
  }

  /**
   * Every listener has returned.
   *
   * @param {IncomingSignal} signal
   */
  handled({ from, id }) {
    if (from === 'server') return;
    this.#handled.delete(from); // so that the latest are last
    this.#handled.set(from, id);
    this.#owe(from);
  }

  /**
   * A repeat was dropped. That it came means that its receipt did not.
   *
   * @param {IncomingSignal} signal
   */
  repeated({ from }) {
    this.#owe(from);
  }

  /** What has been handled, for the `hello` that resumes: peer → `id`. @returns {Record<string, number>} */
  seen() {
    return Object.fromEntries([...this.#handled].slice(-SEEN_MAX));
  }

  /** @param {Record<string, number>} seen by the page that had the session before */
  restore(seen) {
    this.#handled = new Map(Object.entries(seen));
  }

  /** Forgets everyone who is not known any more. @param {(peer: string) => boolean} isKnown */
  keep(isKnown) {
    for (const peer of [...this.#handled.keys()]) if (!isKnown(peer)) this.forget(peer);
  }

  /**
   * Shares no room with this client any more.
   *
   * @param {string} peer
   */
  forget(peer) {
    this.#handled.delete(peer);
    this.#owed.delete(peer);
  }

  /** The session is over; its sequences are, too. */
  lost() {
    this.#platform.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#handled.clear();
    this.#owed.clear();
  }

  /** @param {string} from */
  #owe(from) {
    this.#owed.add(from);
    if (this.#timer === undefined) this.#flush();
  }

  #flush() {
    this.#timer = undefined;
    if (this.#owed.size === 0) return;
    for (const from of this.#owed) this.#send(from, /** @type {number} */ (this.#handled.get(from)));
    this.#owed.clear();
    this.#timer = this.#platform.setTimeout(() => this.#flush(), GATHER_MS);
  }
}
