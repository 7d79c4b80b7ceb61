/** The example page `docs/examples/call-by-name`, served by two gateways, as two people use it. */
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { scenario } from '../support/scenario.js';
import { until } from '../support/until.js';

/** @import { World } from '../support/world.js' */
/** @import { DemoPage } from '../support/demo_page.js' */

const file = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url));
const SETTINGS = {
  static_dir: file('../../docs/examples/call-by-name'),
  'socketio.client_file': file('../node_modules/socket.io-client/dist/socket.io.min.js'),
  'cluster.lease_ms': 2_000,
};

/** @param {World} world */
async function adaAndBob(world) {
  const gateways = await world.cluster(SETTINGS);
  return Promise.all([register(world, gateways[0], 'ada'), register(world, gateways[1], 'bob')]);
}

/** @param {World} world @param {{ url: string }} at @param {string} name */
async function register(world, at, name) {
  const person = await world.person();
  await person.visit(at.url);
  await person.page.fill('#name', name);
  await person.page.click('#register button');
  await untilTold(person, `You are ${name}.`);
  return person;
}

/** @param {DemoPage} person @param {string} name */
async function call(person, name) {
  await person.page.fill('#remote-name', name);
  await person.page.click('#call button');
}

/** In the page. */
function callUnlessItRings() {
  const form = /** @type {HTMLFormElement} */ (document.getElementById('call'));
  if (!form.hidden) form.requestSubmit();
}

/** @param {DemoPage} person @param {string} words */
async function untilTold({ page }, words) {
  await until(`it says: ${words}`, () => page.textContent('#status'), (status) => status === words);
}

/** @param {...DemoPage} people */
async function untilTheySeeEachOther(...people) {
  await Promise.all(
    people.map(({ page }) => until('frames of the other’s picture are decoded', () => page.evaluate(framesDecoded), (frames) => frames > 5)),
  );
}

/** In the page. */
async function framesDecoded() {
  const connection = /** @type {any} */ (window).recordedConnections.at(-1);
  const reports = connection ? [...(await connection.getStats()).values()] : [];
  return reports.find(({ type, kind }) => type === 'inbound-rtp' && kind === 'video')?.framesDecoded ?? 0;
}

scenario('one calls, the other accepts, they see each other, hang up and call again', async (world) => {
  const [ada, bob] = await adaAndBob(world);
  await call(ada, 'bob');
  await untilTold(bob, 'ada is calling.');
  await bob.page.click('#accept');
  await untilTheySeeEachOther(ada, bob);

  await bob.page.click('#hang-up');
  await untilTold(ada, 'bob declined or hung up.');
  await call(bob, 'ada');
  await untilTold(ada, 'bob is calling.');
  await ada.page.click('#accept');
  await untilTheySeeEachOther(ada, bob);
  for (const { page } of [ada, bob]) assert.equal(await page.evaluate(() => /** @type {any} */ (window).recordedConnections.length), 2);
});

scenario('a call may be declined, taken back, or for nobody', async (world) => {
  const [ada, bob] = await adaAndBob(world);
  await call(ada, 'bob');
  await untilTold(bob, 'ada is calling.');
  await bob.page.click('#decline');
  await untilTold(ada, 'bob declined or hung up.');
  await call(ada, 'bob');
  await untilTold(bob, 'ada is calling.');
  await ada.page.click('#hang-up');
  await untilTold(bob, 'ada does not wait any longer.');
  await call(ada, 'nobody');
  await untilTold(ada, 'nobody: the other side is not connected');
});

scenario('both ring at the same moment, and talk', async (world) => {
  const [ada, bob] = await adaAndBob(world);
  await ada.page.fill('#remote-name', 'bob');
  await bob.page.fill('#remote-name', 'ada');
  // Whom the other's ring reaches first accepts it instead, below.
  await Promise.all([ada, bob].map(({ page }) => page.evaluate(callUnlessItRings)));
  const rung = async () => (await Promise.all([ada, bob].map(({ page }) => page.locator('#accept').isVisible()))).indexOf(true);
  const whom = await until('it rings, or both had called', async () => {
    const no = await rung();
    return no >= 0 ? [ada, bob][no] : (await ada.page.evaluate(framesDecoded)) > 0;
  });
  if (typeof whom === 'object') await whom.page.click('#accept');
  await untilTheySeeEachOther(ada, bob);
});
