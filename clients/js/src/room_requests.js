/** @import { RoomHost } from './room.js' */
/** @import { State } from './protocol.js' */
import { SwitchboardError } from './errors.js';
import { log } from './log.js';

/** Refusals that pass by themselves. */
const PASSING = new Set(['unavailable', 'rate-limited']);
/** Before a request is tried again, where the gateway does not say. */
const AGAIN_MS = 1_000;

/** What a room asks the gateway for, again and again while the refusal is a passing one. */
export class RoomRequests {
  #room;
  #host;

  /**
   * @param {string} room its id
   * @param {Pick<RoomHost, 'request' | 'pause' | 'isLeaving'>} host
   */
  constructor(room, host) {
    this.#room = room;
    this.#host = host;
  }

  /**
   * Asks once: whether it is worth asking again depends on the connection.
   *
   * @param {State} state
   * @param {number | undefined} capacity
   */
  join(state, capacity) {
    return this.#host.request({ type: 'join', room: this.#room, state, ...(capacity !== undefined && { capacity }) });
  }

  /**
   * @param {State} patch
   * @param {{ isMember: () => boolean, current: () => State }} room what it is when the refusal has passed
   */
  async tellState(patch, { isMember, current }) {
    for (;;) {
      try {
        await this.#host.request({ type: 'state', room: this.#room, state: patch }).answer;
        return;
      } catch (error) {
        await this.passing(error);
        if (!isMember()) return;
        // Later changes may have been told meanwhile.
        patch = Object.fromEntries(Object.keys(patch).map((key) => [key, current()[key] ?? null]));
      }
    }
  }

  async leave() {
    for (;;) {
      try {
        await this.#host.request({ type: 'leave', room: this.#room }).answer;
        return;
      } catch (error) {
        // Without a connection the client leaves when it is back. A join that failed left nothing to leave.
        if (isLost(error) || /** @type {SwitchboardError} */ (error).code === 'not-a-member') return;
        await this.passing(error);
      }
    }
  }

  /** Waits until it may be asked again; throws what no waiting helps against. @param {unknown} error */
  async passing(error) {
    if (!this.passes(error)) throw error;
    const { code, retryAfterMs } = /** @type {SwitchboardError} */ (error);
    const waitMs = retryAfterMs ?? AGAIN_MS;
    log('debug', `Room ${this.#room} cannot be asked now (${code}), and is asked again in ${waitMs} ms.`);
    await this.#host.pause(waitMs);
  }

  /** Whether it may be asked again. @param {unknown} error */
  passes(error) {
    const { code } = /** @type {SwitchboardError} */ (error);
    return PASSING.has(code) || (code === 'already-joined' && this.#host.isLeaving(this.#room));
  }
}

/** @param {unknown} error */
export function isLost(error) {
  return error instanceof SwitchboardError && error.code === 'connection-lost';
}
