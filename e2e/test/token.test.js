/** A gateway that lets in only who has a token. */
import assert from 'node:assert/strict';
import { scenario } from '../support/scenario.js';

const SECRET = 'a secret only for the tests, long enough for HS256';

scenario('with a token from the command line one gets in, without one is told why not', async (world) => {
  const gateway = await world.gateway({ 'auth.jwt.secret': SECRET });
  const uninvited = await world.person();
  await uninvited.visit(gateway.url);
  await uninvited.askToJoin({ name: 'Mallory', room: 'studio' });
  assert.match(await uninvited.lobbyError(), /^You need a valid invitation/);

  const ada = await world.person();
  await ada.visit(`${gateway.url}?access_token=${await gateway.mint('--user', 'ada', '--name', 'Ada')}#studio`);
  await ada.join({ name: 'Ada' });
  assert.ok(!(await ada.text('invitation')).includes('access_token'), 'an invitation does not give one’s own token away');
  const bob = await world.person();
  await bob.visit(`${gateway.url}?access_token=${await gateway.mint('--user', 'bob', '--name', 'Bob')}#studio`);
  await bob.join({ name: 'Bob' });
  await Promise.all([ada.untilInCallWith('Bob'), bob.untilInCallWith('Ada')]);
});

scenario('a token for other rooms is refused in words', async (world) => {
  const gateway = await world.gateway({ 'auth.jwt.secret': SECRET });
  const token = await gateway.mint('--user', 'ada', '--room', 'study-*');
  const ada = await world.person();
  await ada.visit(`${gateway.url}?access_token=${token}#studio`);
  await ada.askToJoin({ name: 'Ada' });
  assert.equal(await ada.lobbyError(), 'You may not enter this room.');
  await ada.join({ room: 'study-1' });
});
