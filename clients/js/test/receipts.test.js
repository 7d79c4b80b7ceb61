import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakePage, joined, socketNumber, welcome } from './support.js';

const signal = (id, from = 'other') => ({ type: 'signal', room: 'r', from, id, kind: 'x', payload: id });

test('a receipt is sent at once when little happens, and only after the listeners have returned', async () => {
  const { room, socket } = await joined();
  room.on('signal', () => assert.equal(socket.of('received').length, 0));
  socket.say(signal(7));
  assert.deepEqual(socket.of('received'), [{ type: 'received', from: 'other', id: 7 }]);
});

test('a burst needs two receipts for each sender', async () => {
  const { clock, socket } = await joined({ members: ['a', 'b'] });
  for (let id = 1; id <= 100; id++) {
    socket.say(signal(id, 'a'));
    socket.say(signal(id, 'b'));
  }
  await clock.advance(10);
  assert.deepEqual(
    socket.of('received').map(({ from, id }) => [from, id]),
    [['a', 1], ['b', 100], ['a', 100]],
  );
  await clock.advance(1_000);
  assert.equal(socket.of('received').length, 3, 'nothing is said twice');
});

test('a repeat is dropped, by sender', async () => {
  const { room, socket } = await joined({ members: ['a', 'b'] });
  const heard = [];
  room.on('signal', ({ from, id }) => heard.push(`${from}${id}`));
  for (const [id, from] of [[5, 'a'], [5, 'a'], [4, 'a'], [5, 'b'], [6, 'a']]) socket.say(signal(id, from));
  assert.deepEqual(heard, ['a5', 'b5', 'a6']);
});

test('the server is no peer: it gets no receipt', async () => {
  const { room, socket } = await joined();
  const heard = [];
  room.on('signal', ({ id }) => heard.push(id));
  socket.say(signal(1, 'server'));
  socket.say(signal(1, 'server'));
  assert.deepEqual(heard, [1, 1]);
  assert.equal(socket.of('received').length, 0);
});

test('a new session starts from nothing', async () => {
  const { clock, client, room, socket } = await joined();
  socket.say(signal(50));
  socket.drop();
  await clock.advance(250);
  const second = await socketNumber(2);
  second.open();
  second.say(welcome('me-again'));
  const { id } = second.last('join');
  second.say({ type: 'joined', re: id, room: 'r', revision: 20, capacity: 64, members: [] });
  const heard = [];
  room.on('signal', (message) => heard.push(message.id));
  second.say(signal(3));
  assert.deepEqual(heard, [3]);
  assert.equal(client.peer, 'me-again');
});

test('in a hidden page each receipt goes at once, and what was gathered goes when it is hidden', async (context) => {
  const { document } = fakePage(context);
  const { socket } = await joined({ members: ['a', 'b'] });
  const ids = () => socket.of('received').map(({ from, id }) => `${from}${id}`);
  socket.say(signal(1, 'a'));
  socket.say(signal(2, 'a'));
  document.hidden = true;
  document.dispatchEvent(new Event('visibilitychange'));
  assert.deepEqual(ids(), ['a1', 'a2']);
  socket.say(signal(3, 'a'));
  socket.say(signal(1, 'b'));
  assert.deepEqual(ids(), ['a1', 'a2', 'a3', 'b1']);
});

test('a timer that rings late keeps no receipt back', async () => {
  const { clock, socket } = await joined();
  socket.say(signal(1));
  socket.say(signal(2));
  clock.now += 11; // the timer should have rung
  socket.say(signal(3));
  assert.deepEqual(socket.of('received').map(({ id }) => id), [1, 3]);
});
