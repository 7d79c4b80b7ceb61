/** @import { IncomingSignal } from './protocol.js' */
/** @import { Platform } from './platform.js' */

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
    this.#handled.set(from, id);
    this.#owed.add(from);
    if (this.#timer === undefined) this.#flush();
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

  #flush() {
    this.#timer = undefined;
    if (this.#owed.size === 0) return;
    for (const from of this.#owed) this.#send(from, /** @type {number} */ (this.#handled.get(from)));
    this.#owed.clear();
    this.#timer = this.#platform.setTimeout(() => this.#flush(), GATHER_MS);
  }
}
