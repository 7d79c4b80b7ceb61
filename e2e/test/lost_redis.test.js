/** Redis goes away in the middle of a call. */
import { scenario } from '../support/scenario.js';
import { until } from '../support/until.js';

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
