import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SignalLog, SIGNALS_MAX } from '../demo/signal_log.js';
import { joined } from './support.js';

const incoming = (id, payload) => ({ type: 'signal', room: 'r', from: 'other', id, kind: 'chat', payload });

test('signals are logged both ways, without what they say', async () => {
  const { client, room, socket } = await joined();
  const told = [];
  const log = new SignalLog(client, room, (signal) => told.push(signal));
  socket.say(incoming(1, '한'));
  room.signal('other', 'offer', { sdp: '' });
  room.broadcast('bell');
  client.signal('elsewhere', 'x', 'offer', {});
  const short = ({ direction, kind, peer, bytes }) => [direction, kind, peer, bytes];
  assert.deepEqual(log.signals.map(short), [['in', 'chat', 'other', 5], ['out', 'offer', 'other', 10], ['out', 'bell', undefined, 4]]);
  assert.deepEqual(told, log.signals);
  assert.ok(told.every(({ at }) => at instanceof Date));

  log.stop();
  room.broadcast('bell');
  assert.equal(log.signals.length, 3);
});

test('the log keeps the last ones', async () => {
  const { client, room, socket } = await joined();
  const log = new SignalLog(client, room, () => {});
  for (let id = 1; id <= SIGNALS_MAX + 10; id += 1) socket.say(incoming(id, id));
  assert.equal(log.signals.length, SIGNALS_MAX);
  assert.equal(log.signals.at(-1).bytes, 2);
});
