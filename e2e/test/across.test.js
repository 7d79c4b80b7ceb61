/** Clients of different dialects, on different gateways, in one room. */
import assert from 'node:assert/strict';
import { Chatter } from '../support/mdn.js';
import { Native } from '../support/native.js';
import { scenario } from '../support/scenario.js';

/** Ready soon. */
const SOON = { 'cluster.lease_ms': 2_000 };
const OFFER = { type: 'offer', sdp: 'v=0\r\n' };
const ANSWER = { type: 'answer', sdp: 'v=0\r\n' };
const CANDIDATE = { candidate: 'candidate:1', sdpMid: '0', sdpMLineIndex: 0 };

scenario('a native client and one of the room tutorial call each other', async (world) => {
  const [first, second] = await world.cluster(SOON);
  const ada = await Native.open(first, 'Ada');
  const bob = await world.socketIoIn(second, { auth: { userId: 'bob', name: 'Bob' } });
  await ada.join('kitchen');
  assert.equal((await bob.ask('join-room', 'kitchen')).success, true);
  assert.equal((await ada.next('member-joined')).member.name, 'Bob');

  ada.signal('kitchen', bob.id, 'offer', OFFER);
  assert.deepEqual(await bob.hears('offer'), { target: bob.id, offer: OFFER, from: ada.peer });
  assert.deepEqual((await ada.next('delivered')).to, [bob.id]);
  assert.deepEqual(await bob.ask('answer', { target: ada.peer, sdp: ANSWER }), { success: true });
  const answer = await ada.next('signal');
  assert.deepEqual([answer.kind, answer.payload.type, answer.payload.sdp], ['answer', 'answer', ANSWER.sdp]);
  bob.emit('ice-candidate', { target: ada.peer, candidate: CANDIDATE });
  const candidate = await ada.next('signal');
  assert.deepEqual([candidate.kind, candidate.payload], ['candidate', CANDIDATE]);
  ada.signal('kitchen', bob.id, 'chat', { text: 'hello' });
  assert.deepEqual(await bob.hears('signal'), { from: ada.peer, kind: 'chat', payload: { text: 'hello' } });

  bob.end();
  assert.equal((await ada.next('member-left')).reason, 'left');
});

scenario('a native client is a participant of a video room, with the name and the state it has', async (world) => {
  const [first, second] = await world.cluster(SOON);
  const ada = await Native.open(first, 'Ada');
  await ada.join('video:standup');
  const bob = await world.socketIoIn(second, { auth: { userId: 'bob' } });
  bob.emit('video:join-room', { studyId: 's', roomId: 'standup' });
  const { participants } = await bob.hears('video:room-state');
  assert.deepEqual(
    participants.map((/** @type {any} */ { socketId, user, isMuted }) => [socketId, user.name, isMuted]),
    [[ada.peer, 'Ada', false]],
  );
  bob.emit('video:offer', { to: ada.peer, offer: OFFER });
  assert.deepEqual((await ada.next('signal')).payload, OFFER);
  ada.signal('video:standup', bob.id, 'answer', ANSWER);
  assert.deepEqual(await bob.hears('video:answer'), { from: ada.peer, answer: ANSWER });
});

scenario('a caller by name and somebody in the chat call each other', async (world) => {
  const [first, second] = await world.cluster(SOON);
  const ann = await Chatter.named(first, 'Ann');
  const bob = await world.socketIoIn(second);
  assert.equal(await bob.ask('init', 'Bob'), null);
  await ann.untilUsers((users) => users.join() === 'Ann,Bob');

  assert.equal(await bob.ask('connection_info', { remoteName: 'Ann', type: 'offer', sdp: OFFER }), null);
  const offer = await ann.next('video-offer');
  assert.deepEqual([offer.name, offer.target, offer.sdp.sdp], ['Bob', 'Ann', OFFER.sdp]);
  ann.say({ type: 'video-answer', name: 'Ann', target: 'Bob', sdp: ANSWER });
  assert.deepEqual(await bob.hears('connection_info'), { remoteName: 'Bob', type: 'answer', sdp: ANSWER });
  ann.say({ type: 'new-ice-candidate', target: 'Bob', candidate: CANDIDATE });
  const info = await bob.hears('connection_info');
  assert.deepEqual(info, { remoteName: 'Bob', type: 'candidate', candidate: CANDIDATE });
});

scenario('a name that is called has one owner in both dialects', async (world) => {
  const [first, second] = await world.cluster(SOON);
  const ann = await Chatter.named(first, 'Ann');
  const bob = await world.socketIoIn(second);
  assert.equal(await bob.ask('init', 'Ann'), null, 'the newest claim of a caller wins');
  assert.equal((await ann.next('error')).code, 'room-closed');
  const other = await Chatter.open(first);
  other.say({ type: 'username', name: 'Ann', id: 1, date: 1 });
  assert.equal((await other.next('rejectusername')).name, 'Ann1', 'in the chat a newcomer is renamed');
});
