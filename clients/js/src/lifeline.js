/** @import { Advice } from './reconnect.js' */
/** @import { ClientMessage, Hello, ServerMessage, Welcome } from './protocol.js' */
/** @import { Platform } from './platform.js' */
import { Connection } from './connection.js';
import { adviceFor, Backoff } from './reconnect.js';

/**
 * - `connecting`: the first attempt is under way;
 * - `open`: welcomed;
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
 * Keeps a client connected: one {@link Connection} after another, as the close codes advise.
 */
export class Lifeline {
  /** @type {ConnectionState} */
  state = 'closed';
  #options;
  #backoff;
  /** @type {Connection | undefined} */
  #connection;
  #welcomedAt = Infinity;
  /** Rises with each attempt, and when attempts end: what an older one still awaits is void. */
  #attempt = 0;
  /** @type {number | undefined} */
  #timer;
  /** Whether somebody who is in a hurry may shorten the wait; not one that the gateway asked for. */
  #mayHurry = false;
  /** @type {{ token: string | undefined, advice: Advice } | undefined} */
  #refused;

  /**
   * @param {object} options
   * @param {string} options.url
   * @param {() => Promise<Hello>} options.hello asked for each connection
   * @param {boolean} options.renewable whether `hello` may bring another token next time
   * @param {Platform} options.platform
   * @param {(change: StateChange) => void} options.onState
   * @param {(welcome: Welcome) => void} options.onWelcome before `onState` tells of `open`
   * @param {(message: ServerMessage) => void} options.onMessage
   * @param {() => void} options.onLost a connection that was welcomed is gone
   */
  constructor(options) {
    this.#options = options;
    this.#backoff = new Backoff(options.platform);
  }

  start() {
    if (this.state !== 'closed') return;
    this.#refused = undefined;
    this.#become({ state: 'connecting' });
    this.#open();
  }

  /** Says goodbye and stays away. */
  stop() {
    if (this.state !== 'closed') this.#end(adviceFor(1000, ''));
  }

  /** The page is left, and may come back as it was: says goodbye and waits for {@link hurry}. */
  suspend() {
    if (this.state === 'closed') return;
    this.#letGo();
    this.#mayHurry = true;
    this.#become({ state: 'reconnecting', advice: adviceFor(1000, '') });
  }

  /** @param {ClientMessage} message */
  send(message) {
    this.#connection?.send(message);
  }

  /** @param {string} text */
  sendText(text) {
    this.#connection?.sendText(text);
  }

  /** There is reason to believe that it is worth looking now. */
  hurry() {
    if (this.state === 'open') this.#connection?.probe();
    if (this.#mayHurry) this.#open();
  }

  async #open() {
    const { hello: askHello, renewable, platform, url } = this.#options;
    this.#cancelWait();
    const attempt = ++this.#attempt;
    /** @type {Hello} */
    let hello;
    try {
      hello = await askHello();
    } catch (error) {
      const message = `No token: ${error instanceof Error ? error.message : error}`;
      if (attempt === this.#attempt) this.#retry({ action: 'come-back', why: 'no-token', message, retryAfterMs: 0 });
      return;
    }
    if (attempt !== this.#attempt) return;
    if (this.#refused && this.#refused.token === hello.token) return this.#end(this.#refused.advice);

    this.#connection = new Connection({
      url,
      hello,
      platform,
      onWelcome: (welcome) => {
        this.#welcomedAt = platform.now();
        this.#refused = undefined;
        this.state = 'open';
        this.#options.onWelcome(welcome);
        this.#become({ state: 'open' });
      },
      onMessage: this.#options.onMessage,
      onClose: (code, reason) => {
        const advice = adviceFor(code, reason);
        this.#lost();
        if (advice.action === 'new-token') this.#refused = { token: hello.token, advice };
        const staysAway = advice.action === 'stay-away' || (advice.action === 'new-token' && !renewable);
        if (staysAway) this.#end(advice);
        else this.#retry(advice);
      },
    });
  }

  #lost() {
    this.#connection = undefined;
    this.#backoff.ended(this.#options.platform.now() - this.#welcomedAt);
    this.#welcomedAt = Infinity;
    if (this.state === 'open') this.#options.onLost();
  }

  /** @param {Advice} advice */
  #retry(advice) {
    const retryInMs = advice.retryAfterMs + this.#backoff.next();
    this.#mayHurry = advice.retryAfterMs === 0;
    this.#timer = this.#options.platform.setTimeout(() => this.#open(), retryInMs);
    this.#become({ state: 'reconnecting', advice, retryInMs });
  }

  #cancelWait() {
    this.#mayHurry = false;
    this.#options.platform.clearTimeout(this.#timer);
  }

  /** @param {Advice} advice */
  #end(advice) {
    this.#letGo();
    this.#become({ state: 'closed', advice });
  }

  #letGo() {
    this.#attempt++;
    this.#cancelWait();
    this.#connection?.close();
    this.#lost();
  }

  /** @param {StateChange} change */
  #become(change) {
    this.state = change.state;
    this.#options.onState(change);
  }
}
