/** Pages of the second tutorial: video rooms, and who is there in a study. Two clients, each on a gateway of its own. */
import assert from 'node:assert/strict';
import { scenario } from '../support/scenario.js';
import { TRANSPORTS } from '../support/socketio.js';

/** @import { World } from '../support/world.js' */

const ADA = { id: 'ada', name: 'Ada', avatar: 'https://example.com/ada.png' };
const BOB = { id: 'bob', name: 'bob', avatar: null };
const AUTH = { ada: { userId: ADA.id, token: 'as the page has it', name: ADA.name, avatar: ADA.avatar }, bob: { userId: BOB.id } };
const OFFER = { type: 'offer', sdp: 'v=0\r\n' };
const ANSWER = { type: 'answer', sdp: 'v=0\r\n' };
const CANDIDATE = { candidate: 'candidate:1 1 udp 1 127.0.0.1 9 typ host', sdpMid: '0', sdpMLineIndex: 0 };
const ROOM = { studyId: 'study-123', roomId: 'study-123-main' };
const STILL = { isMuted: false, isVideoOff: false, isSharingScreen: false };
const ABSENT = { success: false, error: 'the other side is not connected' };
const NOBODY = 'AAAAAAAAAAAAAAAAAAAA';

/** @param {World} world @param {object} [options] */
async function two(world, options = {}) {
  const [first, second] = await world.cluster({ 'cluster.lease_ms': 2_000 });
  const ada = await world.socketIoIn(first, { ...options, auth: AUTH.ada });
  const bob = await world.socketIoIn(second, { ...options, auth: AUTH.bob });
  return { first, second, ada, bob };
}

for (const [how, options] of Object.entries(TRANSPORTS)) {
  scenario(`two meet in a video room, signal and leave, over ${how}`, async (world) => {
    const { ada, bob } = await two(world, options);
    ada.emit('video:join-room', ROOM);
    assert.deepEqual(await ada.hears('video:room-state'), { participants: [] });
    assert.deepEqual(await bob.ask('video:join-room', ROOM), { success: true });
    assert.deepEqual(await ada.hears('video:user-joined'), { socketId: bob.id, user: BOB });
    const { participants } = await bob.hears('video:room-state');
    const [{ joinedAt, ...participant }] = participants;
    assert.deepEqual([participant, participants.length], [{ socketId: ada.id, userId: 'ada', user: ADA, ...STILL }, 1]);
    assert.ok(Math.abs(Date.parse(joinedAt) - Date.now()) < 60_000, joinedAt);

    bob.emit('video:offer', { to: ada.id, offer: OFFER });
    assert.deepEqual(await ada.hears('video:offer'), { from: bob.id, offer: OFFER });
    ada.emit('video:answer', { to: bob.id, answer: ANSWER });
    assert.deepEqual(await bob.hears('video:answer'), { from: ada.id, answer: ANSWER });
    for (const candidate of [CANDIDATE, null]) {
      ada.emit('video:ice-candidate', { to: bob.id, candidate });
      assert.deepEqual(await bob.hears('video:ice-candidate'), { from: ada.id, candidate });
    }

    ada.emit('video:state', { roomId: ROOM.roomId, isMuted: true });
    assert.deepEqual(await bob.hears('video:user-state'), { socketId: ada.id, ...STILL, isMuted: true });
    assert.deepEqual(await ada.ask('video:state', { roomId: ROOM.roomId, isSharingScreen: true }), { success: true });
    assert.deepEqual(await bob.hears('video:user-state'), { socketId: ada.id, ...STILL, isMuted: true, isSharingScreen: true });

    bob.emit('video:leave-room', { roomId: ROOM.roomId });
    assert.deepEqual(await ada.hears('video:user-left'), { socketId: bob.id });
    assert.deepEqual(await bob.ask('video:join-room', ROOM), { success: true });
    const again = await bob.hears('video:room-state');
    assert.deepEqual(again.participants, [{ ...participant, isMuted: true, isSharingScreen: true, joinedAt }], 'as she is now');
    await ada.hears('video:user-joined');
    ada.end();
    assert.deepEqual(await bob.hears('video:user-left'), { socketId: ada.id });
    assert.deepEqual([ada.rest(), bob.rest()], [[], []], 'nothing else was said');
  });
}

scenario('a study hears who comes and who goes, each user once', async (world) => {
  const { first, second, ada, bob } = await two(world);
  const study = { studyId: 'study-123' };
  assert.deepEqual(await ada.ask('presence:join-study', study), { success: true });
  assert.deepEqual(await bob.ask('presence:join-study', study), { success: true });
  assert.deepEqual(await ada.hears('presence:user-online'), { userId: 'bob', user: BOB });

  const tabs = [await world.socketIoIn(first, { auth: AUTH.bob }), await world.socketIoIn(second, { auth: AUTH.bob })];
  for (const tab of tabs) assert.deepEqual(await tab.ask('presence:join-study', study), { success: true });
  for (const client of [bob, tabs[0]]) assert.deepEqual(await client.ask('presence:leave-study', study), { success: true });
  tabs[1].end();
  assert.deepEqual(await ada.hears('presence:user-offline'), { userId: 'bob' });
  assert.deepEqual(ada.rest(), [], 'told once of all three');

  ada.emit('presence:leave-study', study);
  assert.deepEqual(await ada.ask('presence:leave-study', study), { success: false, error: 'you are not in the room study:study-123; join it first' });
});

scenario('one socket is in several video rooms and studies at once', async (world) => {
  const { ada, bob } = await two(world);
  for (const roomId of ['one', 'two', 3]) for (const client of [ada, bob]) assert.equal((await client.ask('video:join-room', { roomId })).success, true);
  for (const client of [ada, bob]) assert.equal((await client.ask('presence:join-study', { studyId: 7 })).success, true);
  const heard = (await ada.hears('presence:user-online'), ada.rest());
  assert.equal(heard.filter(([event]) => event === 'video:user-joined').length, 3);

  assert.deepEqual(await bob.ask('video:leave-room', { roomId: 'one' }), { success: true });
  assert.deepEqual(await ada.hears('video:user-left'), { socketId: bob.id });
  assert.deepEqual(await ada.ask('video:offer', { to: bob.id, offer: OFFER }), { success: true }, 'they share another room');
  assert.deepEqual(await bob.hears('video:offer'), { from: ada.id, offer: OFFER });
  for (const roomId of ['two', 3]) await bob.ask('video:leave-room', { roomId });
  assert.deepEqual(await ada.ask('video:offer', { to: bob.id, offer: OFFER }), { success: true }, 'they share the study');
  await bob.ask('presence:leave-study', { studyId: 7 });
  assert.deepEqual(await ada.ask('video:offer', { to: bob.id, offer: OFFER }), ABSENT);
});

scenario('who joins a video room twice is told once more who is there, and nobody else is told', async (world) => {
  const { ada, bob } = await two(world);
  await ada.ask('video:join-room', ROOM);
  await bob.ask('video:join-room', ROOM);
  await ada.hears('video:user-joined');
  [ada, bob].forEach((client) => client.rest());
  assert.deepEqual(await bob.ask('video:join-room', ROOM), { success: true });
  const { participants } = await bob.hears('video:room-state');
  assert.deepEqual(participants.map(({ socketId }) => socketId), [ada.id]);
  assert.deepEqual(await bob.ask('video:offer', { to: ada.id, offer: OFFER }), { success: true });
  assert.deepEqual(ada.rest(), [['video:offer', { from: bob.id, offer: OFFER }]]);
});

scenario('what is incomplete or for nobody is answered, with an acknowledgement or without', async (world) => {
  const gateway = await world.gateway({ 'room.capacity': 1 });
  const ada = await world.socketIoIn(gateway);
  const bob = await world.socketIoIn(gateway);
  const refused = async (/** @type {string} */ event, /** @type {any[]} */ ...args) => {
    const { success, error } = await ada.ask(event, ...args);
    assert.equal(success, false, event);
    return error;
  };
  assert.equal(await refused('video:offer', { to: bob.id, offer: OFFER }), 'you are in no room; join one first');
  await ada.ask('video:join-room', { roomId: 'mine' });
  assert.equal(await refused('video:offer', { to: bob.id, offer: OFFER }), ABSENT.error);
  assert.equal(await refused('video:offer', { to: NOBODY, offer: OFFER }), ABSENT.error);
  assert.equal(await refused('video:offer', { offer: OFFER }), 'say what to whom: an object with `to` and `offer`');
  assert.equal(await refused('video:answer', { to: bob.id }), 'say what to whom: an object with `to` and `answer`');
  for (const args of [[], [null], ['mine'], [{}], [{ studyId: 's' }], [{ roomId: {} }]]) {
    assert.equal(await refused('video:join-room', ...args), 'say which room: an object with `roomId`');
  }
  assert.equal(await refused('presence:join-study', {}), 'say which study: an object with `studyId`');
  assert.equal(await refused('video:state', { roomId: 'another', isMuted: true }), 'you are not in the room video:another; join it first');
  assert.match((await bob.ask('video:join-room', { roomId: 'mine' })).error, /as many members as it may/);
  bob.rest();
  bob.emit('video:join-room', { roomId: 'mine' });
  assert.equal((await bob.hears('error')).code, 'room-full');
});
