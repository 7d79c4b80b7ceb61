/** @import { KeptSignals } from './signals.js' */
/** @import { State } from './protocol.js' */

/** A room that the page was in when it was left. @typedef {{ id: string, state: State }} KeptRoom */

/**
 * What the next page needs to go on with this one's session.
 *
 * @typedef {object} KeptSession
 * @property {typeof VERSION} version
 * @property {string} peer
 * @property {string} secret
 * @property {number} windowMs
 * @property {Record<string, number>} seen peer → the last `id` handled from it
 * @property {Record<string, number[]>} [handled] peer → the last `id`s handled from it; absent in older releases
 * @property {number} lastId
 * @property {KeptSignals} signals
 * @property {KeptRoom[]} rooms
 * @property {boolean} [strayHello] an attempt to resume it that was given up may still be heard; absent in older releases
 * @property {number} keptAt Unix time, milliseconds: only ever compared on this machine
 */

/** How long a gateway is asked to hold the session of a page that is left. */
export const HOLD_MS = 5_000;
/** Who comes back later than this has begun something else. */
const STALE_MS = 30_000;
/** Of what is kept: a reload may bring another release of the SDK. */
export const VERSION = 1;
const PREFIX = 'switchboard.session:';

/**
 * Sessions between two loads of a page, in its `sessionStorage`. They are taken out as soon as the next page loads: a tab
 * that is duplicated copies the storage, and must not copy a session.
 */
export class KeptSessions {
  #storage;
  /** @type {Map<string, string>} by name, as they were found */
  #found = new Map();

  /** @internal @param {Storage | undefined} storage */
  constructor(storage) {
    this.#storage = storage;
    if (!storage) return;
    const keys = Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? '');
    for (const key of keys.filter((key) => key.startsWith(PREFIX))) {
      this.#found.set(key.slice(PREFIX.length), storage.getItem(key) ?? '');
      storage.removeItem(key);
    }
  }

  /**
   * The session of the page that was here before. Each is given once.
   *
   * @internal
   * @param {string} name
   * @param {number} now
   * @returns {KeptSession | undefined}
   */
  claim(name, now) {
    const session = parsed(this.#found.get(name));
    this.#found.delete(name);
    return session && now - session.keptAt < STALE_MS ? session : undefined;
  }

  /**
   * For the next page. What does not fit is left out, signals first.
   *
   * @internal
   * @param {string} name
   * @param {KeptSession} session
   */
  put(name, session) {
    for (const signals of [session.signals, { sent: [], held: [] }]) {
      try {
        this.#storage?.setItem(PREFIX + name, JSON.stringify({ ...session, signals }));
        return;
      } catch {
        // The quota of a few MB; or the storage is off, and the session ends with the page.
      }
    }
  }

  /**
   * The page is back as it was (back-forward cache).
   *
   * @internal
   * @param {string} name
   * @param {string} secret
   * @returns {boolean} whether the session is still its own: no other page went on with it meanwhile
   */
  takeBack(name, secret) {
    const session = parsed(this.#storage?.getItem(PREFIX + name) ?? undefined);
    this.#storage?.removeItem(PREFIX + name);
    return session?.secret === secret;
  }
}

/** Those of this page: made when the SDK is loaded, be a client made then or not. */
export const keptSessions = new KeptSessions(sessionStorageOfPage());

/** Absent outside browsers, and refused where a page's cookies are. */
function sessionStorageOfPage() {
  try {
    return globalThis.sessionStorage;
  } catch {
    return undefined;
  }
}

/** @param {string | undefined} text @returns {KeptSession | undefined} */
function parsed(text) {
  try {
    const session = JSON.parse(text ?? 'null');
    return session?.version === VERSION ? session : undefined;
  } catch {
    return undefined;
  }
}
