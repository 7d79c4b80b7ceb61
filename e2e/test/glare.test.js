/** Two offers cross: the impolite side ignores the other's, the polite side takes its own back, and the call goes on. */
import assert from 'node:assert/strict';
import { crossOffers, timesYielded } from '../support/glare.js';
import { scenario } from '../support/scenario.js';

scenario('two pages that offer at the same moment end up connected', async (world) => {
  const [first, second] = await world.cluster();
  const [ada, bob] = await world.call({ at: first, name: 'Ada' }, { at: second, name: 'Bob' });

  // Bob came later and is the polite one: he yields, Ada never does.
  await crossOffers(ada, bob);

  await Promise.all([ada.untilInCallWith('Bob'), bob.untilInCallWith('Ada')]);
  await Promise.all([ada.untilPicturesMove('Bob'), bob.untilPicturesMove('Ada')]);
  assert.equal(await timesYielded(ada), 0);
  assert.equal((await ada.connections()).length, 1, 'the same connection as before');
});
