/** @import { Done, GatewayError, Joined, Left, Pong } from './protocol.js' */
import { SwitchboardError } from './errors.js';

/** @typedef {Joined | Left | Done | (Pong & { re: number })} Answer */

/** Requests without an answer yet, by the id that the answer repeats as `re`. */
export class Requests {
  /** @type {Map<number, { resolve: (answer: Answer) => void, reject: (error: SwitchboardError) => void }>} */
  #waiting = new Map();

  /**
   * @param {number} id
   * @returns {Promise<Answer>} rejects with a {@link SwitchboardError}
   */
  wait(id) {
    return new Promise((resolve, reject) => void this.#waiting.set(id, { resolve, reject }));
  }

  /** @param {Answer} answer */
  answered(answer) {
    this.#take(answer.re)?.resolve(answer);
  }

  /** @param {GatewayError & { re: number }} error */
  refused(error) {
    this.#take(error.re)?.reject(SwitchboardError.from(error));
  }

  /** The connection is gone, and with it the answers. */
  lost() {
    for (const { reject } of this.#waiting.values()) reject(SwitchboardError.connectionLost());
    this.#waiting.clear();
  }

  /** @param {number} id */
  #take(id) {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }
}
