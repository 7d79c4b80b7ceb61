/** The network of one, or the memory of all, is lost under a call. */
import assert from 'node:assert/strict';
import { scenario } from '../support/scenario.js';
import { until } from '../support/until.js';

scenario('who loses the network is away to the others, and back with the same session and a new path', async (world) => {
  const [first, second] = await world.cluster({ 'session.heartbeat_ms': 1_000, 'session.heartbeat_timeout_ms': 7_000 });
  const balancer = await world.balancer(first);
  const [ada, bob] = await world.call({ at: balancer, name: 'Ada' }, { at: second, name: 'Bob' });
  const peer = await ada.peer();
  const [{ ufrag }] = await ada.connections();

  balancer.breakDown();
  await ada.untilStatus('reconnecting');
  assert.match(await ada.text('banner'), /Coming back by itself/);
  await bob.untilSees('Ada', { away: true });
  await bob.element('mic').click(); // Ada hears of it when she is back
  await Promise.all([ada.untilPicturesMove('Bob'), bob.untilPicturesMove('Ada')]); // the call needs no gateway

  balancer.mend();
  await ada.untilStatus('open');
  await ada.element('banner').waitFor({ state: 'hidden' });
  assert.equal(await ada.peer(), peer);
  await bob.untilSees('Ada', { away: false });
  await ada.untilSees('Bob', { muted: true });
  await until('a new path was looked for', async () => (await ada.connections())[0]?.ufrag, (now) => now !== ufrag);
  await Promise.all([ada.untilInCallWith('Bob'), bob.untilInCallWith('Ada')]);
  await Promise.all([ada.untilPicturesMove('Bob'), bob.untilPicturesMove('Ada')]);
  assert.deepEqual(bob.heardOf(peer).filter((word) => /away|live|left|expired/.test(word)), ['away', 'live']);
  for (const page of [ada, bob]) assert.equal((await page.connections()).length, 1, 'the same connection as before');
});

scenario('the browser says that it is offline, and online again: the client does not wait for its timers', async (world) => {
  const gateway = await world.gateway();
  const balancer = await world.balancer(gateway);
  const [ada, bob] = await world.call({ at: balancer, name: 'Ada' }, { at: gateway, name: 'Bob' });
  balancer.breakDown();
  await ada.page.context().setOffline(true);
  await ada.untilStatus('reconnecting'); // a heartbeat would take 15 s and 5 s
  balancer.mend();
  await ada.page.context().setOffline(false);
  await ada.untilStatus('open');
  await Promise.all([ada.untilInCallWith('Bob'), bob.untilInCallWith('Ada')]);
  await Promise.all([ada.untilPicturesMove('Bob'), bob.untilPicturesMove('Ada')]);
});

scenario('Redis restarts empty under a call: nobody notices, and a newcomer sees both', async (world) => {
  const redis = await world.redis();
  const settings = { 'redis.url': redis.url, 'cluster.lease_ms': 2_000 };
  const [first, second] = await Promise.all([world.gateway(settings), world.gateway(settings)]);
  const [ada, bob] = await world.call({ at: first, name: 'Ada' }, { at: second, name: 'Bob' });
  const peers = await Promise.all([ada, bob].map((page) => page.peer()));

  await redis.restartEmpty();
  await ada.element('mic').click();
  await bob.untilSees('Ada', { muted: true });
  const cleo = await world.person();
  await cleo.visit(second.url);
  await cleo.join({ name: 'Cleo', room: 'studio' });
  await Promise.all([cleo.untilInCallWith('Ada', 'Bob'), ada.untilInCallWith('Bob', 'Cleo'), bob.untilInCallWith('Ada', 'Cleo')]);
  await cleo.untilPicturesMove('Ada', 'Bob');

  assert.deepEqual(await Promise.all([ada.peer(), bob.peer()]), peers);
  for (const page of [ada, bob]) {
    assert.deepEqual(await page.statuses(), ['open']);
    const [{ history }] = await page.connections();
    assert.deepEqual(history, ['new', 'connecting', 'connected'], 'never interrupted');
  }
});
