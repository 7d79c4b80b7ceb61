/** @import { Attempt as Try } from './attempt.js' */
/** @import { Advice } from './reconnect.js' */
/** @import { ClientMessage, Hello, ServerMessage, Welcome } from './protocol.js' */
/** @import { Connection } from './connection.js' */
/** @import { Platform } from './platform.js' */
import { Attempt } from './attempt.js';
import { log, withoutSecrets } from './log.js';
import { adviceFor, Backoff } from './reconnect.js';

/**
 * - `connecting`: the first attempt is under way;
 * - `open`: welcomed; also while the session moves from one gateway to another without a pause;
 * - `reconnecting`: the connection was lost or could not be made, and the client tries again by itself;
 * - `closed`: not started, or it will not try again by itself.
 *
 * @typedef {'connecting' | 'open' | 'reconnecting' | 'closed'} ConnectionState
 */

/**
 * @typedef {object} StateChange
 * @property {ConnectionState} state
 * @property {Advice} [advice] why, when the state is `reconnecting` or `closed`
 * @property {number} [retryInMs] until the next attempt, when it is `reconnecting`
 */

/**
 * For so long an attempt that was given up may still be heard: its `hello` was on the way. The gateway then hands the
 * session to a connection that nobody has, and closes the one in use as superseded.
 */
const STRAY_HELLO_MS = 60_000;
/** An attempt younger than this is not given up for a new one. */
const STUCK_MS = 1_000;

/**
 * Keeps a client connected: one {@link Connection} after another, as the close codes advise. Where a gateway drains, the
 * next one is opened before the last one ends, and takes its place once it is welcomed.
 */
export class Lifeline {
  /** @type {ConnectionState} */
  state = 'closed';
  #options;
  #backoff;
  /** The one in use. @type {Connection | undefined} */
  #connection;
  #welcomedAt = Infinity;
  /** @type {Try | undefined} */
  #attempt;
  #triedAt = -Infinity;
  /** Until the next attempt. @type {number | undefined} */
  #timer;
  /** Whether somebody who is in a hurry may shorten the wait; not one that the gateway asked for. */
  #mayHurry = false;
  #strayHelloUntil = -Infinity;
  /** @type {{ token: string | undefined, advice: Advice, withoutResume: boolean } | undefined} */
  #refused;
  /** Whether the attempt under way asks for a new session, because the old one may be another user's. */
  #withoutResume = false;

  /**
   * @param {object} options
   * @param {string} options.url
   * @param {() => string | undefined | Promise<string | undefined>} options.token asked for each connection
   * @param {boolean} options.renewable whether it may be another one next time
   * @param {(token: string | undefined, resumes: boolean) => Hello} options.hello
   * @param {() => boolean} options.mayResume whether there is a session to have back
   * @param {Platform} options.platform
   * @param {(change: StateChange) => void} options.onState
   * @param {(welcome: Welcome, moved: boolean) => void} options.onWelcome before `onState` tells of `open`. `moved`: the
   *   client was `open` all the time; of the former connection nothing is heard from now on
   * @param {(message: ServerMessage) => void} options.onMessage
   * @param {() => void} options.onLost there is no connection any more
   */
  constructor(options) {
    this.#options = options;
    this.#backoff = new Backoff(options.platform);
  }

  /** Whether what is sent now goes out. While the session moves there may be none for a moment, although it is `open`. */
  get connected() {
    return this.#connection !== undefined;
  }

  /** Whether an attempt that was given up may still supersede the connection in use. */
  get expectsStrayHello() {
    return this.#now() < this.#strayHelloUntil;
  }

  /** An attempt was given up, by this page or the one that was here before, whose `hello` may still be heard. */
  expectStrayHello() {
    this.#strayHelloUntil = this.#now() + STRAY_HELLO_MS;
  }

  start() {
    if (this.state !== 'closed') return;
    this.#refused = undefined;
    this.#become({ state: 'connecting' });
    this.#try();
  }

  /** Tries now, even if the gateway asked for patience. While connected: finds out whether it still is. */
  retry() {
    if (this.#connection) return this.#connection.probe();
    if (this.state === 'reconnecting') this.#try();
  }

  /** Says goodbye and stays away. */
  stop() {
    if (this.state !== 'closed') this.#end(adviceFor(1000, ''));
  }

  /**
   * The page is left, and may come back: says goodbye for a while and waits for {@link wake}.
   *
   * @param {number} holdMs the session is held for so long
   */
  suspend(holdMs) {
    if (this.state === 'closed') return;
    this.#letGo(holdMs);
    this.#become({ state: 'reconnecting', advice: adviceFor(1000, '') });
  }

  /** The page is back. */
  wake() {
    if (this.state === 'reconnecting' && !this.#attempt) this.#try();
  }

  /**
   * The gateway hands its sessions over: opens another connection after so long and moves there.
   *
   * @param {number} ms
   */
  moveIn(ms) {
    if (!this.#connection || this.#attempt) return;
    this.#tryIn(ms);
  }

  /** @param {ClientMessage} message */
  send(message) {
    this.#connection?.send(message);
  }

  /** @param {string} text */
  sendText(text) {
    this.#connection?.sendText(text);
  }

  /** Something has happened, such as a new network, after which an attempt may succeed. */
  hurry() {
    this.#connection?.probe();
    // An attempt that has not got through yet may wait for a network that is gone.
    const isStuck = this.#attempt && !this.#attempt.saidHello && this.#now() - this.#triedAt > STUCK_MS;
    if (this.#mayHurry || isStuck) this.#try();
  }

  #now() {
    return this.#options.platform.now();
  }

  #try() {
    this.#cancelWait();
    this.#dropAttempt();
    log('debug', `Connecting to ${withoutSecrets(this.#options.url)}.`);
    this.#triedAt = this.#now();
    this.#attempt = new Attempt({
      ...this.#options,
      hello: (token) => this.#options.hello(token, !this.#withoutResume),
      objection: (token) => this.#objection(token),
      onWelcome: (connection, welcome) => this.#welcomed(connection, welcome),
      onFailed: (advice, token) => this.#failed(advice, token),
      onClose: (connection, advice) => this.#closed(connection, advice),
    });
  }

  /** @param {number} ms */
  #tryIn(ms) {
    this.#cancelWait();
    log('debug', `The next attempt is in ${Math.round(ms)} ms.`);
    this.#timer = this.#options.platform.setTimeout(() => this.#try(), ms);
  }

  /**
   * @param {Connection} connection
   * @param {Welcome} welcome
   */
  #welcomed(connection, welcome) {
    const wasOpen = this.state === 'open';
    this.#connection?.retire();
    this.#connection = connection;
    this.#attempt = undefined;
    this.#welcomedAt = this.#now();
    this.#refused = undefined;
    this.#withoutResume = false;
    this.state = 'open';
    this.#options.onWelcome(welcome, wasOpen);
    if (!wasOpen) this.#become({ state: 'open' });
  }

  /**
   * A token that was refused will be refused again, unless it was refused for the session of another user.
   *
   * @param {string | undefined} token
   * @returns {Advice | undefined}
   */
  #objection(token) {
    if (!this.#refused || this.#refused.token !== token) return undefined;
    if (this.#mayTryWithoutResume(this.#refused.advice) && !this.#refused.withoutResume) {
      this.#withoutResume = true;
      return undefined;
    }
    return { ...this.#refused.advice, action: 'stay-away' };
  }

  /**
   * An attempt came to nothing.
   *
   * @param {Advice} advice
   * @param {string | undefined} token
   */
  #failed(advice, token) {
    if (advice.why !== 'no-token') log('info', `No connection (${advice.why}): ${advice.message}`);
    if (this.#attempt?.saidHello && advice.why === 'connection-lost') this.expectStrayHello();
    const saidHello = this.#attempt?.saidHello;
    this.#attempt = undefined;
    const withoutResume = this.#withoutResume;
    this.#withoutResume = false;
    if (advice.action === 'new-token') {
      const newTokenMayHelp = this.#options.renewable && !this.#refused;
      this.#refused = { token, advice, withoutResume };
      if (saidHello && !withoutResume && !newTokenMayHelp && this.#mayTryWithoutResume(advice)) {
        this.#withoutResume = true;
        return this.#try();
      }
    }
    if (!this.#connection) return this.#comeBack(advice);
    // The connection that was to be left still serves: no reason to give it up, or to tell anybody.
    if (!this.#staysAway(advice)) this.#tryIn(advice.retryAfterMs + this.#backoff.next());
  }

  /**
   * A connection in use has ended.
   *
   * @param {Connection} connection
   * @param {Advice} advice
   */
  #closed(connection, advice) {
    if (connection !== this.#connection) return;
    log('info', `The connection has ended (${advice.why}): ${advice.message}`);
    this.#connection = undefined;
    this.#endured();
    this.#options.onLost();
    // Superseded by the attempt that is under way, whose `welcome` comes by another path: the move is going well.
    if (advice.why === 'superseded' && this.#attempt?.saidHello) return;
    if (advice.why === 'superseded' && this.expectsStrayHello) advice = adviceFor(1006, '');
    if (!this.#attempt || this.#staysAway(advice)) this.#comeBack(advice);
    else this.#become({ state: 'reconnecting', advice, retryInMs: 0 });
  }

  /** A session opens to its own user alone; the token may be another user's. @param {Advice} advice */
  #mayTryWithoutResume({ why }) {
    return why === 'unauthorized' && !this.#connection && this.#options.mayResume();
  }

  /** @param {Advice} advice */
  #comeBack(advice) {
    if (this.#staysAway(advice)) {
      log(advice.why === 'superseded' ? 'warn' : 'error', `The client stays away (${advice.why}): ${advice.message}`);
      return this.#end(advice);
    }
    const isFirst = this.#backoff.isFresh;
    const backoffMs = this.#backoff.next();
    // A timer of a hidden page may ring so late that the session is over: the first attempt needs none, unless it has to wait.
    const isAtOnce = isFirst && advice.retryAfterMs === 0 && this.#options.platform.hidden();
    const retryInMs = isAtOnce ? 0 : advice.retryAfterMs + backoffMs;
    if (retryInMs > 0) this.#tryIn(retryInMs);
    this.#mayHurry = advice.retryAfterMs === 0;
    this.#become({ state: 'reconnecting', advice, retryInMs });
    if (retryInMs === 0) this.wake();
  }

  /** @param {Advice} advice */
  #staysAway({ action }) {
    return action === 'stay-away' || (action === 'new-token' && !this.#options.renewable);
  }

  #cancelWait() {
    this.#mayHurry = false;
    this.#options.platform.clearTimeout(this.#timer);
  }

  /** @param {Advice} advice */
  #end(advice) {
    if (advice.why !== 'bye') this.#dropAttempt(); // another token may have the session back
    this.#letGo();
    this.#become({ state: 'closed', advice });
  }

  /** @param {number} [holdMs] */
  #letGo(holdMs) {
    this.#cancelWait();
    if (holdMs !== undefined && this.#options.mayResume()) this.#dropAttempt();
    if (this.#attempt?.saidHello) this.expectStrayHello();
    this.#attempt?.cancel(holdMs);
    this.#attempt = undefined;
    if (!this.#connection) return;
    this.#connection.close(holdMs);
    this.#connection = undefined;
    this.#endured();
    this.#options.onLost();
  }

  #dropAttempt() {
    if (this.#attempt?.saidHello) this.expectStrayHello();
    this.#attempt?.drop();
    this.#attempt = undefined;
  }

  #endured() {
    this.#backoff.ended(this.#now() - this.#welcomedAt);
    this.#welcomedAt = Infinity;
  }

  /** @param {StateChange} change */
  #become(change) {
    this.state = change.state;
    this.#options.onState(change);
  }
}
