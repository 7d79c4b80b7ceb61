/** @import { ErrorCode, GatewayError } from './protocol.js' */
/** @import { Why } from './reconnect.js' */

/**
 * Why something could not be done: the gateway's codes, as in `docs/protocol.md`; why a connection ended, as in
 * `reconnect.js`; `left` or `kicked` for a room that goes on without this peer; `aborted` for what the application gave up.
 *
 * @typedef {ErrorCode | Why | 'left' | 'kicked' | 'aborted'} FailureCode
 */

/** A refused request or an ended room, in words. */
export class SwitchboardError extends Error {
  /**
   * @param {FailureCode} code for programs
   * @param {string} message for people: a sentence that says what to do
   * @param {number} [retryAfterMs] trying again helps after this
   */
  constructor(code, message, retryAfterMs) {
    super(message);
    this.name = 'SwitchboardError';
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }

  /** @internal @param {GatewayError} message */
  static from({ code, message, retry_after_ms }) {
    return new SwitchboardError(code, message, retry_after_ms);
  }

  /** @internal */
  static connectionLost() {
    return new SwitchboardError('connection-lost', 'The connection ended before the gateway answered.');
  }
}
