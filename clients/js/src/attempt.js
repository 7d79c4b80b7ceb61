/** @import { Advice } from './reconnect.js' */
/** @import { Hello, ServerMessage, Welcome } from './protocol.js' */
/** @import { Platform } from './platform.js' */
import { Connection } from './connection.js';
import { log, nameOf, withoutSecrets } from './log.js';
import { adviceFor } from './reconnect.js';

/** A token that has not come after so long counts as none. */
const TOKEN_TIMEOUT_MS = 15_000;

/**
 * What an attempt is made with, and what it calls.
 *
 * @typedef {object} AttemptOptions
 * @property {string} url
 * @property {() => string | undefined | Promise<string | undefined>} token asked for each attempt
 * @property {(token: string | undefined) => Hello} hello
 * @property {(token: string | undefined) => Advice | undefined} objection why an attempt with this token cannot succeed
 * @property {Platform} platform
 * @property {(connection: Connection, welcome: Welcome) => void} onWelcome
 * @property {(message: ServerMessage) => void} onMessage
 * @property {(advice: Advice, token: string | undefined) => void} onFailed once, if there was no `welcome`
 * @property {(connection: Connection, advice: Advice) => void} onClose once, if there was
 */

/** One try to be welcomed: a token, a WebSocket, `hello`. What was welcomed goes on as a {@link Connection}. */
export class Attempt {
  #options;
  /** @type {Connection | undefined} */
  #connection;
  #over = false;
  /** Until the token has to be there. @type {number | undefined} */
  #timer;

  /** @param {AttemptOptions} options */
  constructor(options) {
    this.#options = options;
    this.#begin();
  }

  /** Whether a gateway may be giving it the session at this moment. */
  get saidHello() {
    return this.#connection?.saidHello ?? false;
  }

  /** Says goodbye, as its `hello` may have been heard already. @param {number} [holdMs] */
  cancel(holdMs) {
    this.#end();
    this.#connection?.close(holdMs);
  }

  /**
   * For another attempt, or another page's. After anything that is sent behind a `hello`, even a goodbye, the secret of that `hello`
   * is invalid, and nobody receives the new one, which the `welcome` has.
   */
  drop() {
    this.#end();
    this.#connection?.drop();
  }

  #end() {
    this.#over = true;
    this.#options.platform.clearTimeout(this.#timer);
  }

  async #begin() {
    const { objection } = this.#options;
    /** @type {string | undefined} */
    let token;
    try {
      token = await this.#askToken();
    } catch (error) {
      if (!this.#over) log('warn', `No token: getToken() failed with ${nameOf(error)}.`);
      const message = `No token: ${error instanceof Error ? error.message : String(error)}`;
      return this.#failed({ action: 'come-back', why: 'no-token', message, retryAfterMs: 0 }, token);
    }
    if (this.#over) return;
    const advice = objection(token);
    if (advice) this.#failed(advice, token);
    else this.#connect(token);
  }

  /** @returns {Promise<string | undefined>} */
  async #askToken() {
    const { token, platform } = this.#options;
    try {
      return await new Promise((resolve, reject) => {
        const late = () => reject(new DOMException(`getToken() did not settle within ${TOKEN_TIMEOUT_MS / 1000} s.`, 'TimeoutError'));
        this.#timer = platform.setTimeout(late, TOKEN_TIMEOUT_MS);
        Promise.resolve(token()).then(resolve, reject);
      });
    } finally {
      platform.clearTimeout(this.#timer);
    }
  }

  /** @param {string | undefined} token */
  #connect(token) {
    if (typeof this.#options.platform.WebSocket !== 'function') {
      const message = 'There is no WebSocket here: use a browser, Node.js 22 or newer, or `platform: { WebSocket }`.';
      return this.#failed({ action: 'stay-away', why: 'no-websocket', message, retryAfterMs: 0 }, token);
    }
    if (!this.#options.url) { // to a browser it is a relative one: the page's own
      const message = 'The client has no url: give it one such as wss://example.org/v1/connect.';
      return this.#failed({ action: 'stay-away', why: 'bad-url', message, retryAfterMs: 0 }, token);
    }
    try {
      this.#open(token);
    } catch (error) {
      const url = withoutSecrets(this.#options.url);
      // The browser's own words may quote the rest of the url.
      const message = `No connection to ${url} can be opened (${nameOf(error)}): a url begins with wss://, or ws:// on pages that are not https, and has no fragment.`;
      this.#failed({ action: 'stay-away', why: 'bad-url', message, retryAfterMs: 0 }, token);
    }
  }

  /** @param {string | undefined} token */
  #open(token) {
    const { url, hello, platform, onWelcome, onMessage, onClose } = this.#options;
    const connection = (this.#connection = new Connection({
      url,
      hello: () => hello(token),
      platform,
      onWelcome: (welcome) => {
        this.#over = true;
        onWelcome(connection, welcome);
      },
      onMessage,
      onClose: (code, reason) => {
        const advice = adviceFor(code, reason);
        if (this.#over) onClose(connection, advice);
        else this.#failed(advice, token);
      },
      onRefused: ({ code, message }) =>
        this.#failed({ action: 'stay-away', why: code, message, retryAfterMs: 0 }, token),
    }));
  }

  /**
   * @param {Advice} advice
   * @param {string | undefined} token
   */
  #failed(advice, token) {
    if (this.#over) return;
    this.#over = true;
    this.#options.onFailed(advice, token);
  }
}
