/** What is told to the console, each level with those before it. @typedef {'silent' | 'error' | 'warn' | 'info' | 'debug'} LogLevel */

/** @type {readonly LogLevel[]} */
const LEVELS = ['silent', 'error', 'warn', 'info', 'debug'];
/** @type {LogLevel} */
let current = 'warn';

/**
 * How much of what the SDK does goes to the browser's console:
 *
 * - `error`: the client gives up, as where its token is refused;
 * - `warn` (the default): what somebody should look into, such as a token that could not be had;
 * - `info`: connections, sessions and rooms as they come and go, and why; refused signals; searches for another path;
 * - `debug`: each attempt, and whatever is tried again.
 *
 * Tokens, secrets, payloads and session descriptions are never told.
 *
 * @param {LogLevel} level for all clients of this page
 */
export function setLogLevel(level) {
  if (!LEVELS.includes(level)) throw new TypeError(`A log level is one of ${LEVELS.join(', ')}: ${level} is none.`);
  current = level;
}

/**
 * @param {'error' | 'warn' | 'info' | 'debug'} level
 * @param {string} message
 */
export function log(level, message) {
  if (LEVELS.indexOf(level) <= LEVELS.indexOf(current)) console[level](`[switchboard] ${message}`);
}

/** Without user, password, query and fragment: tokens may be in them. @param {string} url */
export function withoutSecrets(url) {
  return url.replace(/[?#].*/s, '').replace(/^(\w*:\/*)?.*@/s, '$1');
}

/** Of what was thrown by others. Its message may have a token or a session description in it. @param {unknown} error */
export function nameOf(error) {
  return error instanceof Error ? error.name : typeof error;
}
