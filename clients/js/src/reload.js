/** @import { KeptRoom, KeptSession, Place } from './kept_session.js' */
/** @import { Inbox } from './inbox.js' */
/** @import { Lifeline } from './lifeline.js' */
/** @import { Platform } from './platform.js' */
/** @import { State } from './protocol.js' */
/** @import { Receipts } from './receipts.js' */
/** @import { Requests } from './requests.js' */
/** @import { Room } from './room.js' */
/** @import { Rooms } from './rooms.js' */
/** @import { Session } from './session.js' */
/** @import { Signals } from './signals.js' */
import { HOLD_MS, VERSION } from './kept_session.js';
import { pause } from './platform.js';

/** How long the rooms of a page that was loaded again are held for a `join()`. */
const CLAIM_MS = 5_000;

/**
 * The parts of a client whose state goes from page to page.
 *
 * @typedef {object} Parts
 * @property {Session} session
 * @property {Lifeline} lifeline
 * @property {Requests} requests
 * @property {Signals} signals
 * @property {Receipts} receipts
 * @property {Inbox} inbox
 * @property {Rooms} rooms
 */

/**
 * Takes a client's session over a reload of the page.
 *
 * | when                          | what happens                                                            |
 * | ----------------------------- | ----------------------------------------------------------------------- |
 * | the page is left (`hide`)     | the gateway is asked to hold the session, the storage gets what it needs |
 * | the next page (`restore`)     | its client takes that out, and is in the same rooms                      |
 * | it has resumed (`resumed`)    | a room is the page's own once it joins it (`claim`); others are left after 5 s |
 * | the page itself is back (`return`) | it goes on, unless another page has the session now                |
 */
export class Reload {
  #parts;
  #platform;
  #keepAs;
  /** Where the session is kept, unless the client is closed. @type {Place | undefined} */
  #place;
  /** What the page before has kept, until a gateway was told of it. @type {KeptSession | undefined} */
  #kept;
  /** When the page before was left, until a gateway has answered. @type {number | undefined} */
  #leftAt;
  /** Rooms of the page before that this page has not joined yet. @type {Set<string>} */
  #unclaimed = new Set();
  /** Those that it has just joined, before it had a turn to listen to them. @type {Set<string>} */
  #claiming = new Set();
  /** Until the unclaimed ones are left. @type {number | undefined} */
  #timer;

  /**
   * @param {string} keepAs the client's name in the storage
   * @param {Platform} platform
   * @param {Parts} parts
   */
  constructor(keepAs, platform, parts) {
    this.#keepAs = keepAs;
    this.#platform = platform;
    this.#parts = parts;
    this.#place = platform.kept.take(keepAs);
  }

  /**
   * Goes on with the session of the page that was here before.
   *
   * @returns {readonly KeptRoom[] | undefined} the rooms that it was in; undefined if it has left no session
   */
  restore() {
    if (!this.#place) return undefined;
    this.#kept = this.#platform.kept.claim(this.#place, this.#platform.wallClock());
    if (!this.#kept) return undefined;
    const { session, lifeline, requests, signals, receipts, rooms } = this.#parts;
    const { peer, secret, windowMs, strayHello, keptAt } = this.#kept;
    session.restore({ peer, secret, windowMs });
    this.#leftAt = keptAt;
    if (strayHello) lifeline.expectStrayHello();
    requests.lastId = this.#kept.lastId;
    receipts.restore(this.#kept.seen, this.#kept.handled);
    signals.restore(this.#kept.signals);
    for (const { id, state } of this.#kept.rooms) {
      rooms.add(id, { state }, { restored: true }).entered.catch(() => {}); // perhaps this page does not join it
      this.#unclaimed.add(id);
    }
    // The page may be loaded once more before it connects, for example while it asks for a microphone first.
    this.#place.counts = true;
    return this.#kept.rooms;
  }

  /** The client is started, perhaps not for the first time. */
  started() {
    this.#place ??= this.#platform.kept.take(this.#keepAs);
    this.#place.counts = true;
  }

  /** A gateway is told of the session: from now on it is this page's own. */
  saidHello() {
    this.#kept = undefined;
  }

  /** The gateway has answered, with this session or a new one. */
  welcomed() {
    this.#leftAt = undefined;
  }

  /** The session is back, with its rooms. */
  resumed() {
    this.#platform.clearTimeout(this.#timer);
    if (this.#unclaimed.size > 0) this.#timer = this.#platform.setTimeout(() => this.#giveUpUnclaimed(), CLAIM_MS);
  }

  /** The session is over, and the rooms that were held for this page are, too. */
  lost() {
    this.#kept = undefined;
    this.#platform.clearTimeout(this.#timer);
    for (const id of this.#unclaimed) this.#parts.rooms.drop(id);
    this.#unclaimed.clear();
  }

  /** The page is left: perhaps it is only loaded again. */
  hide() {
    const { session, lifeline, requests, signals, receipts, rooms } = this.#parts;
    lifeline.suspend(HOLD_MS);
    if (!session.resumption || !this.#place) return;
    this.#platform.kept.put(this.#place, {
      version: VERSION,
      ...session.resumption,
      seen: receipts.seen(),
      handled: receipts.listed(),
      lastId: requests.lastId,
      signals: signals.keep(),
      rooms: rooms.all.flatMap(({ kept }) => kept ?? []),
      strayHello: lifeline.expectsStrayHello,
      keptAt: this.#leftAt ?? this.#platform.wallClock(),
    });
  }

  /** The page is back as it was. @returns {boolean} whether the session is still its own: no other page has gone on with it */
  takeBack() {
    const { resumption } = this.#parts.session;
    return !resumption || !this.#place || this.#platform.kept.takeBack(this.#place, resumption.secret);
  }

  /** The client is closed before it has told a gateway: the next client of its name finds the session. */
  giveBack() {
    if (this.#kept && this.#place) this.#platform.kept.giveBack(this.#place, this.#kept);
  }

  /** A client that is closed keeps nothing, and another one may have its place. */
  leavePlace() {
    if (this.#place) this.#place.taken = false;
    this.#place = undefined;
  }

  /**
   * This page joins a room that it is in already.
   *
   * @param {Room} room
   * @param {{ state?: State, capacity?: number }} wish
   */
  async claim(room, wish) {
    if (!this.#unclaimed.delete(room.id)) return; // it has joined it before
    this.#claiming.add(room.id);
    room.claim(wish);
    await room.entered.catch(() => {});
    await pause(this.#platform, 0); // until the code that waited for the room listens to it
    this.#claiming.delete(room.id);
    this.#parts.inbox.release();
  }

  /** Whether it is still a while until the listeners of one room are there. @param {string} id */
  isBeingClaimed(id) {
    return this.#unclaimed.has(id) || this.#claiming.has(id);
  }

  #giveUpUnclaimed() {
    for (const id of this.#unclaimed) this.#parts.rooms.get(id)?.leave().catch(() => {}); // the next `welcome` tells
    this.#unclaimed.clear();
  }
}
