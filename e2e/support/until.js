/** Waiting for what one wants to see, and for nothing else: no test sleeps for a fixed time. */
import { setTimeout as pause } from 'node:timers/promises';
import { inspect } from 'node:util';

/** Whoever waits longer waits in vain, on a loaded machine too. */
export const PATIENCE_MS = 25_000;
const LOOK_AGAIN_MS = 50;

/**
 * Looks again and again until what is seen will do.
 *
 * @template T
 * @param {string} what is waited for, as a sentence
 * @param {() => T | Promise<T>} look
 * @param {(seen: T) => unknown} [isIt] by default anything that is true
 * @param {number} [withinMs]
 * @returns {Promise<T>} what was seen at last
 */
export async function until(what, look, isIt = Boolean, withinMs = PATIENCE_MS) {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const seen = await look();
    if (isIt(seen)) return seen;
    if (performance.now() > deadline) {
      throw new Error(`Not within ${withinMs} ms: ${what}. Seen last: ${inspect(seen, { depth: 4, breakLength: 120 })}`);
    }
    await pause(LOOK_AGAIN_MS);
  }
}
