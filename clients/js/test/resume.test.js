import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WINDOW_MS, connected, idle, joined, member, nextSocket, snapshot, socketNumber, welcome, welcomeBack } from './support.js';

const everyone = [member('other', 1), member('me', 2)];
const signal = (id, from = 'other') => ({ type: 'signal', room: 'r', from, id, kind: 'x', payload: id });

/** What somebody hears of a room, in short. */
function hearing(room) {
  const heard = [];
  room.on('member-joined', ({ member: { peer } }) => heard.push(`${peer} joined`));
  room.on('member-updated', ({ member: { peer, connection, state } }) =>
    heard.push(`${peer} ${connection} ${JSON.stringify(state)}`),
  );
  room.on('member-left', ({ member: { peer }, reason }) => heard.push(`${peer} left: ${reason}`));
  room.on('resumed', () => heard.push('resumed'));
  room.on('rejoined', () => heard.push('rejoined'));
  return heard;
}

test('a lost connection is resumed with the secret of the last welcome and what was handled', async () => {
  const fake = await joined();
  fake.socket.say(signal(7));
  fake.socket.drop();
  const second = await nextSocket(fake);
  const handled = { seen: { other: 7 }, handled: { other: [7] } };
  assert.deepEqual(second.last('hello').resume, { peer: 'me', secret: 'secret of me', ...handled });
  second.say(welcomeBack([snapshot(everyone)]));
  assert.equal(fake.client.state, 'open');
  assert.equal(fake.client.peer, 'me');
  assert.equal(fake.client.welcome.node, 'gw-b');

  second.drop();
  assert.equal((await nextSocket(fake, 3)).last('hello').resume.secret, 'another secret');
});

test('a first hello resumes nothing', async () => {
  const { socket } = await connected();
  assert.equal(socket.last('hello').resume, undefined);
});

test('a room that is still there is not joined again, and its members are the same', async () => {
  const fake = await joined();
  const heard = hearing(fake.room);
  fake.socket.drop();
  assert.equal(fake.room.joined, false);
  const second = await nextSocket(fake);
  second.say(welcomeBack([snapshot(everyone)]));
  assert.equal(second.of('join').length, 0);
  assert.equal(fake.room.joined, true);
  assert.deepEqual(heard, ['resumed']);
});

test('what changed meanwhile is told as if it had been heard', async () => {
  const fake = await joined({ members: ['a', 'b', 'c', 'd'] });
  const heard = hearing(fake.room);
  fake.socket.drop();
  (await nextSocket(fake)).say(
    welcomeBack([
      snapshot(
        [member('b', 2, { muted: true }), { ...member('c', 3), connection: 'away' }, member('me', 5), member('d', 6), member('e', 7)],
        30,
      ),
    ]),
  );
  assert.deepEqual(heard, [
    'a left: missed',
    'd left: missed', // came again: it has another place in the order
    'b live {"muted":true}',
    'c away {}',
    'd joined',
    'e joined',
    'resumed',
  ]);
  assert.equal(fake.room.revision, 30);
});

test('unanswered signals come first on the new connection, in order and under their old ids', async () => {
  const fake = await joined();
  const { room, socket } = fake;
  const sent = [1, 2, 3].map((payload) => room.signal('other', 'x', payload));
  const ids = socket.of('signal').map(({ id }) => id);
  socket.say({ type: 'delivered', id: ids[1], to: ['other'] });
  socket.drop();
  const meanwhile = room.signal('other', 'x', 4);
  const second = await nextSocket(fake);
  second.say(welcomeBack([snapshot(everyone)]));
  assert.deepEqual(
    second.of('signal').map(({ id, payload, to }) => [id, payload, to]),
    [
      [ids[0], 1, 'other'],
      [ids[2], 3, 'other'],
      [second.last('signal').id, 4, 'other'],
    ],
  );
  assert.ok(second.last('signal').id > ids[2]);
  assert.deepEqual(second.sent.slice(0, 3).map(({ type }) => type), ['hello', 'signal', 'signal']);
  for (const { id } of second.of('signal')) second.say({ type: 'delivered', id, to: ['other'] });
  for (const outcome of [...(await Promise.all(sent)), await meanwhile]) assert.equal(outcome.delivered, true);
});

test('a broadcast without done is repeated as it was, and the newer done stands', async () => {
  const fake = await joined({ members: ['a', 'b'] });
  const sent = fake.room.broadcast('x', 1);
  const { id } = fake.socket.last('signal');
  fake.socket.drop();
  const second = await nextSocket(fake);
  second.say(welcomeBack([snapshot([member('b', 2), member('c', 4), member('me', 3)])]));
  assert.deepEqual(second.last('signal'), { id, type: 'signal', room: 'r', kind: 'x', payload: 1 });
  second.say({ type: 'done', re: id, to: ['b', 'c'] });
  second.say({ type: 'delivered', id, to: ['b', 'c'] });
  assert.deepEqual((await sent).map(({ peer }) => peer), ['b', 'c']);
});

test('a broadcast with done is repeated to those without an answer only', async () => {
  const fake = await joined({ members: ['a', 'b', 'c'] });
  const sent = fake.room.broadcast('x', 1);
  const { id } = fake.socket.last('signal');
  fake.socket.say({ type: 'done', re: id, to: ['a', 'b', 'c'] });
  fake.socket.say({ type: 'delivered', id, to: ['b'] });
  fake.socket.drop();
  const second = await nextSocket(fake);
  second.say(welcomeBack([snapshot([member('a', 1), member('b', 2), member('c', 3), member('me', 4)])]));
  assert.deepEqual(second.of('signal').map(({ id, to }) => [id, to]), [[id, 'a'], [id, 'c']]);
  second.say({ type: 'undelivered', id, to: ['a'], reason: 'left' });
  second.say({ type: 'delivered', id, to: ['c'] });
  assert.deepEqual((await sent).map(({ peer, delivered }) => [peer, delivered]), [['b', true], ['a', false], ['c', true]]);
});

test('repeats are free of the rate but count as unanswered', async () => {
  const limits = { in_flight: 160, signals_per_second: 100, burst: 40 };
  const fake = await joined({ limits });
  for (let n = 0; n < 60; n++) fake.room.signal('other', 'x', n);
  await fake.clock.advance(1_000);
  assert.equal(fake.socket.of('signal').length, 40);
  fake.socket.drop();
  const second = await nextSocket(fake);
  second.say(welcomeBack([snapshot(everyone)], limits));
  assert.equal(second.of('signal').length, 40, 'at once');
  second.say({ type: 'delivered', id: second.of('signal')[0].id, to: ['other'] });
  assert.equal(second.of('signal').length, 41);
});

test('a repeat is dropped, and acknowledged again', async () => {
  const fake = await joined();
  const heard = [];
  fake.room.on('signal', ({ id }) => heard.push(id));
  fake.socket.say(signal(5));
  fake.socket.drop();
  const second = await nextSocket(fake);
  second.say(welcomeBack([snapshot(everyone)]));
  second.say(signal(5));
  second.say(signal(6));
  await fake.clock.advance(10);
  assert.deepEqual(heard, [5, 6]);
  assert.deepEqual(second.of('received').map(({ id }) => id), [5, 6]);
});

test('who is not in any room any more is not among the seen', async () => {
  const fake = await joined({ members: ['a', 'b'] });
  fake.socket.say(signal(3, 'a'));
  fake.socket.say(signal(4, 'b'));
  fake.socket.drop();
  const second = await nextSocket(fake);
  second.say(welcomeBack([snapshot([member('b', 2), member('me', 3)])]));
  second.drop();
  assert.deepEqual((await nextSocket(fake, 3)).last('hello').resume.seen, { b: 4 });
});

test('what was handled is listed, so that the gateway knows what was refused between it: the last ones of each', async () => {
  const fake = await joined({ members: ['a', 'b'] });
  for (const id of [3, 7, 5, 7]) fake.socket.say(signal(id, 'a'));
  const ids = Array.from({ length: 300 }, (_, index) => 2 * index + 1);
  for (const id of ids) fake.socket.say(signal(id, 'b'));
  fake.socket.drop();
  const { handled } = (await nextSocket(fake)).last('hello').resume;
  assert.deepEqual(handled, { a: [3, 7], b: ids.slice(-256) });
});

test('the session is heard on its new connection at once, so that an older one cannot have it', async () => {
  const fake = await connected();
  fake.socket.drop();
  const second = await nextSocket(fake);
  second.say(welcomeBack());
  assert.deepEqual(second.sent.at(-1), { type: 'ping' });
});

test('a room that the gateway lost is joined again', async () => {
  const fake = await joined({ state: { muted: true } });
  const heard = hearing(fake.room);
  fake.socket.drop();
  const second = await nextSocket(fake);
  second.say(welcomeBack([]));
  assert.equal(fake.room.joined, false);
  assert.deepEqual(second.last('join').state, { muted: true });
  second.say({ type: 'joined', re: second.last('join').id, ...snapshot([member('me', 9)]) });
  assert.equal(fake.room.joined, true);
  assert.deepEqual(heard, ['rejoined']);
});

test('a room that a listener leaves while others go on is not entered again', async () => {
  const fake = await joined();
  const second = fake.client.join('s');
  const { id: re } = fake.socket.last('join');
  fake.socket.say({ type: 'joined', re, ...snapshot([member('me', 1)]), room: 's' });
  const other = await second;
  fake.room.on('member-left', () => other.leave().catch(() => {}));
  fake.socket.drop();
  const socket = await nextSocket(fake);
  socket.say(welcomeBack([snapshot([member('me', 2)])]));
  await idle();
  assert.deepEqual(socket.of('join'), []);
  assert.equal(other.joined, false);
});

test('another place in the room is another membership', async () => {
  const fake = await joined();
  const heard = hearing(fake.room);
  fake.socket.drop();
  (await nextSocket(fake)).say(welcomeBack([snapshot([member('other', 1), member('me', 8)])]));
  assert.deepEqual(heard, ['rejoined', 'resumed']);
});

test('a join whose answer was lost is answered by the resume', async () => {
  const fake = await connected();
  const entering = fake.client.join('r');
  fake.socket.drop();
  const second = await nextSocket(fake);
  second.say(welcomeBack([snapshot(everyone)]));
  assert.equal(second.of('join').length, 0);
  const room = await entering;
  assert.deepEqual(room.others.map(({ peer }) => peer), ['other']);
  assert.equal(room.restored, false);
});

test('a room joined while the connection was lost is asked for', async () => {
  const fake = await connected();
  fake.socket.drop();
  fake.client.join('r');
  const second = await nextSocket(fake);
  second.say(welcomeBack([]));
  assert.equal(second.last('join').room, 'r');
});

test('a room left while the connection was lost is left when it is back', async () => {
  const fake = await joined();
  fake.socket.drop();
  await fake.room.leave();
  const second = await nextSocket(fake);
  second.say(welcomeBack([snapshot(everyone)]));
  assert.equal(second.last('leave').room, 'r');
  assert.equal(second.of('join').length, 0);
  second.say({ type: 'left', re: second.last('leave').id, room: 'r' });
  second.drop();
  const third = await nextSocket(fake, 3);
  third.say(welcomeBack([]));
  assert.equal(third.of('leave').length, 0);
});

test('a room left and wanted again meanwhile is left and joined', async () => {
  const fake = await joined();
  fake.socket.drop();
  fake.room.leave();
  fake.client.join('r');
  const second = await nextSocket(fake);
  second.say(welcomeBack([snapshot(everyone)]));
  assert.deepEqual(second.sent.filter(({ room }) => room).map(({ type }) => type), ['leave', 'join']);
});

test('a leave whose answer was lost is asked again, and never undoes a later join', async () => {
  const fake = await joined();
  const leaving = fake.room.leave();
  fake.socket.drop();
  await leaving;
  const second = await nextSocket(fake);
  second.say(welcomeBack([snapshot(everyone)]));
  const { id } = second.last('leave');
  second.say({ type: 'left', re: id, room: 'r' });
  const entering = fake.client.join('r');
  second.say({ type: 'joined', re: second.last('join').id, ...snapshot(everyone) });
  await entering;
  second.drop();
  const third = await nextSocket(fake, 3);
  third.say(welcomeBack([snapshot(everyone)]));
  assert.equal(third.of('leave').length, 0);
});

test('state changed while the connection was lost is told when it is back', async () => {
  const fake = await joined({ state: { muted: false, topic: 'a', view: { x: 1, y: 2 } } });
  const change = fake.room.setState({ view: { x: 3 } });
  fake.socket.drop();
  await change;
  await fake.room.setState({ muted: true, topic: null });
  const second = await nextSocket(fake);
  const asTheySee = { muted: false, topic: 'a', view: { x: 1, y: 2 } };
  second.say(welcomeBack([snapshot([member('other', 1), member('me', 2, asTheySee)])]));
  assert.deepEqual(second.last('state').state, { muted: true, topic: null, view: { x: 3 } });
  assert.deepEqual(fake.room.state, { muted: true, view: { x: 3, y: 2 } });
});

test('state that arrived is not told again', async () => {
  const fake = await joined();
  const change = fake.room.setState({ muted: true, list: [1, { a: 1 }] });
  fake.socket.drop();
  await change;
  const second = await nextSocket(fake);
  second.say(welcomeBack([snapshot([member('other', 1), member('me', 2, { list: [1, { a: 1 }], muted: true })])]));
  assert.equal(second.of('state').length, 0);
});

test('past the window, what was sent is unconfirmed and what was held back unavailable', async () => {
  const fake = await joined();
  const sent = fake.room.signal('other', 'x', 1);
  fake.socket.drop(4503, `{"retry_after_ms":${10 * WINDOW_MS}}`);
  const held = fake.room.signal('other', 'x', 2);
  await fake.clock.advance(WINDOW_MS);
  assert.equal((await sent).reason, 'unconfirmed');
  assert.equal((await held).reason, 'unavailable');
  assert.equal((await fake.room.signal('other', 'x', 3)).reason, 'unavailable');
});

test('a session that comes back past the window goes on all the same', async () => {
  const fake = await joined();
  fake.socket.drop(4503, `{"retry_after_ms":${2 * WINDOW_MS}}`);
  await fake.clock.advance(2 * WINDOW_MS);
  const second = await nextSocket(fake);
  second.say(welcomeBack([snapshot(everyone)]));
  const sent = fake.room.signal('other', 'x', 1);
  second.say({ type: 'delivered', id: second.last('signal').id, to: ['other'] });
  assert.equal((await sent).delivered, true);
});

test('a session that is gone begins again: rooms are joined again, nothing is repeated', async () => {
  const fake = await joined();
  const heard = hearing(fake.room);
  const sent = fake.room.signal('other', 'x', 1);
  fake.socket.drop();
  const second = await nextSocket(fake);
  second.say(welcome('me-again'));
  assert.equal((await sent).reason, 'unconfirmed');
  assert.equal(second.of('signal').length, 0);
  second.say({ type: 'joined', re: second.last('join').id, ...snapshot([member('me-again', 3)]) });
  assert.deepEqual(heard, ['rejoined']);
});

test('close codes after which a session may be had back keep it, the others do not', async () => {
  for (const [code, resumes] of [[1001, true], [1006, true], [4408, true], [4413, true], [4429, true], [4503, true], [1009, false], [4400, false], [4409, false]]) {
    const fake = await joined();
    const sent = fake.room.signal('other', 'x', 1);
    fake.socket.drop(code);
    if (!resumes) assert.equal((await sent).reason, 'unconfirmed', code);
    fake.client.connect();
    const second = await nextSocket(fake);
    assert.equal(second.last('hello').resume !== undefined, resumes, code);
  }
});

test('a refused token keeps the session for the next one', async () => {
  const fake = await joined({ token: 'old' });
  const sent = fake.room.signal('other', 'x', 1);
  fake.socket.drop();
  (await nextSocket(fake)).drop(4401);
  const without = await nextSocket(fake, 3);
  assert.equal(without.last('hello').resume, undefined, 'perhaps the session is another user’s');
  without.drop(4401);
  assert.equal(fake.client.state, 'closed');
  fake.client.token = 'new';
  fake.client.connect();
  const third = await nextSocket(fake, 4);
  assert.equal(third.last('hello').resume.peer, 'me');
  third.say(welcomeBack([snapshot(everyone)]));
  third.say({ type: 'delivered', id: third.last('signal').id, to: ['other'] });
  assert.equal((await sent).delivered, true);
});

test('an attempt that was given up and is heard late does not end the session', async () => {
  const fake = await connected();
  fake.socket.drop();
  await nextSocket(fake);
  await fake.clock.advance(10_000); // no welcome in time
  const third = await nextSocket(fake, 3);
  third.say(welcomeBack());
  third.drop(4409);
  assert.equal(fake.client.state, 'reconnecting');
  const fourth = await nextSocket(fake, 4);
  assert.equal(fourth.last('hello').resume.secret, 'another secret');
  fourth.say(welcomeBack());
  for (let waited = 0; waited < 60_000; waited += 10_000) {
    await fake.clock.advance(10_000);
    fourth.say({ type: 'pong' });
  }
  fourth.drop(4409);
  assert.equal(fake.client.state, 'closed', 'later it is what it says');
});

test('an attempt that another one follows says no goodbye: it would end the session', async () => {
  const fake = await joined();
  fake.socket.drop();
  const second = await nextSocket(fake);
  fake.client.reconnect();
  const third = await socketNumber(3);
  assert.deepEqual([second.of('bye'), second.closed], [[], true]);
  third.open();
  third.say(welcomeBack([snapshot(everyone)]));
  third.drop(4409); // by what the second had said
  assert.equal(fake.client.state, 'reconnecting');
});

test('after goodbye nothing is resumed', async () => {
  const fake = await joined();
  fake.client.close();
  assert.deepEqual(fake.socket.sent.at(-1), { type: 'bye' });
  fake.client.connect();
  assert.equal((await nextSocket(fake)).last('hello').resume, undefined);
});

test('a gateway that cannot resume ends the session with the connection', async () => {
  const fake = await connected();
  fake.socket.drop();
  const second = await nextSocket(fake);
  const { resume: _, ...plain } = welcome('me-again');
  second.say(plain);
  const sent = fake.client.signal('r', 'a', 'x', 1);
  second.drop();
  assert.equal((await sent)[0].reason, 'unconfirmed');
  await idle();
  assert.equal((await nextSocket(fake, 3)).last('hello').resume, undefined);
});

test('another user begins a session of his own', async () => {
  const fake = await joined({ token: 'Ada' });
  fake.client.token = 'Bob';
  fake.socket.drop();
  const second = await nextSocket(fake);
  assert.equal(second.last('hello').resume.peer, 'me');
  second.drop(4401);
  const third = await socketNumber(3);
  third.open();
  assert.deepEqual([third.last('hello').resume, third.last('hello').token], [undefined, 'Bob'], 'at once');
  third.say(welcome('bob'));
  assert.equal(fake.client.state, 'open');
  assert.equal(third.last('join').room, 'r');
});

test('where tokens are renewed the session is given up only when a new token is refused, too', async () => {
  for (const isFixed of [false, true]) {
    let asked = 0;
    const fake = await joined({ getToken: () => (isFixed ? 'fixed' : `token ${++asked}`) });
    fake.socket.drop();
    (await nextSocket(fake)).drop(4401);
    if (!isFixed) (await nextSocket(fake, 3)).drop(4401);
    const last = await nextSocket(fake, isFixed ? 3 : 4);
    assert.equal(last.last('hello').resume, undefined);
    last.drop(4401);
    await fake.clock.advance(isFixed ? 60_000 : 0);
    assert.equal(fake.client.state, isFixed ? 'closed' : 'reconnecting');
  }
});
