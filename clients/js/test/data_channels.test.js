import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DataChannels } from '../src/data_channels.js';
import { FakeRtc } from './fake_rtc.js';

FakeRtc.install();

function connected() {
  const heard = [];
  const data = new DataChannels((topic, message) => heard.push([topic, message]));
  const rtc = new FakeRtc();
  data.begin(rtc);
  return { data, rtc, heard };
}

test('what is said before the channel is open is held, copied, and sent in order', () => {
  const { data, rtc } = connected();
  const bytes = new Uint8Array([1, 2]);
  assert.equal(data.send('first', 'chat', true), true);
  assert.equal(data.send(bytes, 'chat', true), true);
  assert.equal(rtc.channels.length, 0, 'there is nothing to put it on yet');
  bytes[0] = 9;
  data.ready(rtc);
  const [channel] = rtc.channels;
  assert.deepEqual([channel.label, channel.sent], ['chat', []]);
  channel.open();
  data.send('third', 'chat', true);
  assert.deepEqual(channel.sent, ['first', new Uint8Array([1, 2]), 'third']);
  assert.equal(rtc.channels.length, 1);
});

test('a topic has a channel for what must arrive and one for what may be lost', () => {
  const { data, rtc } = connected();
  data.ready(rtc);
  for (const reliable of [true, false, true]) data.send('x', 'pointer', reliable);
  assert.equal(rtc.channels.length, 2);
});

test('more than a MiB on its way to one member is refused, held or buffered', () => {
  const { data, rtc } = connected();
  const part = new Uint8Array(65_536);
  for (let count = 0; count < 16; count++) assert.equal(data.send(part, '', true), true);
  assert.equal(data.send('x', '', true), false);
  assert.equal(data.send('x', 'another topic', true), true);
  data.ready(rtc);
  const [channel] = rtc.channels;
  channel.open();
  assert.equal(data.send('x', '', true), true);
  channel.bufferedAmount = 1_048_576;
  assert.equal(data.send('x', '', true), false);
});

test('another RTCPeerConnection gets channels of its own, and what was not sent', () => {
  const { data, rtc } = connected();
  data.ready(rtc);
  data.send('held', 'chat', true);
  const next = new FakeRtc();
  data.begin(next);
  data.ready(next);
  next.channels[0].open();
  assert.deepEqual(next.channels[0].sent, ['held']);
});

test('channels that the application opens beside these are left to it', () => {
  const { rtc, heard } = connected();
  rtc.offerChannel('chat', 'switchboard').onmessage({ data: 'hello' });
  assert.equal(rtc.offerChannel('files', '').onmessage, undefined);
  assert.deepEqual(heard, [['chat', 'hello']]);
});
