/** @import { Advice } from './reconnect.js' */
/** @import { StateChange } from './lifeline.js' */
/** @import { Outcome } from './signals.js' */
/** @import { ClientEvents, ClientOptions, SignalOptions } from './client_options.js' */
/** @import { ConnectOptions } from './connecting.js' */
/** @import { KeptRoom } from './kept_session.js' */
/** @import { Hello, IncomingSignal, Request, State, Welcome } from './protocol.js' */
/** @import { RequestBody } from './requests.js' */
/** @import { Room } from './room.js' */
import { Connecting } from './connecting.js';
import { Emitter } from './emitter.js';
import { SwitchboardError } from './errors.js';
import { Inbox } from './inbox.js';
import { Incoming } from './incoming.js';
import { Lifeline } from './lifeline.js';
import { log } from './log.js';
import { watchPage } from './page.js';
import { browser, pause } from './platform.js';
import { Receipts } from './receipts.js';
import { Reload } from './reload.js';
import { Requests } from './requests.js';
import { roomId } from './room_id.js';
import { Rooms } from './rooms.js';
import { Session } from './session.js';
import { Signals } from './signals.js';

/** Between two tries to refresh a token, at the least. */
const REFRESH_PAUSE_MIN_MS = 1_000;

/**
 * A client of the cluster: it stays connected, is in the rooms that it joined, and passes signals on. Its session outlives
 * a connection (`resume`), a gateway (`drain`) and a reload of the page.
 *
 * ```
 * Client ── Lifeline ── Attempt ── Connection      one WebSocket after another
 *   ├─ Signals ── Allowance             out: held back, unanswered, repeated
 *   ├─ Incoming                         in: each message to the part that it is for
 *   ├─ Inbox ── Receipts                signals, kept for the first listener; repeats dropped, `received`, `seen`
 *   ├─ Requests                         join, leave, state: by id
 *   ├─ Rooms ── Room, Room, …           members, state, events
 *   └─ Session, Reload                  what resumes, and what of it the next page needs
 * ```
 *
 * @extends {Emitter<ClientEvents>}
 */
export class Client extends Emitter {
  /** The last `welcome` of a gateway: `peer`, `user`, `node`, `limits`, `ice_servers`… @type {Welcome | undefined} */
  welcome;
  /** As a gateway told them last. @type {RTCIceServer[]} */
  #iceServers = [];
  #options;
  #platform;
  #lifeline;
  #requests = new Requests();
  #session;
  #signals;
  #receipts;
  #inbox;
  #incoming;
  #rooms;
  #reload;
  #connecting;
  /** Whether it has been `open` since it was started. */
  #hasOpened = false;
  /** See {@link token}. @type {string | undefined} */
  #token;
  /** The token of the last `hello`. @type {string | undefined} */
  #helloToken;
  /** The token that this session has at its gateway. @type {string | undefined} */
  #saidToken;
  /** Why it is `closed`, unless it was never started. @type {SwitchboardError | undefined} */
  #ended;
  #stopWatchingPage = () => {};
  /** The rooms that this page was in before it was loaded again; join those that are still wanted. @type {readonly KeptRoom[]} */
  keptRooms;

  /** @param {ClientOptions} options */
  constructor(options) {
    super();
    this.#options = options;
    const url = String(options.url ?? '');
    this.#platform = { ...browser(), ...options.platform };
    this.#connecting = new Connecting(this.#platform);
    this.#session = new Session(this.#platform, () => this.#signals.lost());
    this.#token = options.token;
    this.#lifeline = new Lifeline({
      url,
      token: () => (options.getToken ? options.getToken() : this.token),
      renewable: options.getToken !== undefined,
      hello: (token, resumes) => this.#hello(token, resumes),
      mayResume: () => this.#session.resumption !== undefined,
      platform: this.#platform,
      onState: (change) => this.#changed(change),
      onWelcome: (welcome, moved) => this.#welcomed(welcome, moved),
      onMessage: (message) => this.#incoming.received(message),
      onLost: () => this.#connectionLost(),
    });
    this.#signals = new Signals({
      sendText: (text) => this.#lifeline.sendText(text),
      ping: () => this.#lifeline.send({ type: 'ping' }),
      nextId: () => this.#requests.nextId(),
      platform: this.#platform,
    });
    this.#receipts = new Receipts((from, id) => this.#lifeline.send({ type: 'received', from, id }), this.#platform);
    this.#inbox = new Inbox({
      awaitsListener: (room) => this.#awaitsListener(room),
      giveUp: (room) => this.#rooms.stopWaiting(room),
      handle: (signal) => this.#incoming.handle(signal),
      isConnected: () => this.#lifeline.connected,
      platform: this.#platform,
    });
    this.#rooms = new Rooms({
      peer: () => (this.state === 'open' ? this.peer : undefined),
      request: (request) => this.#request(request),
      signal: (...signal) => this.signal(...signal),
      pause: (ms) => pause(this.#platform, ms),
      letGo: (room, from) => this.#inbox.letGo(room, from),
      listened: () => this.#releaseSignals(),
    });
    const parts = {
      session: this.#session,
      lifeline: this.#lifeline,
      requests: this.#requests,
      signals: this.#signals,
      receipts: this.#receipts,
      inbox: this.#inbox,
      rooms: this.#rooms,
    };
    const onSignal = (/** @type {IncomingSignal} */ signal) => this.emit('signal', signal);
    this.#incoming = new Incoming({
      ...parts,
      onSignal,
      onExpiring: ({ in_ms }) => void this.#refresh(in_ms),
      onIceServers: ({ ice_servers }) => this.#renewIceServers(ice_servers),
      onError: (error) => this.emit('error', { error }),
    });
    this.#reload = new Reload(options.keepAs ?? url, this.#platform, parts);
    const keptRooms = this.#reload.restore();
    if (keptRooms) this.#watchPage();
    this.keptRooms = keptRooms ?? [];
  }

  get state() {
    return this.#lifeline.state;
  }

  /**
   * For connections to come, where there is no `getToken`. A session that came in with another one goes on with this at once; if the
   * gateway refuses it, as it does another user's, the session stays as it is.
   */
  get token() {
    return this.#token;
  }

  set token(token) {
    this.#token = token;
    const { getToken } = this.#options;
    const isNews = token !== undefined && this.#saidToken !== undefined && token !== this.#saidToken;
    if (getToken || !isNews || this.state !== 'open') return;
    this.#sayToken(token).catch(({ message }) => log('warn', `The token was not taken: ${message}`));
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
  connect(options = {}) {
    if (options.signal?.aborted) return Promise.reject(new SwitchboardError('aborted', 'connect() was aborted before it began.'));
    if (this.welcome && this.state === 'open') return Promise.resolve(this.welcome);
    const begins = this.state === 'closed';
    const connected = this.#connecting.wait(options, () => {
      if (begins && !this.#hasOpened) this.close();
    });
    if (begins) this.#start();
    else this.#lifeline.hurry();
    return connected;
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
    this.#reload.started();
    this.#watchPage();
    this.#lifeline.start();
  }

  #watchPage() {
    this.#stopWatchingPage();
    this.#stopWatchingPage = watchPage({
      onDoubt: () => this.#lifeline.hurry(),
      onUnseen: () => this.#receipts.flush(),
      onHide: () => this.#reload.hide(),
      onReturn: () => this.#return(),
    });
  }

  /**
   * Says goodbye: leaves every room and does not come back by itself. A session that was kept over a reload is given up, unless
   * the client was just connecting to ask a gateway for it: then the next client of its name gets it.
   */
  close() {
    if (this.state !== 'closed') this.#reload.giveBack();
    this.#ended = new SwitchboardError('bye', 'The client was closed; call connect() first.');
    this.#rooms.refused(new SwitchboardError('bye', 'The client was closed.'));
    this.#lifeline.stop();
    // Also if the client was never started, or has no token any more.
    this.#sessionLost();
    this.#stopWatchingPage();
    this.#reload.leavePlace();
  }

  /**
   * Wants to be in a room, from now on and after every reconnect. Waits for a connection if there is none, and rejects
   * when the client was closed or refused and {@link connect} was not called since.
   *
   * @param {string} name 1 to 128 bytes of UTF-8 without `*`, control characters and white space at its ends, in any
   *   form of Unicode: it is sent as NFC
   * @param {{ state?: State, capacity?: number }} [wish] first state; capacity if this join creates the room
   * @returns {Promise<Room>} rejects with a {@link SwitchboardError}, such as `room-full`
   */
  join(name, wish = {}) {
    const id = roomId(name);
    if (this.#ended) return Promise.reject(this.#ended);
    const wanted = this.#rooms.get(id);
    if (wanted) {
      this.#reload.claim(wanted, wish);
      return wanted.entered;
    }
    const room = this.#rooms.add(id, wish);
    if (this.#lifeline.connected) room.enter();
    return room.entered;
  }

  /** @param {string} name */
  async leave(name) {
    await this.#rooms.get(roomId(name))?.leave();
  }

  /**
   * Sends a signal to a peer, or to every other member of the room. Signals to one receiver arrive in the order in which
   * this was called. Near the gateway's limits, and while the connection is lost, they are held back here. Without a
   * session they are `unavailable`.
   *
   * @param {string} name of the room
   * @param {string | undefined} to a peer; without it every other member
   * @param {string} kind `offer`, `answer`, `candidate` or `[A-Za-z0-9._:-]{1,64}`
   * @param {unknown} payload any JSON value
   * @param {SignalOptions} [options]
   * @returns {Promise<Outcome[]>} one for each receiver; rejects with a {@link SwitchboardError} if it is refused
   */
  signal(name, to, kind, payload, { traceparent } = {}) {
    const room = roomId(name);
    const receivers = to === undefined ? (this.#rooms.get(room)?.others.map(({ peer }) => peer) ?? []) : [to];
    const draft = { room, ...(to !== undefined && { to }), kind, payload, ...(traceparent !== undefined && { traceparent }) };
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

  /**
   * @param {string | undefined} token
   * @param {boolean} resumes
   * @returns {Hello}
   */
  #hello(token, resumes) {
    const { name, avatar, agent = '@switchboard/client' } = this.#options;
    const { peer, secret } = (resumes && this.#session.resumption) || {};
    const resume = peer !== undefined && secret !== undefined && { peer, secret, seen: this.#receipts.seen(), handled: this.#receipts.listed() };
    this.#reload.saidHello();
    this.#helloToken = token;
    return {
      type: 'hello',
      receipts: true,
      agent,
      ...(token !== undefined && { token }),
      ...(name !== undefined && { name }),
      ...(avatar !== undefined && { avatar }),
      ...(resume && { resume }),
    };
  }

  /** For calls, and for those that make connections of their own. @param {RTCIceServer[]} iceServers */
  #renewIceServers(iceServers) {
    const renewed = { iceServers, formerly: this.#iceServers };
    this.#iceServers = iceServers;
    if (this.welcome) this.welcome = { ...this.welcome, ice_servers: iceServers };
    this.emit('ice-servers', renewed);
    for (const room of this.#rooms.all) room.iceRenewed(renewed);
  }

  /**
   * The token runs out. As soon as there is another one, the session goes on with it; if there is none, the gateway ends it in
   * its time.
   *
   * @param {number} inMs
   */
  async #refresh(inMs) {
    const endsAt = this.#platform.now() + inMs;
    const { welcome } = this;
    for (;;) {
      let againMs = REFRESH_PAUSE_MIN_MS;
      try {
        const token = await (this.#options.getToken ? this.#options.getToken() : this.token);
        // Another connection has told its own token.
        if (!this.#lifeline.connected || this.welcome?.peer !== welcome?.peer) return;
        if (token !== undefined && token !== this.#saidToken) {
          return await this.#sayToken(token);
        }
      } catch (error) {
        if (error instanceof SwitchboardError) againMs = Math.max(againMs, error.retryAfterMs ?? 0);
        log('warn', `The token was not refreshed: ${error instanceof Error ? error.message : String(error)}`);
      }
      const left = endsAt - this.#platform.now();
      if (left < againMs) return;
      await pause(this.#platform, Math.max(againMs, left / 2));
      if (!this.#lifeline.connected) return;
    }
  }

  /**
   * A session that came in with a token goes on with this one. If it is refused, the session stays as it is.
   *
   * @param {string} token
   */
  async #sayToken(token) {
    await this.#request({ type: 'refresh', token }).answer;
    this.#saidToken = token;
  }

  /** @param {RequestBody} request */
  #request(request) {
    const id = this.#requests.nextId();
    const answer = this.#requests.wait(id);
    if (request.type === 'leave') this.#rooms.left(request.room, answer);
    if (this.#lifeline.connected) this.#lifeline.send(/** @type {Request} */ ({ ...request, id }));
    else this.#requests.lost();
    return { id, answer };
  }

  /**
   * @param {Welcome} welcome
   * @param {boolean} moved from one gateway to another, without a loss
   */
  #welcomed(welcome, moved) {
    const resumed = this.#session.isResumedBy(welcome);
    if (!resumed) this.#sessionLost();
    const { peer, node } = (this.welcome = welcome);
    this.#saidToken = this.#helloToken;
    log('info', `${moved ? 'Moved to' : resumed ? 'Resumed at' : 'Connected to'} node ${node} as peer ${peer}.`);
    this.#session.welcomed(welcome);
    this.#reload.welcomed();
    if (resumed) {
      this.#goOn(welcome, moved);
    } else {
      this.#signals.open(welcome.limits);
      this.#rooms.enter();
    }
    // Last of all: a listener may ask for something, and what is said again goes first.
    if (welcome.ice_servers?.length) this.#renewIceServers(welcome.ice_servers);
  }

  /**
   * The session is back, in the rooms that it has at the gateway; this client may want to be in others.
   *
   * @param {Welcome} welcome
   * @param {boolean} moved
   */
  #goOn({ limits, rooms = [] }, moved) {
    this.#signals.repeat(limits); // before anything else is sent
    // At once: only a session that has been heard on its new connection is safe from an older one.
    this.#lifeline.send({ type: 'ping' });
    this.#requests.lost();
    this.#rooms.resumed(rooms, moved);
    this.#receipts.keep((peer) => this.#rooms.knows(peer));
    this.#signals.release();
    this.#inbox.release(); // at once: what waits in a room that this client lost is not for its next membership
    if (moved) this.emit('moved', /** @type {Welcome} */ (this.welcome));
    this.#reload.resumed();
  }

  /** The session may be resumed on another connection, for a while. */
  #connectionLost() {
    this.#requests.lost();
    this.#rooms.interrupted();
    if (this.#session.interrupted()) this.#signals.suspend();
    else this.#sessionLost();
  }

  /** The next `welcome` begins a new session. */
  #sessionLost() {
    this.#session.lost();
    this.#requests.lost();
    this.#signals.lost();
    this.#receipts.lost();
    this.#inbox.lost();
    this.#reload.lost();
    this.#rooms.lost();
  }

  /** The page is back as it was. Another one in this tab may have gone on with the session meanwhile. */
  #return() {
    if (!this.#reload.takeBack()) this.#sessionLost();
    this.#lifeline.wake();
  }

  /** @param {StateChange} change */
  #changed(change) {
    if (change.state === 'open') {
      this.#hasOpened = true;
      this.#connecting.opened(/** @type {Welcome} */ (this.welcome));
    } else if (change.state === 'closed') {
      const { why, message } = /** @type {Advice} */ (change.advice);
      // With another token the session can be resumed, with its rooms. After any other end it is over, and so are its rooms.
      const mayComeBack = why === 'unauthorized' || why === 'forbidden';
      if (!mayComeBack) this.#sessionLost();
      const error = new SwitchboardError(why, message);
      this.#ended ??= error;
      this.#stopWatchingPage();
      this.#reload.leavePlace();
      this.#connecting.closed(error);
      if (mayComeBack) this.#rooms.closed(error);
      else this.#rooms.refused(error);
    }
    this.emit('state', change);
  }

  /**
   * What was sent to a former membership is not for the next one. A listener for the signals of all rooms hears each of them;
   * but after a reload it is a while before the listeners of one room are there.
   *
   * @param {string} id of a room
   */
  #awaitsListener(id) {
    const room = this.#rooms.get(id);
    if (!room?.joined || !room.awaitsListener) return false;
    return this.#reload.isBeingClaimed(id) || !this.hasListeners('signal');
  }

  /** Later: code that has just begun to listen may have more to do first, and a room may be ended by one of its listeners. */
  #releaseSignals() {
    queueMicrotask(() => this.#inbox.release());
  }
}
