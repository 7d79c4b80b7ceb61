/** Somebody loads the page again in the middle of a call, and is still in it. */
import assert from 'node:assert/strict';
import { scenario } from '../support/scenario.js';

/** @import { DemoPage } from '../support/demo_page.js' */

/**
 * @param {DemoPage} page
 * @param {DemoPage} other
 * @param {string} name of the one who loads the page again
 * @param {string} otherName
 */
async function assertSurvivesReload(page, other, name, otherName) {
  const peer = await page.peer();
  other.heard.length = 0;
  await page.page.reload();
  await page.element('call').waitFor();
  await page.untilInCallWith(otherName);
  assert.equal(await page.peer(), peer);
  await other.untilInCallWith(name);
  await Promise.all([page.untilPicturesMove(otherName), other.untilPicturesMove(name)]);
  assert.ok(await page.element('returning').isHidden());
  assert.ok(await page.element('lobby').isHidden());
  assert.deepEqual(other.heardOf(peer).filter((word) => word === 'away' || word === 'live'), ['away', 'live']);
  assert.ok(!other.heard.some(({ type }) => type === 'member-left' || type === 'member-joined'));
}

scenario('a page that is loaded again keeps its session and its call, whichever side offered first', async (world) => {
  const [first, second] = await world.cluster();
  const [ada, bob] = await world.call({ at: first, name: 'Ada' }, { at: second, name: 'Bob' });
  await assertSurvivesReload(ada, bob, 'Ada', 'Bob');
  await assertSurvivesReload(bob, ada, 'Bob', 'Ada');
  await assertSurvivesReload(bob, ada, 'Bob', 'Ada');
});

scenario('who was muted and unseen before the reload is so after it', async (world) => {
  const at = await world.gateway();
  const [ada, bob] = await world.call({ at, name: 'Ada' }, { at, name: 'Bob' });
  await ada.element('mic').click();
  await ada.element('camera').click();
  await bob.untilSees('Ada', { muted: true, videoOff: true });
  bob.heard.length = 0;
  await ada.page.reload();
  await ada.untilInCallWith('Bob');
  await ada.untilPicturesMove('Bob');
  await bob.untilSees('Ada', { connection: 'connected', muted: true, videoOff: true });
  assert.ok(!bob.heard.some(({ state }) => state?.muted === false || state?.video_off === false), 'not even for a moment');
  await ada.element('camera').click();
  await bob.untilPicturesMove('Ada');
});

scenario('both load their pages again at the same time', async (world) => {
  const [first, second] = await world.cluster();
  const [ada, bob] = await world.call({ at: first, name: 'Ada' }, { at: second, name: 'Bob' });
  await Promise.all([ada.page.reload(), bob.page.reload()]);
  await Promise.all([ada.untilInCallWith('Bob'), bob.untilInCallWith('Ada')]);
  await Promise.all([ada.untilPicturesMove('Bob'), bob.untilPicturesMove('Ada')]);
});

scenario('a page that is loaded again while it comes back keeps its session and its call', async (world) => {
  const at = await world.gateway();
  const [ada, bob] = await world.call({ at, name: 'Ada' }, { at, name: 'Bob' });
  const peer = await ada.peer();
  const connects = ada.page.waitForEvent('websocket');
  await ada.page.reload({ waitUntil: 'commit' });
  await connects;
  await ada.page.reload();
  await ada.untilInCallWith('Bob');
  assert.equal(await ada.peer(), peer);
  await bob.untilInCallWith('Ada');
});

scenario('a tab that is duplicated is another one, and leaves the first in its call', async (world) => {
  const at = await world.gateway();
  const [ada, bob] = await world.call({ at, name: 'Ada' }, { at, name: 'Bob' });
  const [copy] = await Promise.all([
    ada.page.context().waitForEvent('page'),
    ada.page.evaluate(() => void window.open(location.href)), // with a copy of its sessionStorage
  ]);
  await copy.getByTestId('lobby').waitFor();
  await ada.untilInCallWith('Bob');
  assert.deepEqual(await ada.statuses(), ['open']);
  await bob.untilPicturesMove('Ada');
});

scenario('who has left before the reload comes back to the lobby', async (world) => {
  const at = await world.gateway();
  const [ada, bob] = await world.call({ at, name: 'Ada' }, { at, name: 'Bob' });
  await ada.element('leave').click();
  await bob.untilInCallWith();
  await ada.page.reload();
  await ada.element('lobby').waitFor();
  assert.ok(await ada.element('call').isHidden());
});
