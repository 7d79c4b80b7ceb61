import { io } from 'socket.io-client';
import { PATIENCE_MS, until } from './until.js';

/** @import { ManagerOptions, Socket, SocketOptions } from 'socket.io-client' */

/**
 * The ways in which the library can connect.
 *
 * @type {Record<string, Partial<ManagerOptions & SocketOptions>>}
 */
export const TRANSPORTS = {
  'polling, then WebSocket': {},
  'WebSocket alone': { transports: ['websocket'] },
  'polling alone': { transports: ['polling'] },
};

/** It reconnects sooner than it usually would, so that nobody waits for that. */
const USUAL = { forceNew: true, reconnectionDelay: 100, reconnectionDelayMax: 500 };

/** What a tutorial's page has as `socket`: the library's own, and a memory of what it heard. */
export class SocketIoClient {
  /** Its peer id; the last one, where it is not connected. */
  id = '';
  /** Events, oldest first, as `[name, ...arguments]`. Those that a test took are gone from it. */
  heard = /** @type {any[][]} */ ([]);
  /** Why the library lost its connection, each time. */
  disconnects = /** @type {string[]} */ ([]);
  /** How often the library opened a connection. */
  attempts = 0;
  /** Why it was not let in, each time. */
  refusals = /** @type {string[]} */ ([]);

  /** @param {Socket} socket */
  constructor(socket) {
    this.socket = socket;
    socket.on('connect', () => (this.id = socket.id ?? ''));
    socket.io.on('open', () => this.attempts++);
    socket.onAny((...event) => this.heard.push(event));
    socket.on('disconnect', (reason) => this.disconnects.push(reason));
    socket.on('connect_error', ({ message }) => this.refusals.push(message));
  }

  /**
   * Connects; it may take a while until it is.
   *
   * @param {string} url
   * @param {Partial<ManagerOptions & SocketOptions>} [options]
   */
  static connect(url, options = {}) {
    return new SocketIoClient(io(url, { ...USUAL, ...options }));
  }

  /** Waits until it is connected. */
  async untilIn() {
    await until('the client is connected', () => {
      if (this.refusals.length > 0) throw new Error(`connect_error: ${this.refusals}`);
      return this.socket.connected;
    });
  }

  /** Waits until it was refused. @returns {Promise<string>} in these words */
  async refusal() {
    return until('the client is refused', () => this.refusals.shift() ?? '');
  }

  /** Waits until it lost a connection, and has another. @param {string} before its id until then */
  async untilBack(before) {
    await until('the client is back', () => this.socket.connected && this.id !== before);
  }

  /** @param {string} event @param {...any} args */
  emit(event, ...args) {
    this.socket.emit(event, ...args);
  }

  /** With an acknowledgement. @param {string} event @param {...any} args @returns {Promise<any>} what it says */
  ask(event, ...args) {
    return this.socket.timeout(PATIENCE_MS).emitWithAck(event, ...args);
  }

  /** Waits for an event, and takes it from what was heard. @param {string} name @returns {Promise<any>} its argument */
  async hears(name) {
    await until(`the event ${name} comes`, () => this.heard, (heard) => heard.some(([event]) => event === name));
    const [[, argument]] = this.heard.splice(this.heard.findIndex(([event]) => event === name), 1);
    return argument;
  }

  /** What it heard by now that no test has taken, and forgets it. */
  rest() {
    return this.heard.splice(0);
  }

  end() {
    this.socket.disconnect();
  }
}
