/** @import { KeptSessions } from './kept_session.js' */
import { keptSessions } from './kept_session.js';
import { clearTimer, isHidden, setTimer } from './timers.js';

/**
 * What is used of a WebSocket: as much as that of a browser, of Node.js and of the package `ws` have in common.
 *
 * @typedef {object} Socket
 * @property {number} readyState
 * @property {((event: any) => void) | null} onopen
 * @property {((event: any) => void) | null} onmessage
 * @property {((event: any) => void) | null} onclose
 * @property {((event: any) => void) | null} onerror that of `ws` is an EventEmitter: an error that nobody listens to ends the process
 * @property {(text: string) => void} send
 * @property {(code: number) => void} close
 */

/**
 * What the SDK takes from its surroundings. Tests hand in their own: a socket that they script, a clock that they turn.
 *
 * @typedef {object} Platform
 * @property {new (url: string, protocols: string[]) => Socket} WebSocket
 * @property {() => number} now milliseconds of a clock that never goes back
 * @property {(callback: () => void, ms: number) => number} setTimeout
 * @property {(timer: number | undefined) => void} clearTimeout
 * @property {() => number} random at least 0, below 1
 * @property {() => number} wallClock Unix time, milliseconds
 * @property {() => boolean} hidden whether nobody sees the page: then browsers let timers ring late
 * @property {KeptSessions} kept sessions that survive a reload
 */

/**
 * The real ones.
 *
 * @returns {Platform}
 */
export function browser() {
  return {
    WebSocket: globalThis.WebSocket,
    now: () => performance.now(),
    setTimeout: setTimer,
    clearTimeout: clearTimer,
    random: Math.random,
    wallClock: Date.now,
    hidden: isHidden,
    kept: keptSessions,
  };
}

/**
 * @param {Platform} platform
 * @param {number} ms
 * @returns {Promise<void>}
 */
export function pause(platform, ms) {
  return new Promise((resolve) => void platform.setTimeout(resolve, ms));
}
