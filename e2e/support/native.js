/** A client of the native protocol without the SDK: what is said and heard, to the letter. */
import WebSocket from 'ws';
import { until } from './until.js';

/** @typedef {{ type: string, [field: string]: any }} Message */

export class Native {
  #socket;
  #lastId = 0;
  peer = '';
  /** Everything it was told. @type {Message[]} */
  told = [];

  /** @param {WebSocket} socket */
  constructor(socket) {
    this.#socket = socket;
    socket.on('message', (text) => this.told.push(JSON.parse(text.toString())));
    socket.on('error', () => {});
  }

  /** @param {{ url: string }} gateway @param {string} name @returns {Promise<Native>} once it is welcome */
  static async open({ url }, name) {
    const socket = new WebSocket(`${url.replace('http', 'ws')}v1/connect`);
    const native = new Native(socket);
    await until('an open socket', () => socket.readyState === WebSocket.OPEN);
    native.#say({ type: 'hello', name });
    native.peer = (await native.next('welcome')).peer;
    return native;
  }

  /** @param {string} room @returns {Promise<Message>} `joined` */
  async join(room) {
    this.#say({ type: 'join', id: ++this.#lastId, room });
    return this.next('joined');
  }

  /** @param {string} room @param {string} to @param {string} kind @param {unknown} payload */
  signal(room, to, kind, payload) {
    this.#say({ type: 'signal', id: ++this.#lastId, room, to, kind, payload });
  }

  /** The first message of a type, taken out of what was told. @param {string} type */
  async next(type) {
    const find = () => this.told.findIndex((message) => message.type === type);
    const at = await until(`a message of type ${type} among ${JSON.stringify(this.told)}`, find, (found) => found >= 0);
    return this.told.splice(at, 1)[0];
  }

  /** @param {Message} message */
  #say(message) {
    this.#socket.send(JSON.stringify(message));
  }
}
