import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeClient, fakePage, idle, joined, nextSocket, welcome } from './support.js';

/** What became of a promise, without waiting for it. */
async function isPending(promise) {
  const pending = Symbol();
  await idle();
  return (await Promise.race([promise, pending])) === pending;
}

test('a signal resolves with what its receiver’s gateway said', async () => {
  const { room, socket } = await joined();
  const sent = room.signal('other', 'offer', { type: 'offer', sdp: 'v=0' });
  const { id, ...rest } = socket.last('signal');
  assert.deepEqual(rest, { type: 'signal', room: 'r', to: 'other', kind: 'offer', payload: { type: 'offer', sdp: 'v=0' } });
  assert.ok(await isPending(sent));
  socket.say({ type: 'delivered', id, to: ['other'] });
  assert.deepEqual(await sent, { peer: 'other', delivered: true });
});

test('a trace goes out with a signal, and comes in with one', async () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const { client, room, socket } = await joined();
  const drafts = [];
  client.on('signal-sent', (draft) => drafts.push(draft));
  room.signal('other', 'offer', 1, { traceparent });
  room.broadcast('chat', 'hello', { traceparent });
  room.signal('other', 'x', 2);
  const sent = () => socket.of('signal').map(({ traceparent }) => traceparent);
  assert.deepEqual(sent(), [traceparent, traceparent, undefined]);
  assert.deepEqual(drafts.map((draft) => draft.traceparent), sent());
  const heard = [];
  room.on('signal', (signal) => heard.push(signal.traceparent));
  socket.say({ type: 'signal', room: 'r', from: 'other', id: 1, kind: 'x', payload: 1, traceparent });
  socket.say({ type: 'signal', room: 'r', from: 'other', id: 2, kind: 'x', payload: 1 });
  await idle();
  assert.deepEqual(heard, [traceparent, undefined]);
});

test('an undelivered signal resolves with the reason', async () => {
  const { room, socket } = await joined();
  const sent = room.signal('nobody', 'x', 1);
  socket.say({ type: 'undelivered', id: socket.last('signal').id, to: ['nobody'], reason: 'no-such-peer' });
  assert.deepEqual(await sent, { peer: 'nobody', delivered: false, reason: 'no-such-peer' });
});

test('answers find their own signal, in whatever order they come', async () => {
  const { room, socket } = await joined();
  const sent = [1, 2, 3].map((payload) => room.signal('other', 'x', payload));
  const ids = socket.of('signal').map(({ id }) => id);
  assert.ok(ids[0] < ids[1] && ids[1] < ids[2], 'ids rise');
  socket.say({ type: 'delivered', id: ids[2], to: ['other'] });
  socket.say({ type: 'error', re: ids[0], code: 'rate-limited', message: 'Slow down.', retry_after_ms: 20 });
  socket.say({ type: 'undelivered', id: ids[1], to: ['other'], reason: 'overloaded' });
  await assert.rejects(sent[0], { code: 'rate-limited', message: 'Slow down.', retryAfterMs: 20 });
  assert.equal((await sent[1]).reason, 'overloaded');
  assert.equal((await sent[2]).delivered, true);
});

test('a broadcast resolves when everyone in done.to is answered for', async () => {
  const { room, socket } = await joined({ members: ['a', 'b', 'c'] });
  const sent = room.broadcast('chat', 'hello');
  const { id, to } = socket.last('signal');
  assert.equal(to, undefined);
  socket.say({ type: 'done', re: id, to: ['a', 'b'] });
  socket.say({ type: 'delivered', id, to: ['a'] });
  assert.ok(await isPending(sent));
  socket.say({ type: 'undelivered', id, to: ['b'], reason: 'left' });
  assert.deepEqual(await sent, [
    { peer: 'a', delivered: true },
    { peer: 'b', delivered: false, reason: 'left' },
  ]);
});

test('a broadcast to nobody resolves with nothing', async () => {
  const { room, socket } = await joined({ members: [] });
  const sent = room.broadcast('chat', 'hello');
  socket.say({ type: 'done', re: socket.last('signal').id, to: [] });
  assert.deepEqual(await sent, []);
});

test('signals over limits.in_flight are held back, and go in order', async () => {
  const { room, socket } = await joined({ limits: { in_flight: 8 } });
  const refused = assert.rejects(room.signal('other', 'x', 1), { code: 'forbidden' });
  for (const payload of [2, 3, 4]) room.signal('other', 'x', payload);
  const sent = () => socket.of('signal').map(({ payload }) => payload);
  assert.deepEqual(sent(), [1, 2]);
  socket.say({ type: 'delivered', id: socket.of('signal')[1].id, to: ['other'] });
  assert.deepEqual(sent(), [1, 2, 3]);
  socket.say({ type: 'error', re: socket.of('signal')[0].id, code: 'forbidden', message: 'x' });
  await refused;
  assert.deepEqual(sent(), [1, 2, 3, 4]);
});

test('a broadcast is one signal, and counts in the stream of each receiver', async () => {
  const { room, socket } = await joined({ members: ['a', 'b', 'c'], limits: { in_flight: 8 } });
  for (let n = 1; n <= 3; n++) room.broadcast('x', n);
  assert.equal(socket.of('signal').length, 2);
  const { id } = socket.of('signal')[0];
  socket.say({ type: 'done', re: id, to: ['a', 'b', 'c'] });
  socket.say({ type: 'delivered', id, to: ['a', 'b'] });
  assert.equal(socket.of('signal').length, 2, 'c has a place no more than before');
  socket.say({ type: 'delivered', id, to: ['c'] });
  assert.equal(socket.of('signal').length, 3);
});

test('one receiver has a quarter of in_flight: who does not confirm slows nobody else', async () => {
  const { room, socket } = await joined({ members: ['slow', 'well'], limits: { in_flight: 8 } });
  for (let n = 1; n <= 4; n++) room.signal('slow', 'x', `slow ${n}`);
  room.signal('well', 'x', 'well 1');
  const sent = () => socket.of('signal').map(({ payload }) => payload);
  assert.deepEqual(sent(), ['slow 1', 'slow 2', 'well 1']);
  socket.say({ type: 'delivered', id: socket.of('signal')[0].id, to: ['slow'] });
  assert.deepEqual(sent(), ['slow 1', 'slow 2', 'well 1', 'slow 3'], 'in order');
});

test('one receiver has a quarter of in_flight_bytes', async () => {
  const { room, socket } = await joined({ members: ['slow', 'well'], limits: { in_flight_bytes: 4_000 } });
  room.signal('slow', 'x', 'x'.repeat(500));
  room.signal('slow', 'x', 'x'.repeat(500));
  room.signal('slow', 'x', 'small, and not to go past');
  room.signal('well', 'x', 'x'.repeat(500));
  assert.deepEqual(socket.of('signal').map(({ to }) => to), ['slow', 'well']);
});

test('a broadcast goes past nothing that is held back for one of its receivers, and nothing goes past it', async () => {
  const { room, socket } = await joined({ members: ['slow', 'well'], limits: { in_flight: 4 } });
  room.signal('slow', 'x', 1);
  room.signal('slow', 'x', 2);
  room.broadcast('x', 3);
  room.signal('well', 'x', 4);
  const sent = () => socket.of('signal').map(({ payload }) => payload);
  assert.deepEqual(sent(), [1]);
  const answer = () => socket.say({ type: 'delivered', id: socket.last('signal').id, to: ['slow'] });
  answer();
  assert.deepEqual(sent(), [1, 2]);
  answer();
  assert.deepEqual(sent(), [1, 2, 3]);
});

test('a stalled receiver does not hold broadcasts back for ever', async () => {
  const { clock, room, socket } = await joined({ members: ['stalled', 'well'], limits: { in_flight: 4 } });
  room.signal('stalled', 'x', 1);
  const sent = room.broadcast('x', 2);
  await clock.advance(999);
  assert.equal(socket.of('signal').length, 1);
  await clock.advance(1);
  const { id } = socket.last('signal');
  socket.say({ type: 'done', re: id, to: ['stalled', 'well'] });
  socket.say({ type: 'undelivered', id, to: ['stalled'], reason: 'overloaded' });
  socket.say({ type: 'delivered', id, to: ['well'] });
  assert.deepEqual((await sent).map(({ delivered }) => delivered), [false, true]);
});

test('a hidden page sends what the rate held back as the gateway answers, whenever timers ring', async (context) => {
  const page = fakePage(context);
  const { clock, room, socket } = await joined({ limits: { signals_per_second: 100, burst: 40 } });
  page.document.hidden = true;
  for (let n = 0; n < 40; n++) room.signal('other', 'x', n);
  assert.equal(socket.of('signal').length, 30);
  assert.equal(socket.of('ping').length, 1, 'one at a time');
  clock.now += 50; // no timer rings
  socket.say({ type: 'pong' });
  assert.equal(socket.of('signal').length, 34);
  assert.equal(socket.of('ping').length, 2);
  clock.now += 100;
  socket.say({ type: 'pong' });
  assert.equal(socket.of('signal').length, 40);
  assert.equal(socket.of('ping').length, 2, 'and none when all is sent');
});

test('signals over limits.in_flight_bytes are held back; one alone always goes', async () => {
  const { room, socket } = await joined({ limits: { in_flight_bytes: 300 } });
  room.signal('other', 'x', 'x'.repeat(400));
  room.signal('other', 'x', 'small');
  assert.equal(socket.of('signal').length, 1);
  socket.say({ type: 'delivered', id: socket.last('signal').id, to: ['other'] });
  assert.equal(socket.of('signal').length, 2);
});

test('signals are paced below the gateway’s rate', async () => {
  const { clock, room, socket } = await joined({ limits: { signals_per_second: 100, burst: 40 } });
  for (let n = 0; n < 100; n++) room.signal('other', 'x', n);
  assert.equal(socket.of('signal').length, 30, 'three quarters of the burst');
  await clock.advance(500);
  assert.equal(socket.of('signal').length, 75, 'and then nine tenths of the rate');
  await clock.advance(500);
  assert.deepEqual(
    socket.of('signal').map(({ payload }) => payload),
    Array.from({ length: 100 }, (_, n) => n),
  );
});

test('a message that would end the connection is not sent', async () => {
  const { room, socket } = await joined({ limits: { max_message_bytes: 200 } });
  await assert.rejects(room.signal('other', 'x', '한'.repeat(60)), { code: 'too-large' });
  assert.equal(socket.of('signal').length, 0);
});

test('when the session is lost, what was sent is unconfirmed and what was held back was never sent', async () => {
  const fake = await joined({ members: ['a', 'b'], limits: { in_flight: 3 } });
  const { room, socket } = fake;
  const broadcast = room.broadcast('x', 1);
  const direct = room.signal('a', 'x', 2);
  const held = room.signal('a', 'x', 3);
  const { id } = socket.of('signal')[0];
  socket.say({ type: 'done', re: id, to: ['a', 'b'] });
  socket.say({ type: 'delivered', id, to: ['a'] });
  socket.drop();
  (await nextSocket(fake)).say(welcome('me-again'));
  assert.deepEqual(await broadcast, [
    { peer: 'a', delivered: true },
    { peer: 'b', delivered: false, reason: 'unconfirmed' },
  ]);
  assert.equal((await direct).reason, 'unconfirmed');
  assert.equal((await held).reason, 'unavailable');
});

test('without a session a signal is unavailable', async () => {
  const { client } = fakeClient();
  assert.deepEqual(await client.signal('r', 'a', 'x', 4), [{ peer: 'a', delivered: false, reason: 'unavailable' }]);
});

test('what nobody can take any more is overloaded at once', async () => {
  const { room, socket } = await joined({ members: ['a', 'b', 'c', 'd', 'e'], limits: { in_flight: 4 } });
  for (let n = 0; n < 1 + 1024; n++) room.signal('a', 'x', n);
  assert.equal((await room.signal('a', 'x', 'one too many')).reason, 'overloaded');
  room.signal('e', 'x', 'not for a');
  assert.equal(socket.last('signal').payload, 'not for a', 'one receiver has a quarter of what is held back');
  for (const to of ['b', 'c', 'd']) for (let n = 0; n < 1 + 1024; n++) room.signal(to, 'x', n);
  assert.equal((await room.broadcast('x', 'one too many'))[0].reason, 'overloaded');
});

test('bytes that nobody can take any more are overloaded at once', async () => {
  const { room } = await joined({ limits: { in_flight: 1 } });
  for (let n = 0; n < 1 + 10; n++) room.signal('other', 'x', 'x'.repeat(200_000));
  assert.equal((await room.signal('other', 'x', 'x'.repeat(200_000))).reason, 'overloaded');
});
