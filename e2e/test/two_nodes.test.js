/** Two pages, each on a gateway process of its own, with a real Redis between them. */
import assert from 'node:assert/strict';
import { scenario } from '../support/scenario.js';
import { until } from '../support/until.js';

/** @param {import('../support/world.js').World} world */
async function callAcrossNodes(world) {
  const [first, second] = await world.cluster();
  return world.call({ at: first, name: 'Ada' }, { at: second, name: 'Bob' });
}

scenario('two pages on two nodes see each other and say which node they are on', async (world) => {
  const [ada, bob] = await callAcrossNodes(world);
  await Promise.all([ada.untilPicturesMove('Bob'), bob.untilPicturesMove('Ada')]);
  assert.notEqual(await ada.node(), await bob.node());
  await Promise.all([ada.untilStatus('open'), bob.untilStatus('open')]);
});

scenario('mute, camera and screen of one are seen by the other', async (world) => {
  const [ada, bob] = await callAcrossNodes(world);
  await ada.untilSees('Bob', { muted: false, videoOff: false, sharing: false, picture: true });

  await bob.element('mic').click();
  await ada.untilSees('Bob', { muted: true });
  await bob.element('mic').click();
  await ada.untilSees('Bob', { muted: false });

  await bob.element('camera').click();
  await ada.untilSees('Bob', { videoOff: true, picture: false });
  await bob.element('camera').click();
  await ada.untilSees('Bob', { videoOff: false, picture: true });
  await ada.untilPicturesMove('Bob');

  await bob.element('screen').click();
  await ada.untilSees('Bob', { sharing: true, picture: true });
  await ada.untilPicturesMove('Bob');
  await bob.element('screen').click();
  await ada.untilSees('Bob', { sharing: false, picture: true });
  await ada.untilPicturesMove('Bob');
});

scenario('when one leaves the tile goes, and he can come back under another name', async (world) => {
  const [ada, bob] = await callAcrossNodes(world);
  await bob.element('leave').click();
  await ada.untilInCallWith();
  await ada.element('alone').waitFor();
  await bob.element('lobby').waitFor();
  assert.equal(await bob.text('lobby-error'), '');

  await bob.join({ name: 'Robert' });
  await Promise.all([ada.untilInCallWith('Robert'), bob.untilInCallWith('Ada')]);
  await Promise.all([ada.untilPicturesMove('Robert'), bob.untilPicturesMove('Ada')]);
});

scenario('when one closes the page the tile goes', async (world) => {
  const [ada, bob] = await callAcrossNodes(world);
  await bob.close();
  await ada.untilInCallWith();
  // The page may have been loaded again: it was held for a while.
  await until('Ada is told why', () => ada.heard.find(({ type }) => type === 'member-left')?.['reason'], (reason) => reason === 'expired');
});

scenario('two who join at the same moment on two nodes find each other', async (world) => {
  const [first, second] = await world.cluster();
  const [ada, bob] = await Promise.all([world.person(), world.person()]);
  await Promise.all([ada.visit(first.url), bob.visit(second.url)]);
  await Promise.all([ada.join({ name: 'Ada', room: 'studio' }), bob.join({ name: 'Bob', room: 'studio' })]);
  await Promise.all([ada.untilInCallWith('Bob'), bob.untilInCallWith('Ada')]);
  await Promise.all([ada.untilPicturesMove('Bob'), bob.untilPicturesMove('Ada')]);
});
