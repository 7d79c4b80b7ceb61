import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Call } from '../src/call.js';
import { Emitter } from '../src/emitter.js';
import { FakeRtc } from './fake_rtc.js';
import { idle, joined, member, socketNumber, welcome } from './support.js';

FakeRtc.install();

class FakeMedia extends Emitter {
  stream = new MediaStream();
  audioTrack = { kind: 'audio' };
  videoTrack = undefined;
  state = { muted: false, video_off: true, sharing_screen: false };

  change(state) {
    this.state = { ...this.state, ...state };
    this.emit('changed', this.state);
  }
}

async function inCall(options) {
  const media = new FakeMedia();
  const fake = await joined({ state: media.state, ...options });
  globalThis.RTCPeerConnection = FakeRtc;
  const call = new Call(fake.room, media);
  const events = [];
  for (const name of ['tile-added', 'tile-removed']) {
    call.on(name, ({ member: { peer } }) => events.push(`${name} ${peer}`));
  }
  return { ...fake, media, call, events };
}

/** Receivers of this client's offers. */
const offered = (socket) => socket.of('signal').filter(({ kind }) => kind === 'offer').map(({ to }) => to);

test('a newcomer waits for the offers of those who were there, and offers to those who come later', async () => {
  const { call, socket, events } = await inCall({ members: ['a', 'b'] });
  await idle();
  assert.deepEqual(call.tiles.map((tile) => tile.member.peer), ['a', 'b']);
  assert.deepEqual(offered(socket), []);
  socket.say({ type: 'member-joined', room: 'r', revision: 11, member: member('c', 9) });
  await idle();
  assert.deepEqual(offered(socket), ['c']);
  assert.deepEqual(events, ['tile-added c']);
});

test('an offer is answered to the one who made it', async () => {
  const { socket } = await inCall({ members: ['a', 'b'] });
  socket.say({ type: 'signal', room: 'r', from: 'b', id: 1, kind: 'offer', payload: { type: 'offer', sdp: 'o' } });
  await idle();
  await idle();
  const { to, kind } = socket.last('signal');
  assert.deepEqual([to, kind], ['b', 'answer']);
});

test('muting is told to the room as member state', async () => {
  const { media, socket } = await inCall();
  assert.equal(socket.of('state').length, 0, 'the join told it already');
  media.change({ muted: true });
  assert.deepEqual(socket.last('state').state, { muted: true });
});

test('who leaves takes the tile along', async () => {
  const { call, socket, events } = await inCall();
  socket.say({ type: 'member-left', room: 'r', revision: 11, peer: 'other', reason: 'left' });
  assert.deepEqual(events, ['tile-removed other']);
  assert.deepEqual(call.tiles, []);
});

test('after a lost session every connection is built anew, with the new order', async () => {
  const { clock, socket, events } = await inCall();
  socket.drop();
  assert.deepEqual(events, [], 'media goes on without the gateway');
  await clock.advance(250);
  const second = await socketNumber(2);
  second.open();
  second.say(welcome('me-again'));
  const members = [member('me-again', 3), member('other-again', 4)];
  second.say({ type: 'joined', re: second.last('join').id, room: 'r', revision: 20, capacity: 64, members });
  await idle();
  assert.deepEqual(events, ['tile-removed other', 'tile-added other-again']);
  assert.deepEqual(offered(second), ['other-again']);
});

test('a call ends with its room', async () => {
  const { call, socket, events } = await inCall();
  const ended = [];
  call.on('ended', ({ error }) => ended.push(error.code));
  socket.say({ type: 'room-closed', room: 'r', reason: 'over' });
  assert.deepEqual(ended, ['room-closed']);
  assert.deepEqual(events, ['tile-removed other']);
});

test('hanging up leaves the room and keeps the camera', async () => {
  const { call, socket, events } = await inCall();
  const leaving = call.leave();
  socket.say({ type: 'left', re: socket.last('leave').id, room: 'r' });
  await leaving;
  assert.deepEqual(events, ['tile-removed other']);
});
