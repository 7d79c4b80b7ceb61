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
/** A page that comes back later than this begins again. */
const STALE_MS = 30_000;
/** Of what is kept: a reload may bring another release of the SDK. */
export const VERSION = 1;
const PREFIX = 'switchboard.session';
/** What {@link KeptSessions} makes of it; an application may have keys that begin likewise. */
const KEY = /^(switchboard\.session(?:\.-?\d+)*)(?:#\d+)?:/;

/**
 * Clients of one name in a page are numbered: each takes the first number that is free.
 *
 * @typedef {{ name: string, number: number, taken: boolean, counts: boolean, key: string }} Place `counts`: whether a client
 *   that had it was ever started, or found a session; `key`: where its session was put last
 */

/**
 * Sessions between two loads of a page, in its `sessionStorage`. They are taken out as soon as the next page loads: a tab
 * that is duplicated copies the storage, and must not copy a session.
 *
 * The frames of a page that are of one origin share that storage, so each takes out its own only. Clients of one name are
 * told apart by the order in which a page makes them, not counting those that find no session and are never started.
 */
export class KeptSessions {
  #storage;
  #prefix;
  /** @type {Map<string, string>} by key, as they were found */
  #found = new Map();
  /** @type {Map<string, Place[]>} by name */
  #places = new Map();

  /**
   * @internal
   * @param {Storage | undefined} storage
   * @param {string} [frame] where in the page, if this is a frame
   */
  constructor(storage, frame = '') {
    this.#storage = storage;
    this.#prefix = `${PREFIX}${frame}`;
    for (const key of keysOf(storage)) {
      if (KEY.exec(key)?.[1] !== this.#prefix) continue;
      this.#found.set(key, storage?.getItem(key) ?? '');
      storage?.removeItem(key);
    }
  }

  /**
   * For a client that is made, and for one that was closed and is started again.
   *
   * @internal
   * @param {string} name
   * @returns {Place}
   */
  take(name) {
    const places = this.#places.get(name) ?? [];
    const free = places.find(({ taken }) => !taken) ?? { name, number: places.length, taken: true, counts: false, key: '' };
    free.taken = true;
    // Without a storage nothing is kept, and a server may have any number of clients.
    if (this.#storage) places[free.number] = free;
    this.#places.set(name, places);
    return free;
  }

  /**
   * The session of the page that was here before. Each is given once.
   *
   * @internal
   * @param {Place} place
   * @param {number} now
   * @returns {KeptSession | undefined}
   */
  claim({ name, number }, now) {
    const key = this.#key(name, number);
    const session = parsed(this.#found.get(key));
    this.#found.delete(key);
    return session && now - session.keptAt < STALE_MS ? session : undefined;
  }

  /**
   * Claimed by a client that was closed on its way to a gateway: for the next one in its place.
   *
   * @internal
   * @param {Place} place
   * @param {KeptSession} session
   */
  giveBack({ name, number }, session) {
    this.#found.set(this.#key(name, number), JSON.stringify(session));
  }

  /**
   * For the next page. What does not fit is left out, signals first.
   *
   * @internal
   * @param {Place} place
   * @param {KeptSession} session
   */
  put(place, session) {
    this.#sweep(session.keptAt);
    const before = (this.#places.get(place.name) ?? []).slice(0, place.number).filter(({ counts }) => counts);
    place.key = this.#key(place.name, before.length);
    for (const signals of [session.signals, { sent: [], held: [] }]) {
      try {
        this.#storage?.setItem(place.key, JSON.stringify({ ...session, signals }));
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
   * @param {Place} place
   * @param {string} secret
   * @returns {boolean} whether the session is still its own: no other page went on with it meanwhile
   */
  takeBack({ key }, secret) {
    const session = parsed(this.#storage?.getItem(key));
    this.#storage?.removeItem(key);
    return session?.secret === secret;
  }

  /**
   * @param {string} name
   * @param {number} number
   */
  #key(name, number) {
    return `${this.#prefix}${number === 0 ? '' : `#${number}`}:${name}`;
  }

  /** What frames have left that did not come back, of whatever release. @param {number} now */
  #sweep(now) {
    for (const key of keysOf(this.#storage)) {
      if (KEY.test(key) && now - fromJson(this.#storage?.getItem(key))?.keptAt >= STALE_MS) this.#storage?.removeItem(key);
    }
  }
}

/** Those of this page: made when the SDK is loaded, whether a client is made then or not. */
export const keptSessions = new KeptSessions(sessionStorageOfPage(), placeOfFrame());

/** Absent outside browsers, and refused where a page's cookies are. */
function sessionStorageOfPage() {
  try {
    return globalThis.sessionStorage;
  } catch {
    return undefined;
  }
}

/** Which frame of which frame of the page this is, such as `.0.2`: the same after a reload. Empty for the page itself. */
function placeOfFrame() {
  let place = '';
  let frame = /** @type {Window | undefined} */ (globalThis.window);
  for (; frame?.parent && frame.parent !== frame; frame = frame.parent) place = `.${indexOf(frame)}${place}`;
  return place;
}

/**
 * A window of another origin shows its frames by number, and nothing more.
 *
 * @param {Window} frame
 */
function indexOf(frame) {
  const { parent } = frame;
  for (let index = 0; index < parent.length; index++) if (parent[index] === frame) return index;
  return -1; // it has been removed already
}

/** @param {Storage | undefined} storage */
function keysOf(storage) {
  return Array.from({ length: storage?.length ?? 0 }, (_, index) => storage?.key(index) ?? '');
}

/** @param {string | null | undefined} text @returns {KeptSession | undefined} */
function parsed(text) {
  const session = fromJson(text);
  return session?.version === VERSION ? session : undefined;
}

/** @param {string | null | undefined} text @returns {any} undefined where it is none */
function fromJson(text) {
  try {
    return JSON.parse(text ?? 'null') ?? undefined;
  } catch {
    return undefined;
  }
}
