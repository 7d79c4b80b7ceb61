/** Gateways are drained and killed under a call, which goes on as if nothing had happened; then somebody new comes. */
import assert from 'node:assert/strict';
import { scenario } from '../support/scenario.js';
import { until } from '../support/until.js';

/** @import { World } from '../support/world.js' */
/** @import { DemoPage } from '../support/demo_page.js' */

const SETTINGS = {
  'cluster.lease_ms': 2_000,
  'drain.grace_ms': 500,
  'drain.window_ms': 1_000,
  'drain.deadline_ms': 10_000,
};

/** Ada is on the first node and would get to the second; Bob the other way round. @param {World} world */
async function callAcrossNodes(world) {
  const [first, second] = await world.cluster(SETTINGS);
  const [ada, bob] = await world.call(
    { at: await world.balancer(first, second), name: 'Ada' },
    { at: await world.balancer(second, first), name: 'Bob' },
  );
  const peers = await Promise.all([ada, bob].map((page) => page.peer()));
  return { first, second, ada, bob, peers };
}

/** @param {DemoPage} ada @param {DemoPage} bob */
async function assertNeverInterrupted(ada, bob) {
  await Promise.all([ada.untilPicturesMove('Bob'), bob.untilPicturesMove('Ada')]);
  for (const page of [ada, bob]) {
    const histories = (await page.connections()).map(({ history }) => history);
    assert.deepEqual(histories, [['new', 'connecting', 'connected']], 'one connection, never interrupted');
  }
}

/** @param {World} world @param {{ url: string }} at @param {DemoPage[]} others */
async function assertNewcomerMeets(world, at, [ada, bob]) {
  const cleo = await world.person();
  await cleo.visit(at.url);
  await cleo.join({ name: 'Cleo', room: 'studio' });
  await Promise.all([cleo.untilInCallWith('Ada', 'Bob'), ada.untilInCallWith('Bob', 'Cleo'), bob.untilInCallWith('Ada', 'Cleo')]);
  await Promise.all([cleo.untilPicturesMove('Ada', 'Bob'), ada.untilPicturesMove('Cleo'), bob.untilPicturesMove('Cleo')]);
}

scenario('a gateway is drained under a call: nobody notices, and a newcomer sees both', async (world) => {
  const { first, second, ada, bob, peers } = await callAcrossNodes(world);
  const [before, there] = await Promise.all([ada.node(), bob.node()]);
  assert.notEqual(before, there);

  assert.equal(await first.drain(), 0);
  assert.equal(await until('Ada has moved', () => ada.node(), (node) => node === there), there);
  assert.deepEqual(await ada.statuses(), ['open'], 'never reconnecting');
  assert.deepEqual(await Promise.all([ada.peer(), bob.peer()]), peers);
  assert.deepEqual(bob.heardOf(peers[0]).filter((word) => word !== 'member-updated'), [], 'never away, never gone');
  await assertNeverInterrupted(ada, bob);
  await assertNewcomerMeets(world, second, [ada, bob]);
});

scenario('the other’s gateway is killed under a call: it goes on, and a newcomer sees both', async (world) => {
  const { first, second, ada, bob, peers } = await callAcrossNodes(world);
  await second.kill();
  const there = await ada.node();
  await until('Bob is back', () => bob.text('node'), (node) => node === there);
  await bob.untilStatus('open');
  assert.deepEqual(await bob.statuses(), ['open', 'reconnecting', 'open']);
  assert.deepEqual(await ada.statuses(), ['open']);
  assert.deepEqual(await Promise.all([ada.peer(), bob.peer()]), peers);
  await ada.untilSees('Bob', { away: false });
  assert.ok(ada.heardOf(peers[1]).every((word) => !['expired', 'node-lost', 'disconnected', 'left'].includes(word)), 'never gone');
  await assertNeverInterrupted(ada, bob);

  await bob.element('mic').click();
  await ada.untilSees('Bob', { muted: true });
  await assertNewcomerMeets(world, first, [ada, bob]);
});

scenario('all gateways are replaced one after another under a call', async (world) => {
  const { url } = await world.redis();
  const start = () => world.gateway({ 'redis.url': url, ...SETTINGS });
  const gateways = [await start(), await start()];
  const balancer = await world.balancer(...gateways);
  const [ada, bob] = await world.call({ at: balancer, name: 'Ada' }, { at: balancer, name: 'Bob' });
  for (const old of [...gateways]) {
    const next = await start();
    balancer.use(...gateways.slice(gateways.indexOf(old) + 1), next);
    gateways.push(next);
    assert.equal(await old.drain(), 0);
  }
  for (const page of [ada, bob]) assert.deepEqual(await page.statuses(), ['open']);
  await assertNeverInterrupted(ada, bob);
  await assertNewcomerMeets(world, balancer, [ada, bob]);
});
