/** @import { Done, GatewayError, Joined, Left, Pong, Request } from './protocol.js' */
import { SwitchboardError } from './errors.js';

/** @typedef {Joined | Left | Done | (Pong & { re: number })} Answer */

/**
 * @template T
 * @template {keyof any} K
 * @typedef {T extends unknown ? Omit<T, K> : never} DistributiveOmit
 */

/** A request before it has its id. @typedef {DistributiveOmit<Request, 'id'>} RequestBody */

/** Requests without an answer yet, by the id that the answer repeats as `re`. */
export class Requests {
  /** The highest id that was given, to a request or a signal: the two share one sequence. */
  lastId = 0;
  /** @type {Map<number, { resolve: (answer: Answer) => void, reject: (error: SwitchboardError) => void }>} */
  #waiting = new Map();

  nextId() {
    return ++this.lastId;
  }

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
