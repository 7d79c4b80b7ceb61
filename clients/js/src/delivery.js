/** @import { Outcome } from './signals.js' */
import { setTimer } from './timers.js';

/** Reasons for which a signal to this peer will never be delivered. */
const GONE = new Set(['no-such-peer', 'left', 'expired']);
/** Before an undelivered signal is sent again. */
const AGAIN_MS = 1_000;

/**
 * Sends a signal until it has arrived, its receiver is gone, or it is out of date.
 *
 * @param {() => Promise<Outcome>} send
 * @param {() => boolean} isCurrent
 * @returns {Promise<void>} rejects when the gateway refuses it
 */
export async function deliver(send, isCurrent) {
  while (isCurrent()) {
    const outcome = await send();
    if (outcome.delivered || GONE.has(outcome.reason) || !isCurrent()) return;
    await new Promise((resolve) => void setTimer(() => resolve(undefined), AGAIN_MS));
  }
}
