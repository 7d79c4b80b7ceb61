import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeSocket, fakeClient, idle, joined, member, nextSocket, snapshot, socketNumber, welcome, welcomeBack } from './support.js';

const everyone = [member('other', 1), member('me', 2)];
const DRAIN = { type: 'drain', reconnect_after_ms: 3_000, deadline_ms: 30_000 };

/** In a room, on a gateway that drains. */
async function draining(options) {
  const fake = await joined(options);
  fake.states.length = 0;
  fake.socket.say(DRAIN);
  return fake;
}

/** The second connection, with its hello said. */
async function opened(fake) {
  await fake.clock.advance(DRAIN.reconnect_after_ms);
  const second = await socketNumber(2);
  second.open();
  return second;
}

test('a second connection is opened at the client’s own moment, and resumes there', async () => {
  const fake = await draining();
  await fake.clock.advance(2_999);
  await socketNumber(1);
  await fake.clock.advance(1);
  const second = await socketNumber(2);
  second.open();
  assert.equal(second.last('hello').resume.secret, 'secret of me');
  assert.equal(fake.socket.closed, false, 'the first one still serves');
});

test('the application hears nothing of the move', async () => {
  const fake = await draining();
  const heard = [];
  for (const event of ['member-joined', 'member-updated', 'member-left', 'resumed', 'rejoined', 'closed']) {
    fake.room.on(event, () => heard.push(event));
  }
  const second = await opened(fake);
  second.say(welcomeBack([snapshot(everyone)]));
  fake.socket.drop(4409);
  await idle();
  assert.deepEqual(heard, []);
  assert.deepEqual(fake.states, []);
  assert.equal(fake.client.welcome.node, 'gw-b');
});

test('an event tells where the session has moved', async () => {
  const fake = await draining();
  const nodes = [];
  fake.client.on('moved', ({ node }) => nodes.push(node));
  (await opened(fake)).say(welcomeBack([snapshot(everyone)]));
  assert.deepEqual(nodes, ['gw-b']);
});

test('the old connection serves until the new one is welcomed, and is silent from then on', async () => {
  const fake = await draining();
  const heard = [];
  fake.room.on('signal', ({ id }) => heard.push(id));
  const second = await opened(fake);
  const say = (socket, id) => socket.say({ type: 'signal', room: 'r', from: 'other', id, kind: 'x', payload: 0 });
  const before = fake.room.signal('other', 'x', 1);
  say(fake.socket, 1);
  second.say(welcomeBack([snapshot(everyone)]));
  say(fake.socket, 2);
  assert.deepEqual(heard, [1]);
  say(second, 1);
  say(second, 2);
  fake.room.signal('other', 'x', 2);
  await fake.clock.advance(10);
  assert.deepEqual(heard, [1, 2]);
  assert.deepEqual(fake.socket.of('signal').map(({ payload }) => payload), [1]);
  assert.deepEqual(second.of('signal').map(({ payload }) => payload), [1, 2], 'the unanswered one again');
  assert.deepEqual(second.of('received').map(({ id }) => id), [2], 'for both');
  assert.equal(fake.socket.of('bye').length, 0);
  second.say({ type: 'delivered', id: second.of('signal')[0].id, to: ['other'] });
  assert.equal((await before).delivered, true);
});

test('a close as superseded that comes before the new welcome is the move, and no end', async () => {
  const fake = await draining();
  const second = await opened(fake);
  fake.socket.drop(4409);
  assert.equal(fake.client.state, 'open');
  const meanwhile = fake.room.signal('other', 'x', 1);
  const entering = fake.client.join('other-room');
  const change = fake.room.setState({ a: 1 });
  await idle();
  second.say(welcomeBack([snapshot(everyone)]));
  second.say({ type: 'delivered', id: second.last('signal').id, to: ['other'] });
  assert.equal((await meanwhile).delivered, true);
  assert.deepEqual(second.last('state').state, { a: 1 });
  second.say({ type: 'joined', re: second.last('join').id, ...snapshot([member('me', 1)]), room: 'other-room' });
  assert.equal((await entering).joined, true);
  await change;
  assert.deepEqual(fake.states, []);
});

test('what was asked on the old connection and not answered is asked on the new one', async () => {
  const fake = await draining({ state: { a: 1 } });
  const second = await opened(fake);
  const change = fake.room.setState({ a: 2 });
  const entering = fake.client.join('other-room');
  second.say(welcomeBack([snapshot([member('other', 1), member('me', 2, { a: 1 })])]));
  await change;
  assert.deepEqual(fake.room.state, { a: 2 });
  assert.deepEqual(second.last('state').state, { a: 2 });
  second.say({ type: 'joined', re: second.last('join').id, ...snapshot([member('me', 1)]), room: 'other-room' });
  assert.equal((await entering).joined, true);
});

test('superseded by somebody else before its own hello, the client stays away', async () => {
  const fake = await draining();
  await fake.clock.advance(DRAIN.reconnect_after_ms);
  const second = await socketNumber(2);
  fake.socket.drop(4409);
  assert.equal(fake.client.state, 'closed');
  assert.equal(second.closed, true);
});

test('superseded by somebody else it is, when no hello of its own was under way', async () => {
  const fake = await draining();
  fake.socket.drop(4409);
  assert.equal(fake.client.state, 'closed');
  await fake.clock.advance(60_000);
  await socketNumber(1);
});

test('a move that fails is tried again while the old connection lasts, unnoticed', async () => {
  const fake = await draining();
  (await opened(fake)).drop();
  await fake.clock.advance(250);
  const third = await socketNumber(3);
  third.open();
  third.drop(4503, '{"retry_after_ms":2000}');
  await fake.clock.advance(2_000);
  await socketNumber(3);
  await fake.clock.advance(500);
  const fourth = await socketNumber(4);
  fourth.open();
  fourth.say(welcomeBack([snapshot(everyone)]));
  assert.deepEqual(fake.states, []);
});

test('a token that is refused at the new gateway keeps the client on the old one', async () => {
  const fake = await draining({ token: 't' });
  (await opened(fake)).drop(4401);
  await fake.clock.advance(10_000);
  await socketNumber(2);
  assert.equal(fake.client.state, 'open');
});

test('at the deadline the client comes back like after a loss, and keeps its session', async () => {
  const fake = await draining();
  fake.socket.drop(1001);
  assert.equal(fake.states.at(-1).advice.why, 'draining');
  const second = await nextSocket(fake);
  second.say(welcomeBack([snapshot(everyone)]));
  assert.equal(fake.room.joined, true);
  await fake.clock.advance(10_000);
  await socketNumber(2);
});

test('a gateway that dies during the move is a loss, and the attempt goes on', async () => {
  const fake = await draining();
  const second = await opened(fake);
  fake.socket.drop();
  assert.equal(fake.client.state, 'reconnecting');
  second.say(welcomeBack([snapshot(everyone)]));
  assert.equal(fake.client.state, 'open');
  await socketNumber(2);
});

test('a session that is not there at the new gateway begins again', async () => {
  const fake = await draining();
  const sent = fake.room.signal('other', 'x', 1);
  const second = await opened(fake);
  second.say(welcome('me-again'));
  assert.equal((await sent).reason, 'unconfirmed');
  assert.equal(second.last('join').room, 'r');
  fake.socket.drop(4409);
  assert.equal(fake.client.state, 'open');
});

test('an old connection that the gateway does not close is let go', async () => {
  const fake = await draining();
  const second = await opened(fake);
  second.say(welcomeBack([snapshot(everyone)]));
  await fake.clock.advance(10_000);
  assert.equal(fake.socket.closed, true);
  assert.equal(fake.socket.of('bye').length, 0, 'it would end the session');
  assert.equal(second.closed, false);
});

test('closing in the middle of a move says goodbye on both', async () => {
  const fake = await draining();
  const second = await opened(fake);
  fake.client.close();
  for (const socket of [fake.socket, second]) assert.deepEqual(socket.sent.at(-1), { type: 'bye' });
  await fake.clock.advance(60_000);
  assert.equal(FakeSocket.all.length, 2);
});

test('a token that runs out in the middle of a move leaves the session to be had back', async () => {
  const fake = await draining({ token: 'old' });
  const second = await opened(fake);
  fake.socket.drop(4401);
  assert.deepEqual([fake.client.state, second.closed, second.of('bye')], ['closed', true, []]);
  fake.client.token = 'new';
  fake.client.connect();
  const third = await socketNumber(3);
  third.open();
  assert.equal(third.last('hello').resume.peer, 'me');
  third.say(welcomeBack([snapshot(everyone)]));
  assert.equal(fake.room.joined, true);
});

test('a client that was told twice moves once, and can move again', async () => {
  const fake = await draining();
  fake.socket.say({ ...DRAIN, reconnect_after_ms: 1_000 });
  await fake.clock.advance(1_000);
  const second = await socketNumber(2);
  fake.socket.say(DRAIN);
  second.open();
  second.say(welcomeBack([snapshot(everyone)]));
  second.say({ type: 'pong' });
  await fake.clock.advance(5_000);
  await socketNumber(2);
  second.say({ ...DRAIN, reconnect_after_ms: 0 });
  await fake.clock.advance(0);
  const third = await socketNumber(3);
  third.open();
  assert.equal(third.last('hello').resume.secret, 'another secret');
});

test('a drain that comes before anything else changes nothing', async () => {
  const { client } = fakeClient();
  client.connect();
  const socket = await socketNumber(1);
  socket.open();
  socket.say(DRAIN);
  socket.say(welcome());
  assert.equal(client.state, 'open');
});
