/** Two people whose offers cross, by an ICE restart that both ask for at the same moment. */
import assert from 'node:assert/strict';
import { until } from './until.js';

/** @import { DemoPage } from './demo_page.js' */

/** Both begin at the same moment by the machine's clock; how often their offers then cross is up to the scheduler. */
const ROUNDS_MAX = 30;
const HEAD_START_MS = 100;

/**
 * Restarts until one of them had to take an offer back; over when all has settled.
 *
 * @param {DemoPage} impolite
 * @param {DemoPage} polite
 */
export async function crossOffers(impolite, polite) {
  const before = await timesYielded(polite);
  for (let round = 1; (await timesYielded(polite)) === before; round++) {
    assert.ok(round <= ROUNDS_MAX, `offers never crossed in ${ROUNDS_MAX} rounds`);
    await restartBoth(impolite, polite);
  }
}

/** @param {DemoPage} page */
export async function timesYielded(page) {
  return (await page.connections()).reduce((sum, { yielded }) => sum + yielded, 0);
}

/**
 * Both ask for an ICE restart at the same time; over when both have new ICE credentials and nothing is being negotiated.
 *
 * @param {...DemoPage} pages
 */
async function restartBoth(...pages) {
  const at = Date.now() + HEAD_START_MS;
  const ufragsBefore = await Promise.all(pages.map(ufrag));
  await Promise.all(pages.map(({ page }) => page.evaluate(restartAt, at)));
  for (const [index, page] of pages.entries()) {
    await until('there are new ICE credentials', () => ufrag(page), (now) => now !== ufragsBefore[index]);
    await until('negotiation is over', () => page.page.evaluate(isSettled));
  }
}

/** @param {DemoPage} page */
async function ufrag(page) {
  return (await page.connections())[0]?.ufrag;
}

/** In the page. @param {number} at */
async function restartAt(at) {
  const [connection] = /** @type {any} */ (window).recordedConnections;
  await new Promise((resolve) => setTimeout(resolve, at - Date.now() - 5));
  while (Date.now() < at); // timers are not exact enough
  connection.restartIce();
}

/** In the page. */
function isSettled() {
  const [connection] = /** @type {any} */ (window).recordedConnections;
  return connection.signalingState === 'stable' && connection.connectionState === 'connected';
}
