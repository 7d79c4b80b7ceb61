/** Pages of the first tutorial: rooms, and signals to a `target`. Two clients, each on a gateway of its own. */
import assert from 'node:assert/strict';
import { scenario } from '../support/scenario.js';
import { TRANSPORTS } from '../support/socketio.js';
import { until } from '../support/until.js';

/** @import { World } from '../support/world.js' */
/** @import { SocketIoClient } from '../support/socketio.js' */

const OFFER = { type: 'offer', sdp: 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\n' };
const ANSWER = { type: 'answer', sdp: 'v=0\r\n' };
const CANDIDATE = { candidate: 'candidate:1 1 udp 1 127.0.0.1 9 typ host', sdpMid: '0', sdpMLineIndex: 0 };
const ABSENT = { success: false, error: 'the other side is not connected' };
const NOBODY = 'AAAAAAAAAAAAAAAAAAAA';
/** As many as one receiver may have unanswered. */
const BURST = 250;

/**
 * Ada and Bob in one room, on two nodes or on one. What they heard on the way is forgotten.
 *
 * @param {World} world
 * @param {{ room?: string, nodes?: 1 | 2, settings?: Record<string, string | number>, options?: object }} [choice]
 */
async function pair(world, { room = 'study', nodes = 2, settings, options } = {}) {
  const [first, second = first] = nodes === 1 ? [await world.gateway(settings)] : await world.cluster({ 'cluster.lease_ms': 2_000, ...settings });
  const ada = await world.socketIoIn(first, { auth: { userId: 'ada', name: 'Ada' }, ...options });
  const bob = await world.socketIoIn(second, { auth: { userId: 'bob', name: 'Bob' }, ...options });
  assert.deepEqual(await ada.ask('create-room', room), { success: true, roomId: room });
  assert.deepEqual(await bob.ask('join-room', room), { success: true, roomId: room });
  await ada.hears('user-joined');
  ada.rest();
  return { first, second, ada, bob };
}

/** An offer there and an answer back. @param {SocketIoClient} ada @param {SocketIoClient} bob */
async function assertMeet(ada, bob) {
  assert.deepEqual(await ada.ask('offer', { target: bob.id, offer: OFFER }), { success: true });
  assert.deepEqual(await bob.hears('offer'), { target: bob.id, offer: OFFER, from: ada.id });
  assert.deepEqual(await bob.ask('answer', { target: ada.id, answer: ANSWER }), { success: true });
  assert.deepEqual(await ada.hears('answer'), { target: ada.id, answer: ANSWER, from: bob.id });
}

for (const [how, options] of Object.entries(TRANSPORTS)) {
  scenario(`two meet in a room, signal and leave, over ${how}`, async (world) => {
    const [first, second] = await world.cluster({ 'cluster.lease_ms': 2_000 });
    const ada = await world.socketIoIn(first, { ...options, auth: { userId: 'ada', name: 'Ada' } });
    const bob = await world.socketIoIn(second, { ...options, auth: { userId: 'bob' } });

    assert.deepEqual(await ada.ask('create-room', 'study'), { success: true, roomId: 'study' });
    assert.deepEqual(await ada.hears('room-created'), { roomId: 'study' });
    assert.deepEqual(await bob.ask('join-room', { roomId: 'study' }), { success: true, roomId: 'study' });
    assert.deepEqual(await ada.hears('user-joined'), { userId: bob.id, username: 'bob' });

    await assertMeet(ada, bob);
    for (const candidate of [CANDIDATE, null]) {
      assert.deepEqual(await ada.ask('ice-candidate', { target: bob.id, candidate }), { success: true });
      assert.deepEqual(await bob.hears('ice-candidate'), { target: bob.id, candidate, from: ada.id });
    }

    assert.deepEqual(await ada.ask('leave-room'), { success: true });
    assert.deepEqual(await bob.hears('user-left'), { userId: ada.id, username: 'Ada' });
    assert.deepEqual(await ada.ask('join-room', 'study'), { success: true, roomId: 'study' });
    assert.deepEqual(await bob.hears('user-joined'), { userId: ada.id, username: 'Ada' });
    bob.end();
    assert.deepEqual(await ada.hears('user-left'), { userId: bob.id, username: 'bob' });
    assert.deepEqual([ada.rest(), bob.rest()], [[], []], 'nothing else was said');
  });

  scenario(`a burst of signals arrives whole and in order, over ${how}`, async (world) => {
    const { ada, bob } = await pair(world, { options, settings: { 'limits.burst': 1_000 } });
    for (let number = 0; number < BURST; number++) ada.emit('ice-candidate', { target: bob.id, candidate: { number } });
    const numbers = () => bob.heard.map(([, { candidate }]) => candidate.number);
    await until('all have come', () => bob.heard.length, (count) => count >= BURST);
    assert.deepEqual(numbers(), Array.from({ length: BURST }, (_, number) => number));
    assert.deepEqual(ada.rest(), [], 'nothing was refused');
  });
}

scenario('a signal is handed on as its client wrote it', async (world) => {
  const { ada, bob } = await pair(world);
  for (const [event, said] of /** @type {[string, object][]} */ ([
    ['offer', { sdp: OFFER, camera: 'front', tracks: [1, { a: null }] }],
    ['offer', { ...OFFER }],
    ['answer', { description: ANSWER }],
    ['ice-candidate', { ...CANDIDATE }],
    ['offer', { offer: OFFER, username: '하은', emoji: '🎥' }],
  ])) {
    ada.emit(event, { target: bob.id, ...said });
    assert.deepEqual(await bob.hears(event), { target: bob.id, ...said, from: ada.id });
  }
  ada.emit('offer', { target: bob.id, offer: OFFER, from: 'somebody else' });
  assert.equal((await bob.hears('offer')).from, ada.id, 'nobody speaks for another');
});

scenario('an acknowledgement is true: nobody there, elsewhere, gone, oneself, or in no room', async (world) => {
  const { first, ada, bob } = await pair(world);
  const cleo = await world.socketIoIn(first);
  const offerTo = (/** @type {string} */ target) => ada.ask('offer', { target, offer: OFFER });
  assert.deepEqual(await offerTo(NOBODY), ABSENT);
  assert.deepEqual(await offerTo('no id at all'), ABSENT);
  assert.deepEqual(await offerTo(cleo.id), ABSENT, 'she is in no room');
  await cleo.ask('join-room', 'another');
  assert.deepEqual(await offerTo(cleo.id), ABSENT, 'she is in another room');
  assert.deepEqual(await offerTo(ada.id), ABSENT);
  await bob.ask('leave-room');
  assert.deepEqual(await offerTo(bob.id), ABSENT);
  await ada.ask('leave-room');
  assert.deepEqual(await offerTo(cleo.id), { success: false, error: 'you are in no room; join one first' });
  assert.deepEqual(await ada.ask('leave-room'), { success: false, error: 'you are in no room' });
  assert.deepEqual([bob.rest(), cleo.rest()], [[], []]);
});

scenario('who leaves the acknowledgement out hears an event where something is refused', async (world) => {
  const { ada, bob } = await pair(world, { nodes: 1 });
  ada.emit('offer', { target: NOBODY, offer: OFFER });
  ada.emit('offer', { target: bob.id, offer: OFFER });
  assert.equal((await bob.hears('offer')).from, ada.id);
  ada.emit('join-room', 'no*room');
  assert.equal((await ada.hears('error')).code, 'bad-message');
  ada.emit('create-room', 'mine');
  assert.deepEqual(await ada.hears('room-created'), { roomId: 'mine' });
});

scenario('one is in one room at a time, and may enter it twice', async (world) => {
  const { ada, bob } = await pair(world, { room: 'first' });
  assert.deepEqual(await ada.ask('join-room', 'second'), { success: true, roomId: 'second' });
  assert.deepEqual(await bob.hears('user-left'), { userId: ada.id, username: 'Ada' });
  assert.deepEqual(await ada.ask('offer', { target: bob.id, offer: OFFER }), ABSENT);
  assert.deepEqual(await bob.ask('join-room', 'second'), { success: true, roomId: 'second' });
  await ada.hears('user-joined');

  assert.deepEqual(await bob.ask('join-room', 'second'), { success: true, roomId: 'second' }, 'as a page that renders twice');
  await assertMeet(ada, bob);
  assert.deepEqual(ada.rest(), [], 'he did not join again');
});

scenario('who changes rooms in haste is in the last one, whatever became of those before', async (world) => {
  const { ada, bob } = await pair(world, { nodes: 1 });
  const answers = await Promise.all([ada.ask('join-room', 'no*room'), ada.ask('join-room', 'elsewhere'), ada.ask('join-room', 'study')]);
  assert.deepEqual(answers.map(({ success }) => success), [false, true, true]);
  await assertMeet(ada, bob);
});

scenario('a full room is refused, and has a place again when somebody has left', async (world) => {
  const { first, ada, bob } = await pair(world, { nodes: 1, settings: { 'room.capacity': 2 } });
  const cleo = await world.socketIoIn(first);
  const refused = await cleo.ask('join-room', 'study');
  assert.equal(refused.success, false);
  assert.match(refused.error, /as many members as it may/);
  cleo.emit('join-room', 'study'); // and without waiting for what becomes of it:
  assert.deepEqual(await cleo.ask('join-room', 'elsewhere'), { success: true, roomId: 'elsewhere' });
  assert.deepEqual(cleo.rest().map(([event, { code }]) => [event, code]), [['error', 'room-full']], 'told once');
  await bob.ask('leave-room');
  assert.deepEqual(await cleo.ask('join-room', 'study'), { success: true, roomId: 'study' });
  await ada.hears('user-left');
  assert.deepEqual(await ada.hears('user-joined'), { userId: cleo.id, username: `anon:${cleo.id}` });
});

scenario('errors are told in the words of the tutorial where that is asked for', async (world) => {
  const { first, ada, bob } = await pair(world, { nodes: 1, settings: { error_texts: 'ko', 'room.capacity': 2 } });
  const refusal = async (/** @type {Promise<any>} */ answer) => (await answer).error;
  assert.equal(await refusal(ada.ask('offer', { target: NOBODY, offer: OFFER })), '상대방이 접속해있지 않습니다.');
  const cleo = await world.socketIoIn(first);
  assert.equal(await refusal(cleo.ask('join-room', 'study')), '방이 가득 찼습니다');
  assert.equal(await refusal(cleo.ask('offer', { target: bob.id, offer: OFFER })), '방에 입장하지 않았습니다');
});

scenario('a message of nearly 1 MB arrives, over WebSocket and over polling', async (world) => {
  const { first, ada, bob } = await pair(world, { options: TRANSPORTS['WebSocket alone'] });
  const cleo = await world.socketIoIn(first, TRANSPORTS['polling alone']);
  await cleo.ask('join-room', 'study');
  const offer = { type: 'offer', sdp: 'a'.repeat(900_000) };
  for (const sender of [ada, cleo]) {
    assert.deepEqual(await sender.ask('offer', { target: bob.id, offer }), { success: true });
    assert.deepEqual(await bob.hears('offer'), { target: bob.id, offer, from: sender.id });
  }
});
