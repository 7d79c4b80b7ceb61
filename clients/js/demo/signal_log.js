/** @import { Client, Room } from '/sdk/index.js' */

/** Older ones go. */
export const SIGNALS_MAX = 50;

/**
 * A signal as it went by. `peer`: its sender, or the peer that it goes to; absent where it goes to everybody.
 *
 * @typedef {{ at: Date, direction: 'in' | 'out', kind: string, peer: string | undefined, name: string | undefined, bytes: number }} LoggedSignal
 */

const utf8 = new TextEncoder();

/** The last signals of a room, in and out, without what they say. */
export class SignalLog {
  /** The latest last. @type {LoggedSignal[]} */
  signals = [];
  #room;
  #onSignal;
  #subscriptions;

  /**
   * To be made when something else listens to the room's signals: they do not wait for anybody any more once it does.
   *
   * @param {Pick<Client, 'on'>} client
   * @param {Pick<Room, 'id' | 'on' | 'members'>} room
   * @param {(signal: LoggedSignal) => void} onSignal
   */
  constructor(client, room, onSignal) {
    this.#room = room;
    this.#onSignal = onSignal;
    this.#subscriptions = [
      room.on('signal', ({ from, kind, payload }) => this.#log('in', kind, from, payload)),
      client.on('signal-sent', ({ room: id, to, kind, payload }) => {
        if (id === room.id) this.#log('out', kind, to, payload);
      }),
    ];
  }

  stop() {
    for (const stop of this.#subscriptions) stop();
  }

  /**
   * @param {'in' | 'out'} direction
   * @param {string} kind
   * @param {string | undefined} peer
   * @param {unknown} payload
   */
  #log(direction, kind, peer, payload) {
    const name = peer === undefined ? undefined : this.#room.members.get(peer)?.name;
    const bytes = utf8.encode(JSON.stringify(payload ?? null)).length;
    const signal = { at: new Date(), direction, kind, peer, name, bytes };
    this.signals.push(signal);
    if (this.signals.length > SIGNALS_MAX) this.signals.shift();
    this.#onSignal(signal);
  }
}
