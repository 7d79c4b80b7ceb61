/** @import { Advice } from './reconnect.js' */
/** @import { StateChange } from './lifeline.js' */
/** @import { Outcome } from './signals.js' */
/** @import { DistributiveOmit } from './room.js' */
/** @import { KeptRoom, KeptSession, Place } from './kept_session.js' */
/** @import { Platform } from './platform.js' */
/** @import { GatewayError, Hello, IncomingSignal, Request, ServerMessage, State, Welcome } from './protocol.js' */
import { Emitter } from './emitter.js';
import { SwitchboardError } from './errors.js';
import { Inbox } from './inbox.js';
import { HOLD_MS, VERSION } from './kept_session.js';
import { Lifeline } from './lifeline.js';
import { log } from './log.js';
import { watchPage } from './page.js';
import { browser, pause } from './platform.js';
import { Receipts } from './receipts.js';
import { Requests } from './requests.js';
import { Room } from './room.js';
import { roomId } from './room_id.js';
import { Signals } from './signals.js';

/**
 * @typedef {object} ClientOptions
 * @property {string | URL} url `wss://…/v1/connect`
 * @property {string} [name] as others see it
 * @property {string} [avatar] usually a URL
 * @property {string} [token] JWT; may be set anew as `client.token`
 * @property {() => string | undefined | Promise<string | undefined>} [getToken] asked before each connection instead
 * @property {string} [agent] the application, for the gateway's logs
 * @property {string} [keepAs] the name under which the session survives a reload of the page, by default the `url`. Clients
 *   of one name get theirs back in the order in which they were made: name them where that may be another one each time. A
 *   client that is made for nothing, as by a framework that renders twice, takes the first: make it where it is connected, in
 *   React an effect
 * @property {Partial<Platform>} [platform] instead of the browser's own: `{ WebSocket }` of the package `ws` in Node.js 20, a
 *   clock and a socket of one's own in tests
 */

/**
 * @typedef {object} ConnectOptions
 * @property {AbortSignal} [signal] gives up when it aborts
 * @property {number} [timeout] milliseconds until it gives up. A client that was not `open` since it was started is closed
 *   then, unless another `connect()` waits
 */

/**
 * A signal on its way out; without `to` it goes to every other member.
 *
 * @typedef {{ room: string, to?: string, kind: string, payload: unknown }} SentSignal
 */

/**
 * @typedef {object} ClientEvents
 * @property {StateChange} state
 * @property {Welcome} moved the session goes on at another gateway, without a pause; the state is `open` throughout
 * @property {IncomingSignal} signal from any room
 * @property {SentSignal} signal-sent one of this client's own, as it is handed to it; near the gateway's limits it may wait here
 * @property {{ error: SwitchboardError }} error the gateway complains about no request in particular
 */

/** How long the rooms of a page that was loaded again are held for whoever joins them. */
const CLAIM_MS = 5_000;

/**
 * A client of the cluster: it stays connected, is in the rooms that it joined, and passes signals on. Its session outlives
 * a connection (`resume`), a gateway (`drain`) and a reload of the page.
 *
 * ```
 * Client ── Lifeline ── Attempt ── Connection      one WebSocket after another
 *   ├─ Signals ── Allowance             out: held back, unanswered, repeated
 *   ├─ Inbox ── Receipts                in: kept for the first listener; repeats dropped, `received`, `seen`
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
  #url;
  #platform;
  #lifeline;
  #lastId = 0;
  #requests = new Requests();
  #signals;
  #receipts;
  /** @type {Map<string, Room>} those that are wanted, by id */
  #rooms = new Map();
  /** @type {Set<{ resolve: (welcome: Welcome) => void, reject: (error: SwitchboardError) => void }>} */
  #connecting = new Set();
  /** Whether it has been `open` since it was started. */
  #hasOpened = false;
  /** Why it is `closed`, unless it was never started. @type {SwitchboardError | undefined} */
  #ended;
  #stopWatchingPage = () => {};
  /** What resumes. Absent before the first `welcome`. @type {{ peer: string, secret: string, windowMs: number } | undefined} */
  #session;
  /** While there is no connection: until the session cannot be had back. @type {number | undefined} */
  #windowTimer;
  /** Rooms that were left, as long as the gateway may not know. @type {Set<string>} */
  #leaving = new Set();
  /** Rooms that the page was in before it was loaded again, and that nobody has joined since. @type {Set<string>} */
  #unclaimed = new Set();
  /** Those of them that somebody has just joined, and has had no turn yet to listen to. @type {Set<string>} */
  #claiming = new Set();
  /** Until the unclaimed ones are left. @type {number | undefined} */
  #claimTimer;
  #inbox;
  /** Where the session is kept, unless the client is closed. @type {Place | undefined} */
  #place;
  /** What the page before has kept, until a gateway was told of it. @type {KeptSession | undefined} */
  #kept;
  /** When the page before was left, until its session is had back. @type {number | undefined} */
  #leftAt;
  /** The rooms that this page was in before it was loaded again; to be joined, should they still be wanted. */
  keptRooms;

  /** @param {ClientOptions} options */
  constructor(options) {
    super();
    this.#options = options;
    this.#url = String(options.url ?? '');
    this.#platform = { ...browser(), ...options.platform };
    this.token = options.token;
    this.#lifeline = new Lifeline({
      url: this.#url,
      token: () => (options.getToken ? options.getToken() : this.token),
      renewable: options.getToken !== undefined,
      hello: (token, resumes) => this.#hello(token, resumes),
      mayResume: () => this.#session !== undefined,
      platform: this.#platform,
      onState: (change) => this.#changed(change),
      onWelcome: (welcome, moved) => this.#welcomed(welcome, moved),
      onMessage: (message) => {
        this.#dispatch(message);
        this.#signals.heard(message);
      },
      onLost: () => this.#connectionLost(),
    });
    this.#signals = new Signals({
      sendText: (text) => this.#lifeline.sendText(text),
      ping: () => this.#lifeline.send({ type: 'ping' }),
      nextId: () => ++this.#lastId,
      platform: this.#platform,
    });
    this.#receipts = new Receipts((from, id) => this.#lifeline.send({ type: 'received', from, id }), this.#platform);
    this.#inbox = new Inbox({
      awaitsListener: (room) => this.#awaitsListener(room),
      giveUp: (id) => {
        const room = this.#rooms.get(id);
        if (room?.awaitsListener) log('info', `Nobody listens to the signals of room ${id}: they are confirmed unheard.`);
        room?.stopWaiting();
      },
      handle: (signal) => this.#handle(signal),
      isConnected: () => this.#lifeline.connected,
      platform: this.#platform,
    });
    this.#place = this.#platform.kept.take(this.#keepAs);
    this.keptRooms = this.#restore(this.#platform.kept.claim(this.#place, this.#platform.wallClock()));
  }

  get state() {
    return this.#lifeline.state;
  }

  /** This session's public id, as others see it. */
  get peer() {
    return this.welcome?.peer;
  }

  /** @internal @param {keyof ClientEvents} name */
  listened(name) {
    if (name === 'signal') this.#releaseSignals();
  }

  /**
   * Connects and stays connected, as long as coming back makes sense. While it reconnects, it tries at once, unless the
   * gateway asked for patience.
   *
   * @param {ConnectOptions} [options]
   * @returns {Promise<Welcome>} once open; rejects when the client is `closed`, not while it keeps trying
   */
  connect({ signal, timeout } = {}) {
    if (signal?.aborted) return Promise.reject(new SwitchboardError('aborted', 'connect() was aborted before it began.'));
    if (this.welcome && this.state === 'open') return Promise.resolve(this.welcome);
    const begins = this.state === 'closed';
    return new Promise((resolve, reject) => {
      /** @param {SwitchboardError} error */
      const giveUp = (error) => {
        this.#connecting.delete(waiting);
        waiting.reject(error);
        if (begins && !this.#hasOpened && this.#connecting.size === 0) this.close();
      };
      const onAbort = () => giveUp(new SwitchboardError('aborted', 'connect() was aborted; call it again to connect.'));
      const tooLate = () => giveUp(new SwitchboardError('timeout', `Not connected within ${timeout} ms; call connect() again.`));
      const timer = timeout === undefined ? undefined : this.#platform.setTimeout(tooLate, timeout);
      signal?.addEventListener('abort', onAbort);
      const settled = () => {
        this.#platform.clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
      };
      const waiting = {
        resolve: (/** @type {Welcome} */ welcome) => (settled(), resolve(welcome)),
        reject: (/** @type {SwitchboardError} */ error) => (settled(), reject(error)),
      };
      this.#connecting.add(waiting);
      if (begins) this.#start();
      else this.#lifeline.hurry();
    });
  }

  /**
   * Tries now, even where the gateway asked for patience: somebody has pressed a button. While `open` it finds out whether
   * the connection still works.
   *
   * @param {ConnectOptions} [options]
   * @returns {Promise<Welcome>} as of {@link connect}
   */
  reconnect(options) {
    this.#lifeline.retry();
    return this.connect(options);
  }

  #start() {
    this.#hasOpened = false;
    this.#ended = undefined;
    this.#place ??= this.#platform.kept.take(this.#keepAs);
    this.#place.counts = true;
    this.#watchPage();
    this.#lifeline.start();
  }

  #watchPage() {
    this.#stopWatchingPage();
    this.#stopWatchingPage = watchPage({
      onDoubt: () => this.#lifeline.hurry(),
      onUnseen: () => this.#receipts.flush(),
      onHide: () => this.#hide(),
      onReturn: () => this.#return(),
    });
  }

  /**
   * Says goodbye: leaves every room and does not come back by itself. What was kept over a reload is declined by this, unless
   * the client was on its way to ask a gateway for it: then it is there for the next client of its name.
   */
  close() {
    if (this.#kept && this.#place && this.state !== 'closed') this.#platform.kept.giveBack(this.#place, this.#kept);
    this.#ended = new SwitchboardError('bye', 'The client was closed; call connect() first.');
    for (const room of [...this.#rooms.values()]) room.refused(new SwitchboardError('bye', 'The client was closed.'));
    this.#lifeline.stop();
    // Also where it was never started, or has no token any more.
    this.#sessionLost();
    this.#stopWatchingPage();
    this.#leavePlace();
  }

  /**
   * Wants to be in a room, from now on and after every reconnect. Waits for a connection if there is none, and rejects
   * when the client was closed or refused and {@link connect} was not called since.
   *
   * @param {string} name 1 to 128 bytes of UTF-8 without `*`, control characters and white space at its ends, in any of
   *   Unicode's forms: sent is NFC
   * @param {{ state?: State, capacity?: number }} [wish] first state; capacity if this join creates the room
   * @returns {Promise<Room>} rejects with a {@link SwitchboardError}, such as `room-full`
   */
  join(name, wish = {}) {
    const id = roomId(name);
    if (this.#ended) return Promise.reject(this.#ended);
    const wanted = this.#rooms.get(id);
    if (wanted) {
      if (this.#unclaimed.delete(id)) this.#claim(wanted, wish);
      return wanted.entered;
    }
    const room = this.#newRoom(id, wish);
    if (this.#lifeline.connected) room.enter();
    return room.entered;
  }

  /** @param {string} name */
  async leave(name) {
    await this.#rooms.get(roomId(name))?.leave();
  }

  /**
   * Passes something on to a peer, or to everyone else in the room. Signals to one receiver arrive in the order in which
   * this was called. Near the gateway's limits, and while the connection is lost, they are held back here. Without a
   * session they are `unavailable`.
   *
   * @param {string} name of the room
   * @param {string | undefined} to a peer; without it every other member
   * @param {string} kind `offer`, `answer`, `candidate` or `[A-Za-z0-9._:-]{1,64}`
   * @param {unknown} payload any JSON value
   * @returns {Promise<Outcome[]>} one for each receiver; rejects with a {@link SwitchboardError} if it is refused
   */
  signal(name, to, kind, payload) {
    const room = roomId(name);
    const receivers = to === undefined ? (this.#rooms.get(room)?.others.map(({ peer }) => peer) ?? []) : [to];
    const draft = { room, ...(to !== undefined && { to }), kind, payload };
    this.emit('signal-sent', draft);
    return this.#signals.submit(draft, receivers);
  }

  /**
   * Asks the gateway for a sign of life.
   *
   * @returns {Promise<number>} the round trip to it, milliseconds; rejects as `connection-lost` without a connection
   */
  async ping() {
    const askedAt = this.#platform.now();
    await this.#request({ type: 'ping' }).answer;
    return this.#platform.now() - askedAt;
  }

  get #keepAs() {
    return this.#options.keepAs ?? this.#url;
  }

  /**
   * @param {string} id
   * @param {{ state?: State, capacity?: number }} wish
   * @param {{ restored: boolean }} [origin]
   */
  #newRoom(id, wish, origin) {
    const host = {
      peer: () => (this.state === 'open' ? this.peer : undefined),
      request: (/** @type {DistributiveOmit<Request, 'id'>} */ request) => this.#request(request),
      signal: (/** @type {Parameters<Client['signal']>} */ ...signal) => this.signal(...signal),
      pause: (/** @type {number} */ ms) => pause(this.#platform, ms),
      isLeaving: (/** @type {string} */ room) => this.#leaving.has(room),
      letGo: (/** @type {string} */ room, /** @type {string | undefined} */ from) => this.#inbox.letGo(room, from),
      listened: () => this.#releaseSignals(),
      ended: (/** @type {Room} */ ended) => {
        this.#rooms.delete(ended.id);
        this.#releaseSignals();
      },
    };
    const room = new Room(id, wish, host, origin);
    this.#rooms.set(id, room);
    return room;
  }

  /**
   * @param {string | undefined} token
   * @param {boolean} resumes
   * @returns {Hello}
   */
  #hello(token, resumes) {
    const { name, avatar, agent = '@switchboard/client' } = this.#options;
    const { peer, secret } = (resumes && this.#session) || {};
    this.#kept = undefined;
    return {
      type: 'hello',
      receipts: true,
      agent,
      ...(token !== undefined && { token }),
      ...(name !== undefined && { name }),
      ...(avatar !== undefined && { avatar }),
      ...(peer !== undefined && secret !== undefined && { resume: { peer, secret, ...this.#handled() } }),
    };
  }

  #handled() {
    return { seen: this.#receipts.seen(), handled: this.#receipts.listed() };
  }

  /** @param {DistributiveOmit<Request, 'id'>} request */
  #request(request) {
    const id = ++this.#lastId;
    const answer = this.#requests.wait(id);
    if (request.type === 'leave') this.#left(request.room, answer);
    if (this.#lifeline.connected) this.#lifeline.send(/** @type {Request} */ ({ ...request, id }));
    else this.#requests.lost();
    return { id, answer };
  }

  /**
   * A room is left once the gateway has said so; else it is to be left when the session is back.
   *
   * @param {string} room
   * @param {Promise<unknown>} answer
   */
  async #left(room, answer) {
    this.#leaving.add(room);
    const refusal = await answer.then(() => undefined, (error) => error);
    if (!refusal || refusal.code === 'not-a-member') this.#leaving.delete(room);
  }

  /**
   * @param {Welcome} welcome
   * @param {boolean} moved from one gateway to another, without a loss
   */
  #welcomed(welcome, moved) {
    this.#platform.clearTimeout(this.#windowTimer);
    const resumed = welcome.resumed && welcome.peer === this.#session?.peer;
    if (!resumed) this.#sessionLost();
    const { peer, node, resume } = (this.welcome = welcome);
    log('info', `${moved ? 'Moved to' : resumed ? 'Resumed at' : 'Connected to'} node ${node} as peer ${peer}.`);
    this.#session = resume && { peer, secret: resume.secret, windowMs: resume.window_ms };
    this.#leftAt = undefined;
    if (resumed) this.#goOn(welcome, moved);
    else this.#begin(welcome);
  }

  /** @param {Welcome} welcome */
  #begin({ limits }) {
    this.#signals.open(limits);
    for (const room of this.#rooms.values()) room.enter();
  }

  /**
   * The session is back, as the gateway knows it; what this client wants may be something else.
   *
   * @param {Welcome} welcome
   * @param {boolean} moved
   */
  #goOn({ limits, rooms = [] }, moved) {
    this.#signals.repeat(limits); // before anything else is said
    // At once: only a session that has been heard on its new connection is safe from an older one.
    this.#lifeline.send({ type: 'ping' });
    this.#requests.lost();
    for (const room of this.#rooms.values()) room.lost();
    const snapshots = new Map(rooms.map((snapshot) => [snapshot.room, snapshot]));
    for (const id of this.#leaving) if (!snapshots.has(id)) this.#leaving.delete(id);
    const stale = [...snapshots.keys()].filter((id) => this.#leaving.has(id) || !this.#rooms.has(id));
    for (const id of stale) {
      snapshots.delete(id);
      this.#request({ type: 'leave', room: id }).answer.catch(() => {}); // if it is lost, the next `welcome` tells
    }
    for (const room of [...this.#rooms.values()]) {
      const snapshot = snapshots.get(room.id);
      if (snapshot) room.resumed(snapshot, moved);
      else room.enter();
    }
    this.#receipts.keep((peer) => this.#knows(peer));
    this.#signals.release();
    this.#inbox.release(); // at once: what waits in a room that this client lost is not for its next membership
    if (moved) this.emit('moved', /** @type {Welcome} */ (this.welcome));
    this.#platform.clearTimeout(this.#claimTimer);
    if (this.#unclaimed.size > 0) this.#claimTimer = this.#platform.setTimeout(() => this.#giveUpUnclaimed(), CLAIM_MS);
  }

  /** The session may be had back on another connection, for a while. */
  #connectionLost() {
    this.#requests.lost();
    for (const room of this.#rooms.values()) room.lost();
    if (!this.#session) return this.#sessionLost();
    this.#signals.suspend();
    this.#windowTimer = this.#platform.setTimeout(() => this.#signals.lost(), this.#session.windowMs);
  }

  /** The next `welcome` begins a new session. */
  #sessionLost() {
    this.#platform.clearTimeout(this.#windowTimer);
    if (this.#session) log('info', `The session of peer ${this.#session.peer} is over.`);
    this.#session = this.#kept = undefined;
    this.#requests.lost();
    this.#signals.lost();
    this.#receipts.lost();
    this.#leaving.clear();
    this.#inbox.lost();
    this.#platform.clearTimeout(this.#claimTimer);
    for (const id of this.#unclaimed) this.#rooms.delete(id);
    this.#unclaimed.clear();
    for (const room of this.#rooms.values()) room.lost();
  }

  /**
   * Goes on with the session of the page that was here before.
   *
   * @param {KeptSession | undefined} kept
   * @returns {readonly KeptRoom[]}
   */
  #restore(kept) {
    this.#kept = kept;
    if (!kept) return [];
    const { peer, secret, windowMs, seen, handled, lastId, signals, rooms, strayHello, keptAt } = kept;
    this.#session = { peer, secret, windowMs };
    this.#leftAt = keptAt;
    if (strayHello) this.#lifeline.expectStrayHello();
    this.#lastId = lastId;
    this.#receipts.restore(seen, handled);
    this.#signals.restore(signals);
    for (const { id, state } of rooms) {
      this.#newRoom(id, { state }, { restored: true }).entered.catch(() => {}); // perhaps nobody asks for it
      this.#unclaimed.add(id);
    }
    this.#windowTimer = this.#platform.setTimeout(() => this.#signals.lost(), windowMs);
    // It may be loaded once more before it connects, as while it asks for a microphone first.
    if (this.#place) this.#place.counts = true;
    this.#watchPage();
    return rooms;
  }

  /** The page is left: perhaps it is only loaded again. */
  #hide() {
    this.#lifeline.suspend(HOLD_MS);
    if (!this.#session || !this.#place) return;
    this.#platform.kept.put(this.#place, {
      version: VERSION,
      ...this.#session,
      ...this.#handled(),
      lastId: this.#lastId,
      signals: this.#signals.keep(),
      rooms: [...this.#rooms.values()].flatMap(({ kept }) => kept ?? []),
      strayHello: this.#lifeline.expectsStrayHello,
      keptAt: this.#leftAt ?? this.#platform.wallClock(),
    });
  }

  /** A client that is closed keeps nothing, and another one may have its place. */
  #leavePlace() {
    if (this.#place) this.#place.taken = false;
    this.#place = undefined;
  }

  /** The page is back as it was. Another one in this tab may have gone on with the session meanwhile. */
  #return() {
    const { kept } = this.#platform;
    if (this.#session && this.#place && !kept.takeBack(this.#place, this.#session.secret)) this.#sessionLost();
    this.#lifeline.wake();
  }

  /**
   * @param {Room} room
   * @param {{ state?: State, capacity?: number }} wish
   */
  async #claim(room, wish) {
    this.#claiming.add(room.id);
    room.claim(wish);
    await room.entered.catch(() => {});
    await pause(this.#platform, 0); // until whoever waited for the room listens to it
    this.#claiming.delete(room.id);
    this.#inbox.release();
  }

  #giveUpUnclaimed() {
    for (const id of this.#unclaimed) this.#rooms.get(id)?.leave().catch(() => {}); // the next `welcome` tells
    this.#unclaimed.clear();
  }

  /** @param {StateChange} change */
  #changed(change) {
    if (change.state === 'open') {
      this.#hasOpened = true;
      for (const { resolve } of this.#connecting) resolve(/** @type {Welcome} */ (this.welcome));
      this.#connecting.clear();
    } else if (change.state === 'closed') {
      const { why, message } = /** @type {Advice} */ (change.advice);
      // With another token the session can be had back, with its rooms; after everything else it is over, and so are they.
      const mayComeBack = why === 'unauthorized' || why === 'forbidden';
      if (!mayComeBack) this.#sessionLost();
      const error = new SwitchboardError(why, message);
      this.#ended ??= error;
      this.#stopWatchingPage();
      this.#leavePlace();
      for (const { reject } of this.#connecting) reject(error);
      this.#connecting.clear();
      for (const room of [...this.#rooms.values()]) mayComeBack ? room.closed(error) : room.refused(error);
    }
    this.emit('state', change);
  }

  /** @param {ServerMessage} message */
  #dispatch(message) {
    switch (message.type) {
      case 'signal':
        return this.#inbox.received(message);
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
      case 'pong':
        return message.re === undefined ? undefined : this.#requests.answered({ ...message, re: message.re });
      case 'drain':
        return this.#lifeline.moveIn(message.reconnect_after_ms);
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

  /**
   * What was said to a former membership is not for the next one. Whoever listens to the signals of all rooms listens to each
   * of them; but after a reload it is a while before those who listen to one room are there.
   *
   * @param {string} id of a room
   */
  #awaitsListener(id) {
    const room = this.#rooms.get(id);
    if (!room?.joined || !room.awaitsListener) return false;
    return this.#unclaimed.has(id) || this.#claiming.has(id) || !this.hasListeners('signal');
  }

  /** Whoever has just begun to listen has his turn first, and whoever ends a room may be a listener himself. */
  #releaseSignals() {
    queueMicrotask(() => this.#inbox.release());
  }

  /** @param {IncomingSignal} signal */
  #handle(signal) {
    if (this.#receipts.isRepeat(signal)) return this.#receipts.repeated(signal);
    this.#rooms.get(signal.room)?.received(signal);
    this.emit('signal', signal);
    this.#receipts.handled(signal);
  }

  /** @param {GatewayError} error */
  #refused(error) {
    if (error.re === undefined) {
      log('warn', `The gateway complains (${error.code}): ${error.message}`);
      return this.emit('error', { error: SwitchboardError.from(error) });
    }
    const answer = { ...error, re: error.re };
    this.#signals.refused(answer);
    this.#requests.refused(answer);
  }

  /** @param {string} peer */
  #forget(peer) {
    if (!this.#knows(peer)) this.#receipts.forget(peer);
  }

  /** @param {string} peer */
  #knows(peer) {
    return [...this.#rooms.values()].some((room) => room.members.has(peer));
  }
}
