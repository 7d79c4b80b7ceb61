/** @import { Welcome } from './protocol.js' */
/** @import { Platform } from './platform.js' */
import { log } from './log.js';

/** What resumes a session, and for how long after its connection is lost. @typedef {{ peer: string, secret: string, windowMs: number }} Resumption */

/** The session that the gateways hold for a client, from one connection to the next. */
export class Session {
  /** Absent before the first `welcome`, and where the session cannot be resumed. @type {Resumption | undefined} */
  resumption;
  #platform;
  #onExpired;
  /** While there is no connection: until the session cannot be resumed any more. @type {number | undefined} */
  #timer;

  /**
   * @param {Platform} platform
   * @param {() => void} onExpired the session was without a connection for its whole window
   */
  constructor(platform, onExpired) {
    this.#platform = platform;
    this.#onExpired = onExpired;
  }

  /** Whether it is this session that the gateway has welcomed. @param {Welcome} welcome */
  isResumedBy({ resumed, peer }) {
    return resumed && peer === this.resumption?.peer;
  }

  /** @param {Welcome} welcome */
  welcomed({ peer, resume }) {
    this.#platform.clearTimeout(this.#timer);
    this.resumption = resume && { peer, secret: resume.secret, windowMs: resume.window_ms };
  }

  /** The page that was here before had it. @param {Resumption} resumption */
  restore(resumption) {
    this.resumption = resumption;
    this.#countDown(resumption.windowMs);
  }

  /** It may be resumed on another connection, for a while. @returns {boolean} false if it may not */
  interrupted() {
    if (!this.resumption) return false;
    this.#countDown(this.resumption.windowMs);
    return true;
  }

  /** The next `welcome` begins a new one. */
  lost() {
    this.#platform.clearTimeout(this.#timer);
    if (this.resumption) log('info', `The session of peer ${this.resumption.peer} is over.`);
    this.resumption = undefined;
  }

  /** @param {number} windowMs */
  #countDown(windowMs) {
    this.#timer = this.#platform.setTimeout(this.#onExpired, windowMs);
  }
}
