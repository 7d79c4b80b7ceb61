/** One gateway with nothing beside it, as the README's first command starts it. */
import assert from 'node:assert/strict';
import { scenario } from '../support/scenario.js';

scenario('an invitation link that one copies leads another into the same room', async (world) => {
  const gateway = await world.gateway();
  const ada = await world.person({ permissions: ['clipboard-read', 'clipboard-write'] });
  await ada.visit(gateway.url);
  await ada.join({ name: 'Ada' });
  const room = await ada.text('room-name');
  await ada.element('copy-link').click();
  await ada.page.getByText('The invitation link is copied.').waitFor();
  const link = await ada.page.evaluate(() => navigator.clipboard.readText());
  assert.equal(link, `${gateway.url}#${room}`);
  assert.equal(`http://${await ada.text('invitation')}`, link);

  const bob = await world.person();
  await bob.visit(link);
  assert.equal(await bob.element('room').inputValue(), room);
  await bob.join({ name: 'Bob' });
  await Promise.all([ada.untilInCallWith('Bob'), bob.untilInCallWith('Ada')]);
  await Promise.all([ada.untilPicturesMove('Bob'), bob.untilPicturesMove('Ada')]);
  assert.equal(await ada.node(), await bob.node());
});

scenario('two pages come back by themselves when their gateway is restarted', async (world) => {
  const gateway = await world.gateway();
  const [ada, bob] = await world.call({ at: gateway, name: 'Ada' }, { at: gateway, name: 'Bob' });
  await bob.element('mic').click();
  const before = await ada.node();

  await gateway.kill();
  await Promise.all([ada.untilStatus('reconnecting'), bob.untilStatus('reconnecting')]);
  assert.match(await ada.text('banner'), /Coming back by itself/);
  await ada.untilPicturesMove('Bob'); // the call needs no gateway

  await gateway.restart();
  await Promise.all([ada.untilStatus('open'), bob.untilStatus('open')]);
  assert.notEqual(await ada.node(), before);
  await Promise.all([ada.untilInCallWith('Bob'), bob.untilInCallWith('Ada')]);
  await ada.untilSees('Bob', { muted: true });
  await Promise.all([ada.untilPicturesMove('Bob'), bob.untilPicturesMove('Ada')]);
  await ada.element('banner').waitFor({ state: 'hidden' });
});

scenario('a page that joins while the server is away is told so, may give up, and gets in when it is back', async (world) => {
  const gateway = await world.gateway();
  const ada = await world.person();
  await ada.visit(gateway.url);
  await gateway.kill();
  await ada.askToJoin({ name: 'Ada', room: 'studio' });
  await ada.page.getByText('The server cannot be reached. Trying again…').waitFor();
  await ada.element('cancel').click();
  await ada.element('cancel').waitFor({ state: 'hidden' });

  await ada.askToJoin({});
  await gateway.restart();
  await ada.element('call').waitFor();
  await ada.untilStatus('open');
});

scenario('a page that comes to a full room is told so, and gets in when somebody has left', async (world) => {
  const gateway = await world.gateway({ 'room.capacity': 2 });
  const [ada, bob] = await world.call({ at: gateway, name: 'Ada' }, { at: gateway, name: 'Bob' });
  const cleo = await world.person();
  await cleo.visit(gateway.url);
  await cleo.askToJoin({ name: 'Cleo', room: 'studio' });
  assert.match(await cleo.lobbyError(), /^This room is full/);

  await bob.element('leave').click();
  await ada.untilInCallWith();
  await cleo.join({});
  await Promise.all([ada.untilInCallWith('Cleo'), cleo.untilInCallWith('Ada')]);
});

scenario('a room name that cannot be is answered in words', async (world) => {
  const gateway = await world.gateway();
  const ada = await world.person();
  await ada.visit(gateway.url);
  await ada.askToJoin({ name: 'Ada', room: 'my * room' });
  assert.match(await ada.lobbyError(), /^A room name has no \*/);
  await ada.askToJoin({ room: '' });
  assert.equal(await ada.text('lobby-error'), 'Please name a room.');
  await ada.join({ room: 'my-room' });
  assert.equal(await ada.text('room-name'), 'my-room');
});

scenario('a room is called as people call it, and its link leads there', async (world) => {
  const [first, second] = await world.cluster();
  for (const room of ['회의실', 'my room', 'a/b', 'x{b}y', '100%']) {
    const ada = await world.person();
    await ada.visit(first.url);
    await ada.join({ name: 'Ada', room: ` ${room.normalize('NFD')} ` });
    assert.equal(await ada.text('room-name'), room);
    const { hash } = new URL(ada.page.url());
    const bob = await world.person();
    await bob.visit(`${second.url}${hash}`);
    await bob.join({ name: 'Bob' });
    await Promise.all([ada.untilInCallWith('Bob'), bob.untilInCallWith('Ada')]);
    for (const person of [ada, bob]) await person.page.close();
  }
});

scenario('a broken link still opens the page', async (world) => {
  const gateway = await world.gateway();
  const ada = await world.person();
  await ada.visit(`${gateway.url}#100%`);
  await ada.join({ name: 'Ada' });
  assert.equal(await ada.text('room-name'), '100%');
});
