/** @import { RoomHost } from './room.js' */
/** @import { Snapshot, State } from './protocol.js' */
/** @import { SwitchboardError } from './errors.js' */
import { log } from './log.js';
import { Room } from './room.js';

/** The rooms that a client wants to be in, and those that it has left while the gateway may not know. */
export class Rooms {
  #host;
  /** @type {Map<string, Room>} by id */
  #wanted = new Map();
  /** @type {Set<string>} */
  #leaving = new Set();

  /** @param {Omit<RoomHost, 'isLeaving' | 'ended'>} host */
  constructor(host) {
    this.#host = host;
  }

  /** @param {string} id */
  get(id) {
    return this.#wanted.get(id);
  }

  /** As they are now: a listener may end one of them meanwhile. */
  get all() {
    return [...this.#wanted.values()];
  }

  /**
   * @param {string} id
   * @param {{ state?: State, capacity?: number }} wish
   * @param {{ restored: boolean }} [origin]
   */
  add(id, wish, origin) {
    const host = {
      ...this.#host,
      isLeaving: (/** @type {string} */ room) => this.#leaving.has(room),
      ended: (/** @type {Room} */ ended) => {
        this.#wanted.delete(ended.id);
        this.#host.listened(); // a signal behind one in this room waits for it no longer
      },
    };
    const room = new Room(id, wish, host, origin);
    this.#wanted.set(id, room);
    return room;
  }

  /** Of the page that was here before, and unwanted by this one. @param {string} id */
  drop(id) {
    this.#wanted.delete(id);
  }

  /** A new session is in none of them. */
  enter() {
    for (const room of this.#wanted.values()) room.enter();
  }

  /**
   * The session goes on, and the gateway knows its rooms; those that this client wants may be others.
   *
   * @param {Snapshot[]} snapshots
   * @param {boolean} moved without a loss
   */
  resumed(snapshots, moved) {
    this.interrupted();
    const byId = new Map(snapshots.map((snapshot) => [snapshot.room, snapshot]));
    for (const id of this.#leaving) if (!byId.has(id)) this.#leaving.delete(id);
    const stale = [...byId.keys()].filter((id) => this.#leaving.has(id) || !this.#wanted.has(id));
    for (const id of stale) {
      byId.delete(id);
      this.#host.request({ type: 'leave', room: id }).answer.catch(() => {}); // if it is lost, the next `welcome` tells
    }
    for (const room of this.all) {
      if (room.endedBy) continue; // by a listener of one before it
      const snapshot = byId.get(room.id);
      if (snapshot) room.resumed(snapshot, moved);
      else room.enter();
    }
  }

  /** The connection is gone. */
  interrupted() {
    for (const room of this.#wanted.values()) room.lost();
  }

  /** The session is over; the next one enters what is still wanted. */
  lost() {
    this.#leaving.clear();
    this.interrupted();
  }

  /** The client is out of each for good. @param {SwitchboardError} error */
  refused(error) {
    for (const room of this.all) room.refused(error);
  }

  /** The client does not come back by itself, but its session may. @param {SwitchboardError} error */
  closed(error) {
    for (const room of this.all) room.closed(error);
  }

  /**
   * The gateway is asked to let the client out. Until it has done so, the room is to be left when the session is back.
   *
   * @param {string} room
   * @param {Promise<unknown>} answer
   */
  async left(room, answer) {
    this.#leaving.add(room);
    const refusal = await answer.then(() => undefined, (error) => error);
    if (!refusal || refusal.code === 'not-a-member') this.#leaving.delete(room);
  }

  /** Signals in this room have waited for a first listener in vain. @param {string} id */
  stopWaiting(id) {
    const room = this.#wanted.get(id);
    if (room?.awaitsListener) log('info', `Nobody listens to the signals of room ${id}: they are confirmed unheard.`);
    room?.stopWaiting();
  }

  /** Whether it shares a room with this client. @param {string} peer */
  knows(peer) {
    return this.all.some((room) => room.members.has(peer));
  }
}
