/** Parts of the cluster are lost in the middle of a call, which needs none of them. */
import assert from 'node:assert/strict';
import { scenario } from '../support/scenario.js';
import { until } from '../support/until.js';

const LEASE_MS = 2_000;
/** What is promised for the default lease, which is twice as long. */
const GONE_WITHIN_MS = 8_000;

scenario('the members of a killed node vanish as node-lost while the others talk on', async (world) => {
  const [first, second] = await world.cluster({ 'cluster.lease_ms': LEASE_MS });
  const [ada, bob, cleo] = await world.call(
    { at: first, name: 'Ada' },
    { at: first, name: 'Bob' },
    { at: second, name: 'Cleo' },
  );
  await Promise.all([ada.untilPicturesMove('Bob', 'Cleo'), bob.untilPicturesMove('Ada', 'Cleo'), cleo.untilPicturesMove('Ada', 'Bob')]);

  const killed = performance.now();
  await second.kill();
  await Promise.all([ada.untilInCallWith('Bob'), bob.untilInCallWith('Ada')]);
  assert.ok(performance.now() - killed < GONE_WITHIN_MS, `gone only after ${Math.round(performance.now() - killed)} ms`);

  for (const survivor of [ada, bob]) {
    const farewells = survivor.heard.filter(({ type }) => type === 'member-left');
    assert.deepEqual(farewells.map(({ reason }) => reason), ['node-lost'], 'told once, and why');
  }
  await Promise.all([ada.untilPicturesMove('Bob'), bob.untilPicturesMove('Ada')]);
  for (const survivor of [ada, bob]) {
    const [withSurvivor, ...rest] = (await survivor.connections()).filter(({ state }) => state === 'connected');
    assert.deepEqual(rest, []);
    assert.deepEqual(withSurvivor?.history, ['new', 'connecting', 'connected'], 'the call was never interrupted');
  }

  await cleo.untilStatus('reconnecting');
  assert.match(await cleo.text('banner'), /connection to the server was lost/);
});

scenario('who hangs up while Redis is away is gone from his node all the same', async (world) => {
  const redis = await world.redis();
  const gateway = await world.gateway({ 'redis.url': redis.url });
  const [ada, bob] = await world.call({ at: gateway, name: 'Ada' }, { at: gateway, name: 'Bob' });

  await redis.stop();
  await ada.untilPicturesMove('Bob'); // the call needs no Redis
  await bob.element('leave').click();
  await bob.element('lobby').waitFor();
  await until('only Ada is connected', () => gateway.connections(), (connections) => connections === 1);
});
