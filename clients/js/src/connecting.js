/** @import { Platform } from './platform.js' */
/** @import { Welcome } from './protocol.js' */
import { SwitchboardError } from './errors.js';

/**
 * @typedef {object} ConnectOptions
 * @property {AbortSignal} [signal] gives up when it aborts
 * @property {number} [timeout] milliseconds until it gives up. A client that was not `open` since it was started is closed
 *   then, unless another `connect()` waits
 */

/** Calls of `connect()` that wait until the client is open or closed, or give up before. */
export class Connecting {
  #platform;
  /** @type {Set<{ resolve: (welcome: Welcome) => void, reject: (error: SwitchboardError) => void }>} */
  #waiting = new Set();

  /** @param {Platform} platform */
  constructor(platform) {
    this.#platform = platform;
  }

  /**
   * @param {ConnectOptions} options
   * @param {() => void} onAllGaveUp this call gave up, and no other waits
   * @returns {Promise<Welcome>}
   */
  wait({ signal, timeout }, onAllGaveUp) {
    return new Promise((resolve, reject) => {
      /** @param {SwitchboardError} error */
      const giveUp = (error) => {
        this.#waiting.delete(waiting);
        waiting.reject(error);
        if (this.#waiting.size === 0) onAllGaveUp();
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
      this.#waiting.add(waiting);
    });
  }

  /** @param {Welcome} welcome */
  opened(welcome) {
    for (const { resolve } of this.#waiting) resolve(welcome);
    this.#waiting.clear();
  }

  /** @param {SwitchboardError} error */
  closed(error) {
    for (const { reject } of this.#waiting) reject(error);
    this.#waiting.clear();
  }
}
