/** @import { Advice } from './reconnect.js' */
/** @import { Hello, ServerMessage, Welcome } from './protocol.js' */
/** @import { Platform } from './platform.js' */
import { Connection } from './connection.js';
import { adviceFor } from './reconnect.js';

/**
 * What an attempt is made with, and whom it tells.
 *
 * @typedef {object} AttemptOptions
 * @property {string} url
 * @property {() => string | undefined | Promise<string | undefined>} token asked for each attempt
 * @property {(token: string | undefined) => Hello} hello
 * @property {(token: string | undefined) => Advice | undefined} objection why it is of no use to try with this token
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

  /** @param {AttemptOptions} options */
  constructor(options) {
    this.#options = options;
    this.#begin();
  }

  /** Whether a gateway may be giving it the session at this moment. */
  get saidHello() {
    return this.#connection?.saidHello ?? false;
  }

  /** @param {number} [holdMs] for the goodbye: its `hello` may have been heard already */
  cancel(holdMs) {
    this.#over = true;
    this.#connection?.close(holdMs);
  }

  async #begin() {
    const { token: askToken, objection } = this.#options;
    /** @type {string | undefined} */
    let token;
    try {
      token = await askToken();
    } catch (error) {
      const message = `No token: ${error instanceof Error ? error.message : error}`;
      return this.#failed({ action: 'come-back', why: 'no-token', message, retryAfterMs: 0 }, token);
    }
    if (this.#over) return;
    const advice = objection(token);
    if (advice) this.#failed(advice, token);
    else this.#connect(token);
  }

  /** @param {string | undefined} token */
  #connect(token) {
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
