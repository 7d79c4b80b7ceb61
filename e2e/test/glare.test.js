/** Two offers cross: the impolite side ignores the other's, the polite side takes its own back, and the call goes on. */
import assert from 'node:assert/strict';
import { scenario } from '../support/scenario.js';
import { until } from '../support/until.js';

/** Both begin at the same moment by the machine's clock; how often their offers then cross is up to the scheduler. */
const ROUNDS_MAX = 30;
const HEAD_START_MS = 100;

scenario('two pages that offer at the same moment end up connected', async (world) => {
  const [first, second] = await world.cluster();
  const [ada, bob] = await world.call({ at: first, name: 'Ada' }, { at: second, name: 'Bob' });

  // Bob came later and is the polite one: he yields, Ada never does.
  for (let round = 1; (await timesYielded(bob)) === 0; round++) {
    assert.ok(round <= ROUNDS_MAX, `offers never crossed in ${ROUNDS_MAX} rounds`);
    await restartBoth(ada, bob);
  }

  await Promise.all([ada.untilInCallWith('Bob'), bob.untilInCallWith('Ada')]);
  await Promise.all([ada.untilPicturesMove('Bob'), bob.untilPicturesMove('Ada')]);
  assert.equal(await timesYielded(ada), 0);
  assert.equal((await ada.connections()).length, 1, 'the same connection as before');
});

/** @typedef {import('../support/demo_page.js').DemoPage} DemoPage */

/** @param {DemoPage} page */
async function timesYielded(page) {
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
