import assert from 'node:assert/strict';
import { test } from 'node:test';
import { idle, joined, member, nextSocket, snapshot, welcome, welcomeBack } from './support.js';

const signal = (id, from = 'other', room = 'r') => ({ type: 'signal', room, from, id, kind: 'x', payload: id });
const receipts = (socket) => socket.of('received').map(({ from, id }) => `${from}${id}`);
const everyone = [member('other', 1), member('me', 2)];

/** In a room to whose signals nobody listens yet. */
const early = (options) => joined({ listens: false, ...options });

/** Everything that is heard from now on. */
function hearing(emitter) {
  const heard = [];
  const stop = emitter.on('signal', ({ from, id }) => heard.push(`${from}${id}`));
  return { heard, stop };
}

/** Another room, with the same others in it. */
async function alsoIn({ client, socket }, name, members = ['other']) {
  const entering = client.join(name);
  const list = [...members.map((peer, index) => member(peer, index + 1)), member('me', members.length + 1)];
  socket.say({ type: 'joined', re: socket.last('join').id, room: name, revision: 1, capacity: 64, members: list });
  return entering;
}

test('signals wait for the first listener, come right after it in their order, and are confirmed then', async () => {
  const { clock, room, socket } = await early({ members: ['a', 'b'] });
  for (const [id, from] of [[1, 'a'], [1, 'b'], [2, 'a']]) socket.say(signal(id, from));
  assert.deepEqual(receipts(socket), []);
  const { heard } = hearing(room);
  assert.deepEqual(heard, [], 'not before the listener can do the next thing');
  await null;
  assert.deepEqual(heard, ['a1', 'b1', 'a2']);
  assert.deepEqual(receipts(socket), ['a1']);
  socket.say(signal(3, 'a'));
  assert.deepEqual(heard, ['a1', 'b1', 'a2', 'a3']);
  await clock.advance(10);
  assert.deepEqual(receipts(socket), ['a1', 'b1', 'a3']);
});

test('what a sender says in other rooms waits behind, and is not confirmed past; other senders do not wait', async () => {
  const fake = await early({ members: ['a', 'b'] });
  const { socket } = fake;
  const other = hearing(await alsoIn(fake, 'other', ['a', 'b']));
  socket.say(signal(1, 'a'));
  socket.say(signal(2, 'a', 'other'));
  socket.say(signal(1, 'b', 'other'));
  await fake.clock.advance(100);
  assert.deepEqual(other.heard, ['b1']);
  assert.deepEqual(receipts(socket), ['b1']);
  const { heard } = hearing(fake.room);
  await fake.clock.advance(100);
  assert.deepEqual([heard, other.heard], [['a1'], ['b1', 'a2']]);
  assert.equal(receipts(socket).at(-1), 'a2');
});

test('in a room to whose signals nobody listens they are confirmed after a while, and later ones at once', async () => {
  const { client, clock, room, socket } = await early();
  socket.say(signal(1));
  await clock.advance(4_999);
  assert.deepEqual(receipts(socket), []);
  await clock.advance(1);
  assert.deepEqual(receipts(socket), ['other1']);
  await clock.advance(1_000);
  socket.say(signal(2));
  assert.deepEqual(receipts(socket), ['other1', 'other2']);
  assert.equal(client.state, 'open');
  const { heard } = hearing(room);
  await idle();
  assert.deepEqual(heard, []);
});

test('a room that nobody listens to holds up for a second what the same sender says where somebody listens', async () => {
  const fake = await early();
  const call = hearing(await alsoIn(fake, 'call'));
  await fake.clock.advance(500);
  fake.socket.say(signal(1));
  await fake.clock.advance(1_000);
  fake.socket.say(signal(2, 'other', 'call'));
  await fake.clock.advance(999);
  assert.deepEqual(call.heard, []);
  await fake.clock.advance(1);
  assert.deepEqual(call.heard, ['other2']);
  fake.socket.say(signal(3));
  fake.socket.say(signal(4, 'other', 'call'));
  assert.deepEqual(call.heard, ['other2', 'other4'], 'once');

  const late = await early();
  const room = await alsoIn(late, 'call');
  late.socket.say(signal(1));
  late.socket.say(signal(2, 'other', 'call'));
  await late.clock.advance(300);
  const { heard } = hearing(room);
  await late.clock.advance(1_000);
  assert.deepEqual(heard, ['other2'], 'and since somebody listens');
});

test('the server’s signals wait for their own room alone', async () => {
  const fake = await early();
  const other = hearing(await alsoIn(fake, 'other'));
  fake.socket.say(signal(1, 'server'));
  fake.socket.say(signal(2, 'server', 'other'));
  assert.deepEqual(other.heard, ['server2']);
  fake.socket.say({ type: 'room-closed', room: 'other', reason: 'over' });
  const { heard } = hearing(fake.room);
  await idle();
  assert.deepEqual(heard, ['server1']);
});

test('where too many wait the first of the sender with the most is confirmed unheard, and what waited behind it is heard', async () => {
  const fake = await early({ members: ['a', 'b'] });
  const other = hearing(await alsoIn(fake, 'other', ['a', 'b']));
  for (let id = 1; id <= 3; id++) fake.socket.say(signal(id, 'b'));
  fake.socket.say(signal(1, 'a'));
  fake.socket.say(signal(2, 'a', 'other'));
  for (let id = 4; id <= 1_023; id++) fake.socket.say(signal(id, 'b'));
  await fake.clock.advance(10);
  assert.deepEqual(receipts(fake.socket), ['b1']);
  const { heard } = hearing(fake.room);
  await idle();
  assert.deepEqual([heard[0], heard.length, other.heard], ['b2', 1_023, ['a2']]);

  const two = await early({ members: ['a'] });
  const second = hearing(await alsoIn(two, 'other', ['a']));
  two.socket.say(signal(1, 'a'));
  for (let id = 2; id <= 1_025; id++) two.socket.say(signal(id, 'a', 'other'));
  assert.equal(second.heard.length, 1_024);
});

test('large signals fill the place of many', async () => {
  const { clock, room, socket } = await early();
  const payload = 'x'.repeat(200_000);
  for (let id = 1; id <= 43; id++) socket.say({ ...signal(id, 'server'), payload });
  const { heard } = hearing(room);
  await clock.advance(10);
  assert.deepEqual([heard.length, heard[0]], [41, 'server3']);
});

test('what a member has said is not heard after its leaving', async () => {
  const fake = await early({ members: ['a', 'b'] });
  const call = await alsoIn(fake, 'call', ['a']);
  const order = [];
  for (const room of [fake.room, call]) {
    room.on('member-left', ({ member, reason }) => order.push(`${member.peer} ${reason} ${room.id}`));
  }
  call.on('signal', ({ id }) => order.push(`${id} by ${call.members.get('a')?.peer}`));
  fake.socket.say(signal(1, 'a'));
  fake.socket.say(signal(2, 'a', 'call'));
  fake.socket.say(signal(3, 'a'));
  fake.socket.say({ type: 'member-left', room: 'call', revision: 11, peer: 'a', reason: 'left' });
  assert.deepEqual(order, ['2 by a', 'a left call']);
  fake.socket.say(signal(1, 'b'));
  fake.socket.say({ type: 'member-left', room: 'r', revision: 11, peer: 'a', reason: 'left' });
  fake.room.on('signal', ({ from, id }) => order.push(`${from}${id}`));
  await idle();
  assert.deepEqual(order, ['2 by a', 'a left call', 'a left r', 'b1']);
  fake.socket.drop();
  assert.deepEqual(Object.keys((await nextSocket(fake)).last('hello').resume.seen), ['b'], 'a peer that is gone is forgotten');

  const away = await early({ members: ['a', 'b'] });
  const missed = [];
  away.room.on('member-left', ({ member, reason }) => missed.push(`${member.peer} ${reason}`));
  for (const from of ['a', 'b']) away.socket.say(signal(1, from));
  away.socket.drop();
  const second = await nextSocket(away);
  second.say(welcomeBack([snapshot([member('b', 2), member('me', 3)], 11)]));
  away.room.on('signal', ({ from, id }) => missed.push(`${from}${id}`));
  await idle();
  assert.deepEqual(missed, ['a missed', 'b1']);
});

test('what was said to a former membership is not heard in the next one, and does not end its waiting', async () => {
  const again = ({ socket }) => socket.say({ type: 'joined', re: socket.last('join').id, ...snapshot([member('other', 1), member('me', 9)], 20) });

  const left = await early();
  left.socket.say(signal(1));
  await left.clock.advance(4_000);
  left.room.leave();
  const entering = left.client.join('r');
  left.socket.say(signal(2)); // before the gateway has heard of it
  await idle();
  left.socket.say({ type: 'left', re: left.socket.last('leave').id, room: 'r' });
  again(left);
  const room = await entering;
  left.socket.say(signal(3));
  await left.clock.advance(1_500);
  const { heard } = hearing(room);
  await idle();
  assert.deepEqual(heard, ['other3']);
  assert.deepEqual(receipts(left.socket), ['other1', 'other2', 'other3']);

  for (const rooms of [[], [snapshot([member('other', 1), member('me', 9)], 20)]]) {
    const lost = await early();
    const order = [];
    lost.room.on('rejoined', () => order.push('rejoined'));
    lost.socket.say(signal(1));
    lost.socket.drop();
    const second = await nextSocket(lost);
    second.say(welcomeBack(rooms));
    if (rooms.length === 0) again({ socket: second });
    second.say(signal(2));
    lost.room.on('signal', ({ id }) => order.push(id));
    await idle();
    assert.deepEqual(order, ['rejoined', 2]);
  }
});

test('where too many of one sender wait the oldest is confirmed unheard', async () => {
  const { clock, room, socket } = await early();
  for (let id = 1; id <= 1_026; id++) socket.say(signal(id));
  await clock.advance(10);
  assert.deepEqual(receipts(socket), ['other1', 'other2']);
  const { heard } = hearing(room);
  await idle();
  assert.deepEqual([heard.length, heard[0], heard.at(-1)], [1_024, 'other3', 'other1026']);
});

test('a listener for all rooms listens to each', async () => {
  const { client, room, socket } = await early();
  socket.say(signal(1));
  const all = hearing(client);
  await idle();
  socket.say(signal(2));
  assert.deepEqual(all.heard, ['other1', 'other2']);
  assert.deepEqual(hearing(room).heard, []);
});

test('a listener that has gone again is not waited for', async () => {
  const { room, socket } = await early();
  hearing(room).stop();
  socket.say(signal(1));
  assert.deepEqual(receipts(socket), ['other1']);
});

test('over a lost connection they go on waiting, are not among the seen, and come once', async () => {
  const fake = await early();
  fake.socket.say(signal(1));
  fake.socket.say(signal(1, 'server'));
  fake.socket.drop();
  const { heard } = hearing(fake.room);
  await idle();
  assert.deepEqual(heard, [], 'no receipt could be sent');
  const second = await nextSocket(fake);
  assert.deepEqual(second.last('hello').resume.seen, {});
  second.say(welcomeBack([snapshot(everyone)]));
  for (const id of [1, 2]) second.say(signal(id));
  await fake.clock.advance(10);
  assert.deepEqual(heard, ['other1', 'server1', 'other2']);
  assert.equal(receipts(second).at(-1), 'other2');
});

test('what comes again while it waits, waits once', async () => {
  const fake = await early();
  fake.socket.say(signal(1));
  fake.socket.drop();
  const second = await nextSocket(fake);
  second.say(welcomeBack([snapshot(everyone)]));
  for (let id = 1; id <= 1_024; id++) second.say(signal(id));
  await fake.clock.advance(10);
  assert.deepEqual(receipts(second), [], 'there is a place for each');
  const { heard } = hearing(fake.room);
  await idle();
  assert.equal(heard.length, 1_024);
});

test('they end with their session, and with their room', async () => {
  const fake = await early();
  fake.socket.say(signal(1));
  fake.socket.drop();
  const second = await nextSocket(fake);
  second.say(welcome('me-again'));
  second.say({ type: 'joined', re: second.last('join').id, ...snapshot([member('me-again', 3), member('other', 4)]) });
  const { heard } = hearing(fake.room);
  await idle();
  assert.deepEqual(heard, []);

  const left = await early();
  const other = hearing(await alsoIn(left, 'other'));
  left.socket.say(signal(1));
  left.socket.say(signal(2, 'other', 'other'));
  left.room.leave();
  await left.clock.advance(10);
  assert.deepEqual(other.heard, ['other2'], 'nothing is before it any more');
  assert.equal(receipts(left.socket).at(-1), 'other2');
});

test('a listener that closes the client hears no more, and leaves no timer', async () => {
  const { client, clock, room, socket } = await early();
  for (const id of [1, 2]) socket.say(signal(id));
  const heard = [];
  room.on('signal', ({ id }) => {
    heard.push(id);
    client.close();
  });
  await idle();
  assert.deepEqual(heard, [1]);
  assert.deepEqual(clock.waits, []);
});
