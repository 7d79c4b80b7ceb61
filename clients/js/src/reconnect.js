/** @import { ErrorCode } from './protocol.js' */

/**
 * When to come back after a connection ended, and when not to. No socket and no timer here: only the decision.
 */

/**
 * @typedef {'come-back' | 'retry-after' | 'new-token' | 'stay-away'} Action
 * @typedef {'bye' | 'draining' | 'connection-lost' | 'too-large' | 'protocol' | 'unauthorized' | 'forbidden' | 'timeout'
 *   | 'superseded' | 'slow-consumer' | 'limit' | 'unavailable' | 'no-token' | 'no-websocket' | 'bad-url' | ErrorCode} Why
 *   an `ErrorCode` where the gateway refuses what this client's `hello` says of it
 */

/**
 * @typedef {object} Advice
 * @property {Action} action
 * @property {Why} why for programs
 * @property {string} message for people
 * @property {number} retryAfterMs not sooner than this
 */

/** @typedef {readonly [Action, Why, string]} Row */

/** @type {Row} */
const LOST = ['come-back', 'connection-lost', 'The connection was lost or the gateway cannot be reached.'];

/** @type {Readonly<Record<number, Row>>} */
const CLOSE_CODES = {
  1000: ['stay-away', 'bye', 'The session has ended.'],
  1001: ['come-back', 'draining', 'The gateway is going away.'],
  1006: LOST,
  1009: ['stay-away', 'too-large', 'A message was larger than the gateway takes.'],
  4400: ['stay-away', 'protocol', 'The gateway could not read what this client said.'],
  4401: ['new-token', 'unauthorized', 'The gateway wants a valid token.'],
  4403: ['new-token', 'forbidden', 'The token or this page’s origin does not allow this.'],
  4408: ['come-back', 'timeout', 'The gateway heard nothing from this client in time.'],
  4409: ['stay-away', 'superseded', 'The session goes on in a newer connection.'],
  4413: ['come-back', 'slow-consumer', 'This client read more slowly than the others wrote.'],
  4429: ['retry-after', 'limit', 'The gateway refuses this client for now: a limit is reached.'],
  4503: ['retry-after', 'unavailable', 'The cluster cannot take the session at the moment.'],
};

/** A gateway that asks for more patience than this is asked again all the same. */
const RETRY_AFTER_MAX_MS = 3_600_000;

/**
 * What a client that was not asked does after this close. Codes that are not in the table come from proxies and
 * browsers, and mean a lost connection.
 *
 * @param {number} code
 * @param {string} reason for 4429 and 4503 `{"retry_after_ms": n, "reason": words}`
 * @returns {Advice}
 */
export function adviceFor(code, reason) {
  const [action, why, message] = CLOSE_CODES[code] ?? LOST;
  if (action !== 'retry-after') return { action, why, message, retryAfterMs: 0 };
  const told = read(reason);
  const ms = Number(told.retry_after_ms);
  return {
    action,
    why,
    message: typeof told.reason === 'string' && told.reason ? told.reason : message,
    retryAfterMs: ms > 0 ? Math.min(ms, RETRY_AFTER_MAX_MS) : 0,
  };
}

/**
 * @param {string} reason
 * @returns {{ retry_after_ms?: unknown, reason?: unknown }}
 */
function read(reason) {
  try {
    return JSON.parse(reason) ?? {};
  } catch {
    return {};
  }
}

/**
 * Exponential back-off with full jitter: anything from 0 to a bound that doubles. The thousands of clients of one dead
 * node then come back spread over the whole time instead of in waves.
 * (https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/)
 */
export class Backoff {
  #attempts = 0;
  #random;
  #baseMs;
  #capMs;

  /** @param {{ random: () => number, baseMs?: number, capMs?: number }} options */
  constructor({ random, baseMs = 500, capMs = 15_000 }) {
    this.#random = random;
    this.#baseMs = baseMs;
    this.#capMs = capMs;
  }

  /** Whether nothing has failed since the last connection that lasted. */
  get isFresh() {
    return this.#attempts === 0;
  }

  /** How long to wait before the next attempt, milliseconds. */
  next() {
    const bound = Math.min(this.#capMs, this.#baseMs * 2 ** this.#attempts++);
    return this.#random() * bound;
  }

  /**
   * Starts again from the base, if the connection that ended had lasted: one that is welcomed and cut off again and
   * again is a failing one, too.
   *
   * @param {number} lastedMs
   */
  ended(lastedMs) {
    if (lastedMs >= this.#capMs) this.#attempts = 0;
  }
}
