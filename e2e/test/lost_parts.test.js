/** Parts of the cluster are lost in the middle of a call, which needs none of them. */
import assert from 'node:assert/strict';
import { scenario } from '../support/scenario.js';
import { until } from '../support/until.js';

scenario('the members of a killed node are away, still seen, and leave when their window ends', async (world) => {
  const [first, second] = await world.cluster({
    'cluster.lease_ms': 2_000,
    'session.heartbeat_ms': 1_000,
    'session.resume_window_ms': 12_000,
  });
  const [ada, bob, cleo] = await world.call(
    { at: first, name: 'Ada' },
    { at: first, name: 'Bob' },
    { at: second, name: 'Cleo' },
  );
  await Promise.all([ada.untilPicturesMove('Bob', 'Cleo'), bob.untilPicturesMove('Ada', 'Cleo'), cleo.untilPicturesMove('Ada', 'Bob')]);
  const peer = await cleo.peer();

  await second.kill();
  await cleo.untilStatus('reconnecting');
  assert.match(await cleo.text('banner'), /connection to the server was lost/);
  await Promise.all([ada, bob].map((survivor) => survivor.untilSees('Cleo', { away: true, connection: 'connected' })));
  await Promise.all([ada.untilPicturesMove('Cleo'), cleo.untilPicturesMove('Ada')]); // the call needs no gateway

  await Promise.all([ada.untilInCallWith('Bob'), bob.untilInCallWith('Ada')]);
  for (const survivor of [ada, bob]) {
    const word = survivor.heardOf(peer).filter((word) => word !== 'member-updated' && word !== 'member-joined');
    assert.deepEqual(word, ['away', 'expired'], 'told once, and why');
  }
  await Promise.all([ada.untilPicturesMove('Bob'), bob.untilPicturesMove('Ada')]);
  for (const survivor of [ada, bob]) {
    const [withSurvivor, ...rest] = (await survivor.connections()).filter(({ state }) => state === 'connected');
    assert.deepEqual(rest, []);
    assert.deepEqual(withSurvivor?.history, ['new', 'connecting', 'connected'], 'the call was never interrupted');
  }
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
