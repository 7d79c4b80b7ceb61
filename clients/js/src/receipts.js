/** @import { IncomingSignal } from './protocol.js' */
/** @import { Platform } from './platform.js' */

/** How many senders `hello` tells of, the latest: at some 40 bytes each they fit into a message. */
const SEEN_MAX = 2_500;
/** How many signals of one sender it lists, the last ones: as many as may be unanswered in one stream. */
const LISTED_MAX = 256;
/** What all lists together may take of it, characters. */
const LISTS_MAX = 60_000;
/** For so long after a receipt further ones wait for company, while somebody sees the page. */
const GATHER_MS = 10;

/**
 * What other peers' signals need from this side: dropping repeats, and a receipt once they are handled. Receipts are
 * cumulative, so a burst needs only its first at once (nobody waits when little happens) and one for all the rest.
 *
 * In a hidden page each goes at once: the timer of the rest may ring a minute late, and the senders would run into their
 * limits meanwhile.
 */
export class Receipts {
  #send;
  #platform;
  /** @type {Map<string, number[]>} peer → the last `id`s handled, rising */
  #handled = new Map();
  /** @type {Set<string>} peers who are owed a receipt */
  #owed = new Set();
  /** Until then receipts are gathered, whenever the timer rings. */
  #gatherUntil = -Infinity;
  /** @type {number | undefined} */
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
    return from !== 'server' && id <= (this.#handled.get(from)?.at(-1) ?? -1);
  }

  /**
   * Every listener has returned.
   *
   * @param {IncomingSignal} signal
   */
  handled({ from, id }) {
    if (from === 'server') return;
    const ids = this.#handled.get(from) ?? [];
    ids.push(id);
    if (ids.length > LISTED_MAX) ids.shift();
    this.#handled.delete(from); // so that the latest are last
    this.#handled.set(from, ids);
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
    const latest = [...this.#handled].slice(-SEEN_MAX);
    return Object.fromEntries(latest.map(([from, ids]) => [from, /** @type {number} */ (ids.at(-1))]));
  }

  /**
   * Which those are: peer → `id`s. The gateway takes what is not listed for signals that were refused; of senders that do
   * not fit it knows less.
   *
   * @returns {Record<string, number[]>}
   */
  listed() {
    /** @type {Record<string, number[]>} */
    const lists = {};
    let left = LISTS_MAX;
    for (const [from, ids] of [...this.#handled].reverse()) {
      left -= `"${from}":[${ids}],`.length;
      if (left < 0) break;
      lists[from] = [...ids];
    }
    return lists;
  }

  /**
   * What the page that had the session before has handled.
   *
   * @param {Record<string, number>} seen
   * @param {Record<string, number[]>} [listed] absent in older releases, whose pages knew the last ones alone
   */
  restore(seen, listed = {}) {
    this.#handled = new Map(Object.entries(seen).map(([from, id]) => [from, listed[from] ?? [id]]));
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
    this.#gatherUntil = -Infinity;
    this.#handled.clear();
    this.#owed.clear();
  }

  /** Sends what is owed, without waiting for more. To be called when the page becomes hidden. */
  flush() {
    this.#platform.clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#owed.size === 0) return;
    for (const from of this.#owed) this.#send(from, /** @type {number} */ (this.#handled.get(from)?.at(-1)));
    this.#owed.clear();
    this.#gatherUntil = this.#platform.now() + GATHER_MS;
  }

  /** @param {string} from */
  #owe(from) {
    this.#owed.add(from);
    const waitMs = this.#gatherUntil - this.#platform.now();
    if (waitMs <= 0 || this.#platform.hidden()) return this.flush();
    this.#timer ??= this.#platform.setTimeout(() => this.flush(), waitMs);
  }
}
