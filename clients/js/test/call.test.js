import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { Call } from '../src/call.js';
import { Emitter } from '../src/emitter.js';
import { FakeRtc } from './fake_rtc.js';
import { countListeners, FakeStorage, fakeClient, fakePage, idle, joined, member, nextSocket, snapshot, socketNumber, welcome, welcomeBack } from './support.js';

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

const calls = [];
afterEach(() => {
  for (const call of calls.splice(0)) call.leave();
});

function makeCall(room, media = new FakeMedia()) {
  const call = new Call(room, media);
  calls.push(call);
  return call;
}

async function inCall(options) {
  const media = new FakeMedia();
  const fake = await joined({ state: media.state, ...options });
  globalThis.RTCPeerConnection = FakeRtc;
  const call = makeCall(fake.room, media);
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

test('a call that is made after its offers came answers them', async () => {
  const { clock, room, socket } = await joined({ listens: false });
  socket.say({ type: 'signal', room: 'r', from: 'other', id: 1, kind: 'offer', payload: { type: 'offer', sdp: 'o' } });
  socket.say({ type: 'signal', room: 'r', from: 'other', id: 2, kind: 'candidate', payload: { candidate: 'c' } });
  await clock.advance(300);
  assert.deepEqual(socket.of('received'), []);
  const call = makeCall(room);
  await idle();
  await idle();
  assert.equal(socket.last('signal').kind, 'answer');
  assert.deepEqual(call.tiles[0].peerConnection.candidates, ['c']);
  assert.equal(socket.of('received').at(0).id, 1);
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

test('after a lost session every connection is built again, with the new order', async () => {
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

test('who is away stays in the call, and so does everyone when this client was', async () => {
  const { call, clock, socket, events } = await inCall();
  const looks = [];
  call.on('tile-changed', ({ member: { connection } }) => looks.push(connection));
  socket.say({ type: 'member-updated', room: 'r', revision: 11, peer: 'other', connection: 'away' });
  socket.say({ type: 'member-updated', room: 'r', revision: 12, peer: 'other', connection: 'live' });
  assert.deepEqual(looks, ['away', 'live']);
  socket.drop();
  const second = await nextSocket({ clock });
  second.say(welcomeBack([snapshot([member('other', 1), member('me', 2)], 12)]));
  assert.deepEqual(events, []);
});

test('a resumed session and a new network look for another path to everyone', async (context) => {
  const page = fakePage(context);
  const { clock, socket } = await inCall();
  socket.say({ type: 'signal', room: 'r', from: 'other', id: 1, kind: 'offer', payload: { type: 'offer', sdp: 'o' } });
  await idle();
  await idle();
  assert.deepEqual(offered(socket), []);
  page.fire('online');
  await idle();
  await idle();
  assert.deepEqual(offered(socket), ['other']);
  socket.say({ type: 'signal', room: 'r', from: 'other', id: 2, kind: 'answer', payload: { type: 'answer', sdp: 'a' } });
  await idle();
  await idle();
  for (const { id } of socket.of('signal')) socket.say({ type: 'delivered', id, to: ['other'] });
  socket.drop();
  const second = await nextSocket({ clock });
  second.say(welcomeBack([snapshot([member('other', 1), member('me', 2)])]));
  await idle();
  await idle();
  assert.deepEqual(offered(second), ['other']);
});

test('moving from a draining gateway leaves the media alone', async () => {
  const { clock, socket } = await inCall();
  socket.say({ type: 'signal', room: 'r', from: 'other', id: 1, kind: 'offer', payload: { type: 'offer', sdp: 'o' } });
  await idle();
  await idle();
  for (const { id } of socket.of('signal')) socket.say({ type: 'delivered', id, to: ['other'] });
  socket.say({ type: 'drain', reconnect_after_ms: 100, deadline_ms: 1_000 });
  const second = await nextSocket({ clock });
  second.say(welcomeBack([snapshot([member('other', 1), member('me', 2)])]));
  await idle();
  await idle();
  assert.deepEqual(second.of('signal'), []);
});

test('a page that was loaded again offers to everyone: nobody else would', async (context) => {
  const page = fakePage(context);
  const storage = new FakeStorage();
  await inCall({ storage });
  page.fire('pagehide');
  const { client } = fakeClient({ storage });
  client.connect();
  const socket = await socketNumber(1);
  socket.open();
  const state = new FakeMedia().state;
  socket.say(welcomeBack([snapshot([member('other', 1), member('me', 2, state), member('late', 3)])]));
  makeCall(await client.join('r', { state }));
  await idle();
  assert.deepEqual(offered(socket).sort(), ['late', 'other']);
});

test('a call ends with its room, its session or its client, and leaves nothing behind', async (context) => {
  const page = fakePage(context);
  const listeners = countListeners(page);
  for (const [code, end] of [
    ['left', ({ room }) => void room.leave()],
    ['left', ({ client }) => void client.leave('r')],
    ['bye', ({ client }) => client.close()],
    ['room-closed', ({ socket }) => socket.say({ type: 'room-closed', room: 'r', reason: 'over' })],
    ['kicked', ({ socket }) => socket.say({ type: 'member-left', room: 'r', revision: 11, peer: 'me', reason: 'kicked' })],
    ['superseded', ({ socket }) => socket.drop(4409)],
    ['protocol', ({ socket }) => socket.drop(4400)],
  ]) {
    const fake = await inCall();
    const [{ peerConnection }] = fake.call.tiles;
    const before = listeners();
    const ended = [];
    fake.call.on('ended', ({ error }) => ended.push(error.code));
    end(fake);
    assert.deepEqual([ended, fake.events, fake.call.tiles], [[code], ['tile-removed other'], []], code);
    assert.equal(peerConnection.connectionState, 'closed', code);
    assert.ok(listeners() < before, code);
    fake.media.change({ muted: true });
    assert.deepEqual(fake.socket.of('state'), [], code);
    fake.client.close();
    assert.equal(listeners(), 0, code);
  }
});

test('a call in a room that had ended says so', async () => {
  const fake = await joined();
  fake.room.leave();
  const media = new FakeMedia();
  const ended = [];
  const call = new Call(fake.room, media);
  call.on('ended', ({ error }) => ended.push(error.code));
  const over = new Call(fake.room, media);
  over.on('ended', () => ended.push('again'));
  over.hangUp();
  await idle();
  assert.deepEqual(ended, ['left']);
});

test('a call outlives a token that ran out: another one brings the session back', async () => {
  const { call, client, socket, events } = await inCall();
  socket.drop(4401);
  assert.equal(client.state, 'closed');
  assert.deepEqual(events, []);
  call.leave();
  client.close();
});

test('hanging up leaves the room and keeps the camera', async () => {
  const { call, socket, events } = await inCall();
  const leaving = call.leave();
  socket.say({ type: 'left', re: socket.last('leave').id, room: 'r' });
  await leaving;
  assert.deepEqual(events, ['tile-removed other']);
});

test('hanging up tells the others and stays in the room; a call after that offers to everyone', async () => {
  const { call, media, room, socket, events } = await inCall({ members: ['a', 'b'] });
  let over = false;
  const hangingUp = call.hangUp().then(() => (over = true));
  const told = socket.of('signal').filter(({ kind }) => kind === 'hang-up');
  assert.deepEqual(told.map(({ to }) => to), ['a', 'b']);
  assert.deepEqual(events, ['tile-removed a', 'tile-removed b']);
  await idle();
  assert.equal(over, false);
  for (const { id, to } of told) socket.say({ type: 'delivered', id, to: [to] });
  await hangingUp;
  assert.equal(room.joined, true);
  assert.deepEqual(socket.of('leave'), []);
  makeCall(room, media);
  await idle();
  assert.deepEqual(offered(socket), ['a', 'b']);
});

test('who hangs up loses the tile, and has it back with an offer', async () => {
  const { call, room, socket, events } = await inCall();
  const signal = (id, kind, payload) => socket.say({ type: 'signal', room: 'r', from: 'other', id, kind, payload });
  signal(1, 'hang-up', null);
  assert.equal(room.others.length, 1);
  signal(2, 'candidate', { candidate: 'late' });
  assert.deepEqual(call.tiles, []);
  signal(3, 'offer', { type: 'offer', sdp: 'o' });
  await idle();
  await idle();
  assert.deepEqual(events, ['tile-removed other', 'tile-added other']);
  assert.equal(socket.last('signal').kind, 'answer');
});

test('renewed ICE servers reach running connections and those to come', async () => {
  const { call, socket } = await inCall();
  const [tile] = call.tiles;
  const iceServers = [{ urls: 'stun:stun.example' }];
  call.setIceServers(iceServers);
  assert.deepEqual(tile.peerConnection.configuration, { iceServers });
  socket.say({ type: 'member-joined', room: 'r', revision: 11, member: member('late', 9) });
  assert.deepEqual(call.tiles[1].peerConnection.configuration, { iceServers });
});

test('data goes to everyone or to one, comes with its member, and may not be too large', async () => {
  const { call, socket } = await inCall({ members: ['a', 'b'] });
  assert.deepEqual(call.publishData('hello', { topic: 'chat' }), ['a', 'b']);
  assert.deepEqual(call.publishData('psst', { topic: 'chat', to: 'b' }), ['b']);
  assert.deepEqual(call.publishData('psst', { to: 'nobody' }), []);
  assert.throws(() => call.publishData('ä'.repeat(32_769)), { code: 'too-large' });
  socket.say({ type: 'signal', room: 'r', from: 'b', id: 1, kind: 'offer', payload: { type: 'offer', sdp: 'o' } });
  await idle();
  await idle();
  const rtc = call.tiles[1].peerConnection;
  rtc.channels[0].open();
  assert.deepEqual(rtc.channels[0].sent, ['hello', 'psst']);
  const heard = [];
  call.on('data-received', ({ member: { peer }, topic, data }) => heard.push([peer, topic, data]));
  rtc.offerChannel('chat', 'switchboard').onmessage({ data: 'hi' });
  assert.deepEqual(heard, [['b', 'chat', 'hi']]);
});
