/** @import { Advice } from './reconnect.js' */
/** @import { StateChange } from './lifeline.js' */
/** @import { Outcome } from './signals.js' */
/** @import { DistributiveOmit } from './room.js' */
/** @import { Platform } from './platform.js' */
/** @import { GatewayError, Hello, IncomingSignal, Request, ServerMessage, State, Welcome } from './protocol.js' */
import { Emitter } from './emitter.js';
import { SwitchboardError } from './errors.js';
import { Lifeline } from './lifeline.js';
import { watchPage } from './page.js';
import { browser, pause } from './platform.js';
import { Receipts } from './receipts.js';
import { Requests } from './requests.js';
import { Room } from './room.js';
import { Signals } from './signals.js';

/**
 * @typedef {object} ClientOptions
 * @property {string} url `wss://…/v1/connect`
 * @property {string} [name] as others see it
 * @property {string} [avatar] usually a URL
 * @property {string} [token] JWT; may be set anew as `client.token`
 * @property {() => string | undefined | Promise<string | undefined>} [getToken] asked before each connection instead
 * @property {string} [agent] the application, for the gateway's logs
 * @property {Platform} [platform] for tests
 */

/**
 * @typedef {object} ClientEvents
 * @property {StateChange} state
 * @property {IncomingSignal} signal from any room
 * @property {{ error: SwitchboardError }} error the gateway complains about no request in particular
 */

/**
 * A client of the cluster: it stays connected, is in the rooms that it joined, and passes signals on.
 *
 * ```
 * Client ── Lifeline ── Connection      one WebSocket after another
 *   ├─ Signals ── Allowance             out: held back, unanswered
 *   ├─ Receipts                         in: repeats dropped, `received`
 *   ├─ Requests                         join, leave, state: by id
 *   └─ Room, Room, …                    members, state, events
 * ```
 *
 * @extends {Emitter<ClientEvents>}
 */
export class Client extends Emitter {
  /** The token for connections to come. @type {string | undefined} */
  token;
  /** What the gateway said last: `peer`, `user`, `node`, `limits`, `ice_servers`… @type {Welcome | undefined} */
  welcome;
  #options;
  #platform;
  #lifeline;
  #lastId = 0;
  #requests = new Requests();
  #signals;
  #receipts;
  /** @type {Map<string, Room>} those that are wanted, by id */
  #rooms = new Map();
  /** @type {{ resolve: (welcome: Welcome) => void, reject: (error: SwitchboardError) => void }[]} */
  #connecting = [];
  #stopWatchingPage = () => {};

  /** @param {ClientOptions} options */
  constructor(options) {
    super();
    this.#options = options;
    this.#platform = options.platform ?? browser();
    this.token = options.token;
    this.#lifeline = new Lifeline({
      url: options.url,
      hello: () => this.#hello(),
      renewable: options.getToken !== undefined,
      platform: this.#platform,
      onState: (change) => this.#changed(change),
      onWelcome: (welcome) => this.#welcomed(welcome),
      onMessage: (message) => this.#dispatch(message),
      onLost: () => this.#sessionLost(),
    });
    this.#signals = new Signals({
      sendText: (text) => this.#lifeline.sendText(text),
      nextId: () => ++this.#lastId,
      platform: this.#platform,
    });
    this.#receipts = new Receipts((from, id) => this.#lifeline.send({ type: 'received', from, id }), this.#platform);
  }

  get state() {
    return this.#lifeline.state;
  }

  /** This session's public id, as others see it. */
  get peer() {
    return this.welcome?.peer;
  }

  /**
   * Connects and stays connected, as long as coming back makes sense.
   *
   * @returns {Promise<Welcome>} once open; rejects when the client is `closed`, not while it keeps trying
   */
  connect() {
    if (this.welcome && this.state === 'open') return Promise.resolve(this.welcome);
    return new Promise((resolve, reject) => {
      this.#connecting.push({ resolve, reject });
      this.#stopWatchingPage();
      this.#stopWatchingPage = watchPage({
        onAwake: () => this.#lifeline.hurry(),
        onHide: () => this.#lifeline.suspend(),
      });
      this.#lifeline.start();
    });
  }

  /** Says goodbye: leaves every room and does not come back by itself. */
  close() {
    this.#stopWatchingPage();
    for (const room of [...this.#rooms.values()]) room.refused(new SwitchboardError('bye', 'The client was closed.'));
    this.#lifeline.stop();
  }

  /**
   * Wants to be in a room, from now on and after every reconnect. Waits for a connection if there is none.
   *
   * @param {string} id `[A-Za-z0-9._:@-]{1,128}`
   * @param {{ state?: State, capacity?: number }} [wish] first state; capacity if this join creates the room
   * @returns {Promise<Room>} rejects with a {@link SwitchboardError}, such as `room-full`
   */
  join(id, wish = {}) {
    const wanted = this.#rooms.get(id);
    if (wanted) return wanted.entered;
    const room = new Room(id, wish, {
      peer: () => (this.state === 'open' ? this.peer : undefined),
      request: (request) => this.#request(request),
      signal: (...signal) => this.signal(...signal),
      pause: (ms) => pause(this.#platform, ms),
      ended: (ended) => void this.#rooms.delete(ended.id),
    });
    this.#rooms.set(id, room);
    if (this.state === 'open') room.enter();
    return room.entered;
  }

  /** @param {string} id */
  async leave(id) {
    await this.#rooms.get(id)?.leave();
  }

  /**
   * Passes something on to a peer, or to everyone else in the room. Signals to one receiver arrive in the order in which
   * this was called. Near the gateway's limits they are held back here; without a connection they are `unavailable`.
   *
   * @param {string} room
   * @param {string | undefined} to a peer; without it every other member
   * @param {string} kind `offer`, `answer`, `candidate` or `[A-Za-z0-9._:-]{1,64}`
   * @param {unknown} payload any JSON value
   * @returns {Promise<Outcome[]>} one for each receiver; rejects with a {@link SwitchboardError} if it is refused
   */
  signal(room, to, kind, payload) {
    const receivers = to === undefined ? (this.#rooms.get(room)?.others.map(({ peer }) => peer) ?? []) : [to];
    return this.#signals.submit({ room, ...(to !== undefined && { to }), kind, payload }, receivers);
  }

  /** @returns {Promise<Hello>} */
  async #hello() {
    const { getToken, name, avatar, agent = '@switchboard/client' } = this.#options;
    const token = getToken ? await getToken() : this.token;
    return {
      type: 'hello',
      receipts: true,
      agent,
      ...(token !== undefined && { token }),
      ...(name !== undefined && { name }),
      ...(avatar !== undefined && { avatar }),
    };
  }

  /** @param {DistributiveOmit<Request, 'id'>} request */
  #request(request) {
    const id = ++this.#lastId;
    const answer = this.#requests.wait(id);
    if (this.state === 'open') this.#lifeline.send(/** @type {Request} */ ({ ...request, id }));
    else this.#requests.lost();
    return { id, answer };
  }

  /** @param {Welcome} welcome */
  #welcomed(welcome) {
    this.welcome = welcome;
    this.#signals.open(welcome.limits);
    for (const room of this.#rooms.values()) room.enter();
  }

  /** Nothing of the session outlives its connection; the next `welcome` begins a new one. */
  #sessionLost() {
    this.#requests.lost();
    this.#signals.lost();
    this.#receipts.lost();
    for (const room of this.#rooms.values()) room.lost();
  }

  /** @param {StateChange} change */
  #changed(change) {
    if (change.state === 'open') {
      for (const { resolve } of this.#connecting.splice(0)) resolve(/** @type {Welcome} */ (this.welcome));
    } else if (change.state === 'closed') {
      const { why, message } = /** @type {Advice} */ (change.advice);
      const error = new SwitchboardError(why, message);
      for (const { reject } of this.#connecting.splice(0)) reject(error);
      for (const room of [...this.#rooms.values()]) room.closed(error);
    }
    this.emit('state', change);
  }

  /** @param {ServerMessage} message */
  #dispatch(message) {
    switch (message.type) {
      case 'signal':
        return this.#received(message);
      case 'delivered':
      case 'undelivered':
        return this.#signals.answered(message);
      case 'done':
        this.#signals.announced(message);
        return this.#requests.answered(message);
      case 'joined':
        this.#rooms.get(message.room)?.admitted(message);
        return this.#requests.answered(message);
      case 'left':
        return this.#requests.answered(message);
      case 'error':
        return this.#refused(message);
      case 'member-joined':
      case 'member-updated':
      case 'member-left':
      case 'ready':
      case 'room-closed':
        this.#rooms.get(message.room)?.happened(message);
        if (message.type === 'member-left') this.#forget(message.peer);
    }
  }

  /** @param {IncomingSignal} signal */
  #received(signal) {
    if (this.#receipts.isRepeat(signal)) return;
    this.#rooms.get(signal.room)?.received(signal);
    this.emit('signal', signal);
    this.#receipts.handled(signal);
  }

  /** @param {GatewayError} error */
  #refused(error) {
    if (error.re === undefined) return this.emit('error', { error: SwitchboardError.from(error) });
    const answer = { ...error, re: error.re };
    this.#signals.refused(answer);
    this.#requests.refused(answer);
  }

  /** @param {string} peer */
  #forget(peer) {
    for (const room of this.#rooms.values()) if (room.members.has(peer)) return;
    this.#receipts.forget(peer);
  }
}
