/** What no tutorial's page says. It is answered, and everyone else is well. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { scenario } from '../support/scenario.js';
import { TRANSPORTS } from '../support/socketio.js';
import { until } from '../support/until.js';

/** @import { World } from '../support/world.js' */
/** @import { Gateway } from '../support/gateway.js' */

const SECRET = 'a secret only for the tests, long enough for HS256';
const OFFER = { type: 'offer', sdp: 'v=0' };

/** Two who talk to each other whatever a third does. @param {World} world @param {Gateway} gateway */
async function bystanders(world, gateway) {
  const pair = [await world.socketIoIn(gateway), await world.socketIoIn(gateway)];
  for (const client of pair) assert.equal((await client.ask('join-room', 'bystanders')).success, true);
  await pair[0].hears('user-joined');
  return async () => {
    for (const [sender, receiver] of [pair, pair.toReversed()]) {
      assert.deepEqual(await sender.ask('offer', { target: receiver.id, offer: OFFER }), { success: true });
      assert.deepEqual(await receiver.hears('offer'), { target: receiver.id, offer: OFFER, from: sender.id });
      assert.deepEqual(sender.disconnects, []);
    }
    assert.doesNotMatch(gateway.log, /panicked/);
  };
}

scenario('events that nobody knows, or without what they need, are answered', async (world) => {
  const gateway = await world.gateway();
  const areWell = await bystanders(world, gateway);
  const client = await world.socketIoIn(gateway);
  assert.deepEqual(await client.ask('sing', 'a song'), { success: false, error: 'there is no event `sing` here' });
  client.emit('sing');
  assert.deepEqual(await client.hears('error'), { code: 'bad-message', message: 'there is no event `sing` here' });

  await client.ask('join-room', 'alone');
  for (const event of ['offer', 'answer', 'ice-candidate']) {
    for (const args of [[], [null], ['text'], [{}], [{ target: 7 }], [{ target: null }], [[]], [{ offer: OFFER }]]) {
      const { success, error } = await client.ask(event, ...args);
      assert.deepEqual([success, error], [false, 'say to whom: an object with `target`'], `${event} ${JSON.stringify(args)}`);
    }
  }
  for (const args of [[], [null], [{}], [{ roomId: null }], [['alone']], [1.5], [true]]) {
    assert.deepEqual(await client.ask('join-room', ...args), { success: false, error: 'say which room: a `roomId`' }, JSON.stringify(args));
  }
  for (const room of ['', ' a', 'a ', '.', '..', 'a*', 'a\nb', '\ud83d', 'x'.repeat(129)]) assert.equal((await client.ask('join-room', room)).success, false, room);
  for (const room of ['two words', '방', '../..', 'x{b}y', '7']) assert.deepEqual(await client.ask('join-room', room), { success: true, roomId: room });
  assert.deepEqual(client.disconnects, [], 'mistakes of a page are no reason to send it away');
  await areWell();
});

scenario('deep and odd JSON is handed on or refused', async (world) => {
  const gateway = await world.gateway();
  const areWell = await bystanders(world, gateway);
  const [ada, bob] = [await world.socketIoIn(gateway), await world.socketIoIn(gateway)];
  for (const client of [ada, bob]) await client.ask('join-room', 'odd');
  const nested = (/** @type {number} */ depth) => JSON.parse('['.repeat(depth) + ']'.repeat(depth));
  assert.equal((await ada.ask('offer', { target: bob.id, offer: { deep: nested(2_000) } })).success, false);
  for (const offer of [{ deep: nested(100) }, { '': '' }, { with: { key: 'no' } }, { with: 1 }, [], 0, 'text', false]) {
    assert.deepEqual(await ada.ask('offer', { target: bob.id, offer }), { success: true });
    assert.deepEqual((await bob.hears('offer')).offer, offer, JSON.stringify(offer));
  }
  await areWell();
});

scenario('binary attachments are refused once, in their acknowledgement, and nobody is sent away for them', async (world) => {
  const gateway = await world.gateway();
  const areWell = await bystanders(world, gateway);
  const REFUSED = 'binary attachments are not taken: send JSON';
  const file = Buffer.from('picture');
  for (const transports of [TRANSPORTS['WebSocket alone'], TRANSPORTS['polling alone']]) {
    const client = await world.socketIoIn(gateway, transports);
    for (let count = 0; count < 20; count++) {
      assert.deepEqual(await client.ask('offer', { target: client.id, file, files: [file, file] }), { success: false, error: REFUSED });
    }
    assert.equal(await client.ask('connection_info', { remoteName: 'x', file }), REFUSED);
    client.emit('offer', { target: client.id, file });
    assert.deepEqual(await client.hears('error'), { code: 'bad-message', message: REFUSED });
    assert.deepEqual(await client.ask('join-room', 'binary'), { success: true, roomId: 'binary' });
    assert.deepEqual([client.rest(), client.disconnects], [[], []], 'once each');
    client.end();
  }
  await areWell();
});

scenario('what is wrong in one field costs that field', async (world) => {
  const gateway = await world.gateway({ 'auth.jwt.secret': SECRET });
  const token = await gateway.mint('--user', 'ada');
  for (const auth of [{ name: 42 }, { name: 'half \ud83d' }, { avatar: { url: 'x' } }, { userId: 1.5 }]) {
    const client = await world.socketIoIn(gateway, { auth: { token, ...auth } });
    const { code, message } = await client.hears('error');
    assert.equal(code, 'bad-message');
    assert.ok(message.startsWith(`left out: \`${Object.keys(auth)[0]}\``), message);
    client.end();
  }
  const ada = await world.socketIoIn(gateway, { auth: { token } });
  const bob = await world.socketIoIn(gateway, { auth: { token: await gateway.mint('--user', 'bob') } });
  for (const client of [ada, bob]) assert.deepEqual(await client.ask('video:join-room', { roomId: 'r' }), { success: true });
  assert.deepEqual(await ada.ask('video:state', { roomId: 'r', isMuted: 1, isVideoOff: 'yes', isSharingScreen: true }), { success: true });
  assert.match((await ada.hears('error')).message, /left out: `isVideoOff`/);
  assert.deepEqual(await bob.hears('video:user-state'), { socketId: ada.id, isMuted: true, isVideoOff: false, isSharingScreen: true });
});

scenario('a message of 2 MB ends its own connection, and its client is back by itself', async (world) => {
  const gateway = await world.gateway();
  const areWell = await bystanders(world, gateway);
  for (const [how, transports] of Object.entries(TRANSPORTS)) {
    const client = await world.socketIoIn(gateway, transports);
    const before = client.id;
    client.emit('offer', { target: client.id, offer: 'x'.repeat(2_000_000) });
    await client.untilBack(before);
    assert.match(client.disconnects.join(), /^transport (close|error)$/, how);
    assert.equal((await client.ask('join-room', 'large')).success, true);
    client.end();
  }
  await areWell();
});

scenario('there is no other namespace', async (world) => {
  const gateway = await world.gateway();
  const areWell = await bystanders(world, gateway);
  for (const namespace of ['admin', 'a/b', '방']) {
    const client = world.socketIo({ url: `${gateway.url}${namespace}` });
    assert.equal(await client.refusal(), 'Invalid namespace');
  }
  const client = await world.socketIoIn(gateway);
  const other = client.socket.io.socket('/admin');
  const [{ message }] = await once(other.connect(), 'connect_error');
  assert.equal(message, 'Invalid namespace');
  assert.equal((await client.ask('join-room', 'root')).success, true, 'the one beside it goes on');
  await areWell();
});

/** Whoever connects without any library. @param {Gateway} gateway @param {string} [query] */
async function bare(gateway, query = 'EIO=4&transport=websocket') {
  const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}socket.io/?${query}`);
  const heard = /** @type {string[]} */ ([]);
  let closed = false;
  socket.on('message', (data) => heard.push(data.toString()));
  socket.on('close', () => (closed = true));
  socket.on('error', () => (closed = true));
  await until('it is open or not', () => socket.readyState !== WebSocket.CONNECTING);
  return { socket, heard, isClosed: () => closed };
}

scenario('rubbish over a bare WebSocket is answered or ends its own connection', async (world) => {
  const gateway = await world.gateway({ 'session.hello_timeout_ms': 1_000 });
  const areWell = await bystanders(world, gateway);
  const RUBBISH = ['', 'x', '4', '4x', '42', '42[', '42[]', '42{}', '42["', '42[1]', '4299999999999999999999["a"]', '43', '439[]', '44{}', '451-["a"]', '46', '4\u0000', '40x', '42/admin,["a"]', '6', '1', '2probe', '5'];
  for (const greeting of [undefined, '40', '40{"userId":"ada"}', '40["no object"]', '40{']) {
    for (const rubbish of RUBBISH) {
      const { socket, heard, isClosed } = await bare(gateway);
      if (greeting) socket.send(greeting);
      socket.send(rubbish);
      socket.send('42["join-room","rubbish"]');
      socket.send('1'); // the end, where it is still there
      await until(`it is over after ${greeting} and ${rubbish}`, () => isClosed() || heard.some((text) => text.startsWith('42["error"')));
      socket.terminate();
    }
  }
  for (const query of ['', 'EIO=3&transport=websocket', 'EIO=4&transport=carrier-pigeon', 'EIO=4&transport=websocket&sid=AAAAAAAAAAAAAAAA', 'transport=websocket', 'EIO=4&transport=websocket&sid=%00']) {
    const { isClosed } = await bare(gateway, query);
    await until(`«${query}» is refused`, isClosed);
  }
  await areWell();
});

scenario('nobody takes over a polling connection by its public id', async (world) => {
  const gateway = await world.gateway();
  const areWell = await bystanders(world, gateway);
  const client = await world.socketIoIn(gateway, TRANSPORTS['polling alone']);
  const url = `${gateway.url}socket.io/?EIO=4&transport=polling&sid=${client.id}`;
  assert.equal((await fetch(url)).status, 400);
  assert.equal((await fetch(url, { method: 'POST', body: '41' })).status, 400);
  assert.equal((await client.ask('join-room', 'mine')).success, true);
  await areWell();
});
