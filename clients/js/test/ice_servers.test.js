import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { Call } from '../src/call.js';
import { Emitter } from '../src/emitter.js';
import { FakeRtc } from './fake_rtc.js';
import { connected, idle, joined } from './support.js';

FakeRtc.install();

const turn = (credential) => [{ urls: ['turn:turn.example.org'], username: `1:${credential}`, credential }];

class FakeMedia extends Emitter {
  stream = new MediaStream();
  state = { muted: true, video_off: true, sharing_screen: false };
}

const calls = [];
afterEach(() => {
  for (const call of calls.splice(0)) call.leave();
});

/** In a call with one other, with these servers. */
async function inCall(iceServers) {
  const fake = await joined({ state: new FakeMedia().state });
  globalThis.RTCPeerConnection = FakeRtc;
  const configured = [];
  FakeRtc.prototype.setConfiguration = function (configuration) {
    configured.push(configuration.iceServers);
  };
  calls.push(new Call(fake.room, new FakeMedia(), { iceServers }));
  await idle();
  return { ...fake, configured };
}

test('renewed servers are in `welcome`, and an event tells of them', async () => {
  const { client, socket } = await connected();
  const heard = [];
  client.on('ice-servers', ({ iceServers }) => heard.push(iceServers));
  socket.say({ type: 'ice-servers', ice_servers: turn('new'), ttl_s: 14_400 });
  assert.deepEqual(heard, [turn('new')]);
  assert.deepEqual(client.welcome.ice_servers, turn('new'));
});

test('a call that has the gateway’s servers takes their new credentials, without a restart', async () => {
  const { socket, configured } = await inCall(turn('old'));
  const before = socket.of('signal').length;
  socket.say({ type: 'ice-servers', ice_servers: turn('new'), ttl_s: 14_400 });
  await idle();
  assert.deepEqual(configured, [turn('new')]);
  assert.equal(socket.of('signal').length, before);
});

test('a call that was made while the gateway had none takes those that come', async () => {
  const { socket, configured } = await inCall([]);
  socket.say({ type: 'ice-servers', ice_servers: turn('first'), ttl_s: 14_400 });
  await idle();
  assert.deepEqual(configured, [turn('first')]);
});

test('a call that was made without servers stays without', async () => {
  const { socket, configured } = await inCall(undefined);
  socket.say({ type: 'ice-servers', ice_servers: turn('first'), ttl_s: 14_400 });
  await idle();
  assert.deepEqual(configured, []);
});

test('a call with servers of its own keeps them', async () => {
  const { socket, configured } = await inCall([{ urls: 'stun:own.example.org' }]);
  socket.say({ type: 'ice-servers', ice_servers: turn('new'), ttl_s: 14_400 });
  await idle();
  assert.deepEqual(configured, []);
});
