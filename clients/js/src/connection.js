/** @import { ClientMessage, GatewayError, Hello, ServerMessage, Welcome } from './protocol.js' */
/** @import { Platform, Socket } from './platform.js' */
import { SUBPROTOCOL } from './protocol.js';

/** From the first packet to `welcome`: a gateway that cannot be reached often just never answers. */
const WELCOME_TIMEOUT_MS = 10_000;
/** From `ping` to any sign of life. */
const PONG_TIMEOUT_MS = 5_000;
/**
 * A timer this late means that the page was suspended and could not have heard an answer, so it asks again. Once: the
 * timers of a hidden page are late all the time, and it does hear.
 */
const SUSPENDED_MS = 2_000;
/** How long a connection that was replaced waits for the gateway to close it. */
const RETIRED_MS = 10_000;
/** RFC 6455 7.1.5: no close frame was received. */
const CONNECTION_LOST = 1006;
/** Before `welcome` these are about the `hello`, which will not be better the next time. */
const BAD_HELLO = new Set(['bad-message', 'too-large']);

/**
 * One WebSocket from hello to its end. Browsers hide WebSocket pings, so a connection whose other side vanished looks
 * open for minutes; the `ping` message finds out.
 */
export class Connection {
  #platform;
  #hello;
  #onWelcome;
  #onMessage;
  #onClose;
  #onRefused;
  /** @type {Socket} */
  #socket;
  /** @type {number | undefined} */
  #timer;
  #heartbeatMs = 0;
  #heardAt = 0;
  #awaitingPong = false;
  #askedAgain = false;
  #saidHello = false;

  /**
   * @param {object} options
   * @param {string} options.url
   * @param {() => Hello} options.hello asked when it can be sent, so that it has the latest state
   * @param {Platform} options.platform
   * @param {(welcome: Welcome) => void} options.onWelcome
   * @param {(message: ServerMessage) => void} options.onMessage whatever comes after `welcome`
   * @param {(code: number, reason: string) => void} options.onClose once; not after `close()`
   * @param {(error: GatewayError) => void} options.onRefused instead of `onClose`: the gateway cannot take the `hello`
   * @throws {unknown} when the browser takes no such URL
   */
  constructor({ url, hello, platform, onWelcome, onMessage, onClose, onRefused }) {
    this.#platform = platform;
    this.#hello = hello;
    this.#onWelcome = onWelcome;
    this.#onMessage = onMessage;
    this.#onClose = onClose;
    this.#onRefused = onRefused;
    this.#socket = new platform.WebSocket(url, [SUBPROTOCOL]);
    this.#socket.onopen = () => {
      this.#saidHello = true;
      this.send(this.#hello());
    };
    this.#socket.onmessage = (event) => this.#heard(JSON.parse(event.data));
    this.#socket.onerror = () => {}; // `onclose` tells; it stays, as closing before it is open is one to `ws`
    this.#socket.onclose = (event) => this.#ended(event.code, event.reason);
    this.#arm(WELCOME_TIMEOUT_MS, () => this.#ended(CONNECTION_LOST, ''));
  }

  /** @param {ClientMessage} message */
  send(message) {
    this.sendText(JSON.stringify(message));
  }

  /** @param {string} text a message that is encoded already */
  sendText(text) {
    this.#socket.send(text);
  }

  /** Whether the gateway may have got the `hello`. */
  get saidHello() {
    return this.#saidHello;
  }

  /**
   * Says goodbye and lets go at once, without waiting for the gateway's close frame.
   *
   * @param {number} [holdMs] the session stays for so long, because the page may be loaded again
   */
  close(holdMs) {
    if (this.#socket.readyState === 1) this.send({ type: 'bye', ...(holdMs !== undefined && { hold_ms: holdMs }) });
    this.#release();
  }

  /** Lets go without a goodbye: to the gateway it is a lost connection, and the session stays as it was. */
  drop() {
    this.#release();
  }

  /**
   * Another connection has the session now. This one sends and receives nothing more. Its gateway closes it with 4409 when it
   * is told of the move; until then it must stay open, because its gateway would take the end for a loss.
   */
  retire() {
    this.#onMessage = () => {};
    this.#onClose = () => {};
    this.#arm(RETIRED_MS, () => this.#release());
  }

  /** Asks for a sign of life now: the network may have changed under the connection. */
  probe() {
    if (this.#heartbeatMs === 0 || this.#awaitingPong) return;
    this.#awaitingPong = true;
    this.send({ type: 'ping' });
    const askedAt = this.#platform.now();
    this.#arm(PONG_TIMEOUT_MS, () => this.#judge(askedAt));
  }

  /** @param {number} askedAt */
  #judge(askedAt) {
    const late = this.#platform.now() - askedAt - PONG_TIMEOUT_MS;
    if (!this.#awaitingPong) {
      this.#listen();
    } else if (late > SUSPENDED_MS && !this.#askedAgain) {
      this.#awaitingPong = false;
      this.#askedAgain = true;
      this.probe();
    } else {
      this.#ended(CONNECTION_LOST, '');
    }
  }

  /** Waits until nothing has come for a heartbeat. Every message would be too often to set the timer again. */
  #listen() {
    const silentMs = this.#platform.now() - this.#heardAt;
    if (silentMs >= this.#heartbeatMs) this.probe();
    else this.#arm(this.#heartbeatMs - silentMs, () => this.#listen());
  }

  /** @param {ServerMessage} message */
  #heard(message) {
    this.#heardAt = this.#platform.now();
    this.#awaitingPong = this.#askedAgain = false;
    if (message.type === 'welcome') {
      this.#heartbeatMs = message.heartbeat_ms;
      this.#listen();
      this.#onWelcome(message);
    } else if (this.#heartbeatMs === 0 && message.type === 'error' && BAD_HELLO.has(message.code)) {
      this.#release();
      this.#onRefused(message);
    } else {
      this.#onMessage(message);
    }
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  #ended(code, reason) {
    this.#release();
    this.#onClose(code, reason);
  }

  #release() {
    this.#platform.clearTimeout(this.#timer);
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close(1000);
  }

  /**
   * @param {number} ms
   * @param {() => void} callback
   */
  #arm(ms, callback) {
    this.#platform.clearTimeout(this.#timer);
    this.#timer = this.#platform.setTimeout(callback, ms);
  }
}
