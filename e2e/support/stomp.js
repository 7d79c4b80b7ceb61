/** STOMP clients: the library that the tutorial's pages use, and a bare socket for what it would never say. */
import { once } from 'node:events';
import { Client } from '@stomp/stompjs';
import { WebSocket } from 'ws';
import { until } from './until.js';

/** @import { IFrame, IMessage, StompConfig } from '@stomp/stompjs' */
/** @import { Gateway } from './gateway.js' */

/** @param {{ url: string }} at */
const brokerURL = ({ url }) => `${url.replace('http', 'ws')}ws`;

/** Somebody with stompjs, who writes down what comes to each destination. */
export class StompPerson {
  /** @type {Map<string, any[]>} */
  #heard = new Map();
  /** ERROR frames. @type {IFrame[]} */
  errors = [];
  /** How often it was connected. */
  connections = 0;
  /** @type {number[]} codes of close frames */
  closed = [];
  #receipts = 0;

  /**
   * @param {{ url: string }} at
   * @param {StompConfig} [config]
   */
  constructor(at, config = {}) {
    this.client = new Client({
      brokerURL: brokerURL(at),
      webSocketFactory: () => new WebSocket(brokerURL(at), ['v12.stomp', 'v11.stomp', 'v10.stomp']),
      reconnectDelay: 0,
      onConnect: () => (this.connections += 1),
      onStompError: (frame) => this.errors.push(frame),
      onWebSocketClose: ({ code }) => this.closed.push(code),
      ...config,
    });
  }

  /**
   * @param {{ url: string }} at
   * @param {StompConfig} [config]
   */
  static async connect(at, config) {
    const person = new StompPerson(at, config);
    person.client.activate();
    await until('STOMP is connected', () => person.client.connected);
    return person;
  }

  /** What it is called to others, from `/user/queue/me`. */
  get sid() {
    return this.heard('/user/queue/me').at(-1)?.sid;
  }

  /** The bodies that came to a destination. @param {string} destination */
  heard(destination) {
    return this.#heard.get(destination) ?? [];
  }

  /** @param {string} room */
  signals(room) {
    return this.heard(`/topic/rooms/${room}/signal`);
  }

  /** @param {string} room */
  members(room) {
    return this.heard(`/topic/rooms/${room}/members`);
  }

  get refusals() {
    return this.heard('/user/queue/system');
  }

  /** @param {string} destination */
  subscribe(destination) {
    return this.client.subscribe(destination, (message) => this.#note(destination, message));
  }

  /** As the tutorial's page does once it is connected. @param {string} room */
  subscribeAll(room) {
    for (const destination of [`/topic/rooms/${room}/members`, `/topic/rooms/${room}/signal`, '/user/queue/system', '/user/queue/me']) {
      this.subscribe(destination);
    }
  }

  /**
   * @param {string} room
   * @param {'join' | 'signal' | 'leave'} action
   * @param {object} [body]
   */
  send(room, action, body = {}) {
    this.client.publish({ destination: `/app/rooms/${room}/${action}`, body: JSON.stringify(body) });
  }

  /** Subscribes and joins, until it is in the room. @param {string} room @param {string} displayName */
  async enter(room, displayName) {
    this.subscribeAll(room);
    this.send(room, 'join', { displayName });
    await until(`${displayName} is in the room`, () => this.members(room).length);
  }

  /**
   * Sends something that asks for a receipt, and waits for that.
   *
   * @param {(headers: { receipt: string }) => void} send
   */
  async withReceipt(send) {
    const receipt = `receipt-${(this.#receipts += 1)}`;
    const received = new Promise((resolve) => this.client.watchForReceipt(receipt, resolve));
    send({ receipt });
    await received;
  }

  /** @param {string} destination @param {IMessage} message */
  #note(destination, message) {
    if (message.headers['destination'] !== destination) throw new Error(`${destination}: ${JSON.stringify(message.headers)}`);
    this.#heard.set(destination, [...this.heard(destination), JSON.parse(message.body)]);
  }
}

/** A WebSocket that says STOMP frames as a test writes them, `^` for NUL. */
export class BareStomp {
  /** All that came, `^` for NUL. */
  heard = '';
  /** @type {number | undefined} */
  closed;

  /** @param {WebSocket} socket */
  constructor(socket) {
    this.socket = socket;
    socket.on('message', (data) => (this.heard += `${data}`.replaceAll('\0', '^')));
    socket.on('close', (code) => (this.closed = code));
  }

  /** @param {{ url: string }} at */
  static async open(at) {
    const socket = new WebSocket(brokerURL(at), ['v12.stomp']);
    const stomp = new BareStomp(socket);
    await once(socket, 'open');
    return stomp;
  }

  /** @param {{ url: string }} at @param {string} [headers] */
  static async connect(at, headers = 'accept-version:1.2\n') {
    const stomp = await BareStomp.open(at);
    stomp.say(`CONNECT\n${headers}\n^`);
    await stomp.untilHeard('CONNECTED\n');
    return stomp;
  }

  /** @param {string} text */
  say(text) {
    this.socket.send(text.replaceAll('^', '\0'));
  }

  /** @param {string | RegExp} words */
  async untilHeard(words) {
    await until(`${words} comes`, () => this.heard, (heard) => (typeof words === 'string' ? heard.includes(words) : words.test(heard)));
  }

  async untilClosed() {
    return until('the gateway closes', () => this.closed);
  }
}
