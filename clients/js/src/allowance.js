/** @import { Limits } from './protocol.js' */

/**
 * How much of the gateway's rate this client uses. The network may hold signals back and deliver them in one lump, which
 * the gateway then sees as a larger burst than was sent; what is left over is room for that.
 */
const SHARE_OF_RATE = 0.9;
const SHARE_OF_BURST = 0.75;

/**
 * What may still be sent before a limit of the gateway is reached: signals and bytes without an answer, and a token
 * bucket for the rate. Beyond them a signal would be answered `overloaded` or `rate-limited`.
 */
export class Allowance {
  #limits;
  #now;
  #inFlight = 0;
  #inFlightBytes = 0;
  #tokens;
  #filledAt;

  /**
   * @param {Limits} limits
   * @param {() => number} now
   */
  constructor(limits, now) {
    this.#limits = limits;
    this.#now = now;
    this.#tokens = this.#bucket;
    this.#filledAt = now();
  }

  get #bucket() {
    return Math.max(1, this.#limits.burst * SHARE_OF_BURST);
  }

  get #tokensPerMs() {
    return (this.#limits.signals_per_second * SHARE_OF_RATE) / 1000;
  }

  /**
   * Whether one more signal, to however many receivers, keeps within what may be unanswered. One that alone exceeds the
   * limits fits when nothing else is under way: the gateway is the one to refuse it.
   *
   * @param {number} bytes
   */
  fits(bytes) {
    if (this.#inFlight === 0) return true;
    return (
      this.#inFlight < this.#limits.in_flight &&
      this.#inFlightBytes + bytes <= this.#limits.in_flight_bytes
    );
  }

  /** How long until the rate allows another signal, whole milliseconds. A gateway that says 0 has no such limit. */
  waitMs() {
    if (this.#limits.signals_per_second === 0) return 0;
    const now = this.#now();
    this.#tokens = Math.min(this.#bucket, this.#tokens + (now - this.#filledAt) * this.#tokensPerMs);
    this.#filledAt = now;
    return this.#tokens >= 1 ? 0 : Math.ceil((1 - this.#tokens) / this.#tokensPerMs);
  }

  /** @param {number} bytes */
  take(bytes) {
    this.#tokens -= 1;
    this.takeRepeat(bytes);
  }

  /** A signal of the connection before, which is free of the rate. @param {number} bytes */
  takeRepeat(bytes) {
    this.#inFlight += 1;
    this.#inFlightBytes += bytes;
  }

  /** @param {number} bytes */
  giveBack(bytes) {
    this.#inFlight -= 1;
    this.#inFlightBytes -= bytes;
  }
}
