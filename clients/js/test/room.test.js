import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergePatch } from '../src/merge_patch.js';
import { connected, fakeClient, idle, joined, member, nextSocket, snapshot, socketNumber, welcome, welcomeBack } from './support.js';

/** Answers the newest join on a socket. */
function admit(socket, members, revision = 10) {
  socket.say({ type: 'joined', re: socket.last('join').id, room: 'r', revision, capacity: 64, members });
}

test('a join resolves with the room as it was found', async () => {
  const { room } = await joined({ members: ['a', 'b'], state: { muted: true } });
  assert.deepEqual([...room.members.keys()], ['a', 'b', 'me']);
  assert.deepEqual(room.others.map(({ peer }) => peer), ['a', 'b']);
  assert.equal(room.me.order, 3);
  assert.equal(room.joined, true);
});

test('a join before the connection waits for it', async () => {
  const { client } = fakeClient();
  const entering = client.join('r', { capacity: 4 });
  client.connect();
  const socket = await socketNumber(1);
  socket.open();
  socket.say(welcome());
  assert.equal(socket.last('join').capacity, 4);
  admit(socket, [member('me', 1)]);
  assert.equal((await entering).id, 'r');
});

test('a room is the same in each of Unicode’s forms, and sent in one of them', async () => {
  const { client, socket } = await connected();
  const [composed, apart] = ['회의실 café'.normalize('NFC'), '회의실 café'.normalize('NFD')];
  assert.notEqual(composed, apart);
  const entering = client.join(apart);
  assert.equal(socket.last('join').room, composed);
  socket.say({ type: 'joined', re: socket.last('join').id, room: composed, revision: 1, capacity: 64, members: [member('me', 1), member('a', 2)] });
  const room = await entering;
  assert.equal(await client.join(composed), room);
  assert.equal(socket.of('join').length, 1);
  client.signal(apart, 'a', 'chat', 1);
  assert.equal(socket.last('signal').room, composed);
  client.leave(apart);
  assert.equal(socket.last('leave').room, composed);
});

test('a refused join rejects with the gateway’s message, and can be tried again', async () => {
  const { client, socket } = await connected();
  const entering = client.join('r');
  socket.say({ type: 'error', re: socket.last('join').id, code: 'room-full', message: 'The room is full.' });
  await assert.rejects(entering, { code: 'room-full', message: 'The room is full.' });
  client.join('r');
  assert.equal(socket.of('join').length, 2);
});

test('an unavailable room is asked for again, as long as it is wanted', async () => {
  const { client, clock, socket } = await connected();
  const entering = client.join('r');
  const refuse = () =>
    socket.say({ type: 'error', re: socket.last('join').id, code: 'unavailable', message: 'x', retry_after_ms: 300 });
  refuse();
  await clock.advance(299);
  assert.equal(socket.of('join').length, 1);
  await clock.advance(1);
  assert.equal(socket.of('join').length, 2);
  refuse();
  await idle();
  client.leave('r');
  await assert.rejects(entering, { code: 'left' });
  await clock.advance(10_000);
  assert.equal(socket.of('join').length, 2);
});

test('a join that waits rejects when the client closes for good', async () => {
  const { client } = fakeClient();
  const opened = assert.rejects(client.connect(), { code: 'unauthorized' });
  const entering = assert.rejects(client.join('r'), { code: 'unauthorized' });
  const socket = await socketNumber(1);
  socket.open();
  socket.drop(4401);
  await Promise.all([opened, entering]);
});

test('members come, change and go', async () => {
  const { room, socket } = await joined();
  const events = [];
  room.on('member-joined', ({ member: { peer } }) => events.push(`${peer} joined`));
  room.on('member-updated', ({ member: { peer, state } }) => events.push(`${peer} ${JSON.stringify(state)}`));
  room.on('member-left', ({ member: { peer }, reason }) => events.push(`${peer} ${reason}`));
  socket.say({ type: 'member-joined', room: 'r', revision: 11, member: member('c', 5) });
  socket.say({ type: 'member-updated', room: 'r', revision: 12, peer: 'c', state: { muted: true } });
  socket.say({ type: 'member-updated', room: 'r', revision: 13, peer: 'c', connection: 'away' });
  socket.say({ type: 'member-left', room: 'r', revision: 14, peer: 'c', reason: 'expired' });
  assert.deepEqual(events, ['c joined', 'c {"muted":true}', 'c {"muted":true}', 'c expired']);
  assert.equal(room.revision, 14);
  assert.deepEqual([...room.members.keys()], ['other', 'me']);
});

test('an event older than the roster is stale', async () => {
  const { room, socket } = await joined();
  socket.say({ type: 'member-left', room: 'r', revision: 9, peer: 'other', reason: 'left' });
  assert.ok(room.members.has('other'));
});

test('a new session joins again as a new peer, with the state it had', async () => {
  const { clock, room, socket } = await joined({ state: { muted: false, topic: 'a' } });
  const change = room.setState({ muted: true, topic: null });
  assert.deepEqual(socket.last('state').state, { muted: true, topic: null });
  const rejoined = [];
  room.on('rejoined', ({ formerPeer }) => rejoined.push(formerPeer));
  socket.drop();
  await change;
  assert.equal(room.joined, false);
  await room.setState({ hand: 'up' });
  await clock.advance(250);

  const second = await socketNumber(2);
  second.open();
  second.say(welcome('me-again'));
  assert.deepEqual(second.last('join').state, { muted: true, hand: 'up' });
  admit(second, [member('me-again', 9)], 5);
  assert.deepEqual(rejoined, ['me']);
  assert.deepEqual([...room.members.keys()], ['me-again']);
  assert.equal(room.revision, 5);
});

test('a room that cannot be joined again is closed', async () => {
  const { clock, client, room, socket } = await joined();
  const closed = [];
  room.on('closed', ({ error }) => closed.push(error.code));
  socket.drop();
  await clock.advance(250);
  const second = await socketNumber(2);
  second.open();
  second.say(welcome('me-again'));
  second.say({ type: 'error', re: second.last('join').id, code: 'room-full', message: 'x' });
  await idle();
  assert.deepEqual(closed, ['room-full']);
  await client.leave('r');
  assert.equal(second.of('leave').length, 0);
});

test('a refused change of state is taken back', async () => {
  const { room, socket } = await joined({ state: { a: 1 } });
  const change = room.setState({ a: 2 });
  socket.say({ type: 'error', re: socket.last('state').id, code: 'too-large', message: 'x' });
  await assert.rejects(change, { code: 'too-large' });
  assert.deepEqual(room.state, { a: 1 });
});

test('a change of state that the cluster cannot take now is tried again, as it is by then', async () => {
  const { clock, room, socket } = await joined({ state: { a: 1 } });
  const change = room.setState({ a: 2, b: 1 });
  const { id } = socket.last('state');
  socket.say({ type: 'error', re: id, code: 'unavailable', message: 'x', retry_after_ms: 500 });
  await idle();
  room.setState({ a: 3, b: null });
  socket.say({ type: 'done', re: socket.last('state').id });
  await clock.advance(500);
  assert.deepEqual(socket.last('state').state, { a: 3, b: null });
  socket.say({ type: 'done', re: socket.last('state').id });
  await change;
  assert.deepEqual(room.state, { a: 3 });
});

test('a leave that the cluster cannot take now is tried again, also by the next connection', async () => {
  const fake = await joined();
  const leaving = fake.room.leave();
  const refuse = () =>
    fake.socket.say({ type: 'error', re: fake.socket.last('leave').id, code: 'unavailable', message: 'x', retry_after_ms: 500 });
  refuse();
  await fake.clock.advance(500);
  assert.equal(fake.socket.of('leave').length, 2);
  refuse();
  await idle();
  fake.socket.drop();
  const second = await nextSocket(fake);
  second.say(welcomeBack([snapshot([member('other', 1), member('me', 2)])]));
  assert.equal(second.of('leave').length, 1);
  second.say({ type: 'left', re: second.last('leave').id, room: 'r' });
  await fake.clock.advance(500);
  second.say({ type: 'error', re: second.last('leave').id, code: 'not-a-member', message: 'x' });
  await leaving;
});

test('a room that is joined again while its leave is still being tried is joined once it was left', async () => {
  const { client, clock, room, socket } = await joined();
  const refuse = (type, code) =>
    socket.say({ type: 'error', re: socket.last(type).id, code, message: 'x', ...(code === 'unavailable' && { retry_after_ms: 500 }) });
  room.leave();
  refuse('leave', 'unavailable');
  const entering = client.join('r');
  refuse('join', 'already-joined');
  await clock.advance(500);
  socket.say({ type: 'left', re: socket.last('leave').id, room: 'r' });
  await clock.advance(500);
  assert.equal(socket.of('join').length, 3);
  admit(socket, [member('me', 3)]);
  assert.notEqual(await entering, room);
  const refused = assert.rejects(client.join('s'), { code: 'already-joined' });
  refuse('join', 'already-joined');
  await refused;
});

test('leaving is over at once, emitted to listeners, and answered', async () => {
  const { room, socket, client } = await joined();
  const closed = [];
  room.on('closed', ({ error }) => closed.push(error));
  const leaving = room.leave();
  await room.leave();
  assert.deepEqual(closed.map(({ code, message }) => `${code}: ${message}`), ['left: The room was left; join() it again to come back.']);
  assert.equal(room.joined, false);
  socket.say({ type: 'left', re: socket.last('leave').id, room: 'r' });
  await leaving;
  const again = client.join('r');
  admit(socket, [member('me', 3)]);
  assert.notEqual(await again, room);
});

test('a room that a listener joins again when it hears that it was left is left first', async () => {
  const { room, socket, client } = await joined();
  room.on('closed', () => client.join('r'));
  room.leave();
  assert.deepEqual(socket.sent.slice(-2).map(({ type }) => type), ['leave', 'join']);
});

test('the rooms of a session that is over are closed, those of one that can be had back are not', async () => {
  for (const [code, isClosed] of [[4401, false], [4403, false], [4409, true], [1009, true], [1000, true]]) {
    const { room, socket } = await joined();
    const closed = [];
    room.on('closed', () => closed.push(code));
    socket.drop(code);
    assert.equal(closed.length === 1, isClosed, `${code}`);
  }
});

test('an answer to a join that was given up does not admit', async () => {
  const { client, socket } = await connected();
  const given = assert.rejects(client.join('r'), { code: 'left' });
  const { id: first } = socket.last('join');
  client.leave('r');
  const entering = client.join('r');
  socket.say({ type: 'joined', re: first, room: 'r', revision: 3, capacity: 64, members: [member('me', 1)] });
  socket.say({ type: 'left', re: socket.last('leave').id, room: 'r' });
  await given;
  admit(socket, [member('me', 2)]);
  assert.equal((await entering).me.order, 2);
});

test('who is kicked, and whose room is closed, is told', async () => {
  for (const [event, code] of [
    [{ type: 'member-left', room: 'r', revision: 11, peer: 'me', reason: 'kicked' }, 'kicked'],
    [{ type: 'room-closed', room: 'r', reason: 'over' }, 'room-closed'],
  ]) {
    const { room, socket } = await joined();
    const closed = [];
    room.on('closed', ({ error }) => closed.push(error.code));
    socket.say(event);
    assert.deepEqual(closed, [code]);
  }
});

test('merge patches follow RFC 7396', () => {
  const examples = [
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [1] }, { a: { b: { c: null } } }, { a: { b: {} } }],
  ];
  for (const [target, patch, result] of examples) assert.deepEqual(mergePatch(target, patch), result);
});
