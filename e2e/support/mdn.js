/** A client of MDN's chat, as the sample's page has it: JSON over a WebSocket with the subprotocol `json`. */
import WebSocket from 'ws';
import { until } from './until.js';

/** @typedef {{ type: string, [field: string]: any }} Message */

export class Chatter {
  #socket;
  /** Everything it was told. @type {Message[]} */
  told = [];
  /** The close code, once it is closed. @type {number | undefined} */
  closed;

  /** @param {WebSocket} socket */
  constructor(socket) {
    this.#socket = socket;
    socket.on('message', (text) => this.told.push(JSON.parse(text.toString())));
    socket.on('close', (code) => (this.closed = code));
    socket.on('error', () => {});
  }

  /** @param {{ url: string }} gateway @returns {Promise<Chatter>} once it knows its id */
  static async open({ url }) {
    const chatter = new Chatter(new WebSocket(url.replace('http', 'ws'), 'json'));
    await chatter.next('id');
    return chatter;
  }

  /** @param {{ url: string }} gateway @param {string} name @returns {Promise<Chatter>} once it is in the list */
  static async named(gateway, name) {
    const chatter = await Chatter.open(gateway);
    chatter.say({ type: 'username', name, id: 1, date: Date.now() });
    await chatter.untilUsers((users) => users.some((user) => user.startsWith(name)));
    return chatter;
  }

  /** @param {Message} message */
  say(message) {
    this.#socket.send(JSON.stringify(message));
  }

  /** @param {string | Buffer} frame */
  sayRaw(frame) {
    this.#socket.send(frame);
  }

  /** The first message of a type, taken out of what was told. @param {string} type */
  async next(type) {
    const find = () => this.told.findIndex((message) => message.type === type);
    const at = await until(`a message of type ${type} among ${JSON.stringify(this.told)}`, find, (found) => found >= 0);
    return this.told.splice(at, 1)[0];
  }

  /** Waits until the last list of users is as wanted. @param {(users: string[]) => boolean} such */
  async untilUsers(such) {
    const last = () => this.told.findLast(({ type }) => type === 'userlist')?.users ?? [];
    await until('a list of users', last, such);
  }

  leave() {
    this.#socket.close();
  }

  untilClosed() {
    return until('that it is closed', () => this.closed);
  }
}
