/** Engine.IO below Socket.IO, with the library of the pages: polling, WebSocket, and the way from one to the other. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { WebSocket } from 'ws';
import { scenario } from '../support/scenario.js';
import { TRANSPORTS } from '../support/socketio.js';
import { until } from '../support/until.js';

/** @import { World } from '../support/world.js' */

/** @param {import('../support/socketio.js').SocketIoClient} client */
const engineOf = (client) => /** @type {any} */ (client.socket.io).engine;

/** What a network between the page and the node may do to the WebSocket that is to take over. */
const FAILURES = /** @type {Record<string, (socket: WebSocket) => void>} */ ({
  'dropped after 101': (socket) => socket.on('open', () => socket.terminate()),
  'dropped after 2probe': (socket) => socket.on('open', () => socket.send('2probe', () => socket.terminate())),
  'dropped after 3probe': (socket) => socket.on('open', () => socket.send('2probe')).on('message', () => socket.terminate()),
  silent: () => {},
  'silent after 2probe': (socket) => socket.on('open', () => socket.send('2probe')),
});

for (const [how, fail] of Object.entries(FAILURES)) {
  scenario(`a WebSocket that is to take over is ${how}: the client polls on, and the next one takes over`, async (world) => {
    const gateway = await world.gateway();
    const ada = await world.socketIoIn(gateway, { ...TRANSPORTS['polling alone'], auth: { userId: 'ada' } });
    const before = ada.id;
    const { sid } = engineOf(ada).transport.query;
    const address = `${gateway.url.replace('http', 'ws')}socket.io/?EIO=4&transport=websocket&sid=${sid}`;
    const socket = new WebSocket(address);
    socket.on('error', () => {});
    fail(socket);
    await until('it was opened', () => socket.readyState !== WebSocket.CONNECTING);
    for (let number = 0; number < 20; number++) {
      assert.deepEqual(await ada.ask('create-room', `room-${number}`), { success: true, roomId: `room-${number}` });
    }
    const next = new WebSocket(address);
    const said = /** @type {string[]} */ ([]);
    next.on('message', (text) => said.push(String(text)));
    next.on('open', () => next.send('2probe'));
    await until('it is probed', () => said.includes('3probe'));
    next.terminate();
    assert.equal((await ada.ask('join-room', 'room-0')).success, true);
    assert.deepEqual([ada.id, ada.disconnects], [before, []]);
    socket.terminate();
  });
}

/**
 * A proxy that lets the handshake of a WebSocket through, and then does this to it.
 *
 * @param {{ url: string }} gateway @param {(client: import('node:net').Socket) => void} harm
 */
async function hostileProxy(gateway, harm) {
  const { hostname, port } = new URL(gateway.url);
  let upgrades = 0;
  const server = createServer((client) => {
    const node = connect(Number(port), hostname);
    for (const socket of [client, node]) socket.on('error', () => {});
    client.on('close', () => node.destroy());
    node.on('close', () => client.destroy());
    client.once('data', (head) => {
      const isUpgrade = String(head).includes('transport=websocket');
      node.write(head);
      if (!isUpgrade) return void client.pipe(node).pipe(client);
      upgrades++;
      node.once('data', (answer) => client.write(answer, () => harm(client)));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: own } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return { url: `http://127.0.0.1:${own}/`, upgrades: () => upgrades, stop: () => server.close() };
}

for (const [how, harm] of /** @type {const} */ ([
  ['drops WebSockets after their handshake', (/** @type {import('node:net').Socket} */ client) => client.destroy()],
  ['swallows what WebSockets say', () => {}],
])) {
  scenario(`behind a proxy that ${how}, a page goes on polling`, async (world) => {
    const gateway = await world.gateway();
    const proxy = await hostileProxy(gateway, harm);
    try {
      const ada = await world.socketIoIn(proxy, {});
      const before = ada.id;
      await until('it tried a WebSocket', () => proxy.upgrades() > 0);
      for (let number = 0; number < 20; number++) assert.equal((await ada.ask('create-room', `room-${number}`)).success, true);
      assert.deepEqual([ada.id, ada.disconnects, engineOf(ada).transport.name], [before, [], 'polling']);
      ada.end();
    } finally {
      proxy.stop();
    }
  });
}

scenario('messages of both sides keep their order while the client moves from polling to WebSocket, and none is lost', async (world) => {
  const gateway = await world.gateway({ 'limits.signals_per_second': 10_000, 'limits.burst': 10_000 });
  const bob = await world.socketIoIn(gateway, TRANSPORTS['WebSocket alone']);
  await bob.ask('join-room', 'study');
  for (let round = 0; round < 5; round++) {
    const ada = await world.socketIoIn(gateway, {});
    await ada.ask('join-room', 'study');
    const moved = () => engineOf(ada).transport.name === 'websocket';
    let sent = 0;
    const say = () => {
      ada.emit('offer', { target: bob.id, offer: { number: sent } });
      bob.emit('offer', { target: ada.id, offer: { number: sent } });
      sent++;
    };
    await until('it has moved', () => (say(), moved()));
    for (let more = 0; more < 50; more++) say();
    const numbers = (/** @type {any[][]} */ heard) => heard.filter(([event]) => event === 'offer').map(([, { offer }]) => offer.number);
    for (const client of [ada, bob]) {
      await until('all came', () => numbers(client.heard).length, (count) => count >= sent);
      assert.deepEqual(numbers(client.heard), Array.from({ length: sent }, (_, number) => number));
      client.rest();
    }
    assert.deepEqual(ada.disconnects, []);
    ada.end();
  }
});

for (const [how, options] of Object.entries(TRANSPORTS)) {
  scenario(`over ${how}, the first thing that a node says is no ping`, async (world) => {
    const gateway = await world.gateway();
    const ada = world.socketIo(gateway, { ...options, autoConnect: false });
    const packets = /** @type {string[]} */ ([]);
    ada.socket.io.on('open', () => engineOf(ada).on('packet', (/** @type {{ type: string }} */ { type }) => packets.push(type)));
    ada.socket.connect();
    await ada.untilIn();
    for (let number = 0; number < 5; number++) await ada.ask('create-room', `room-${number}`);
    assert.ok(!packets.includes('ping'), String(packets));
  });
}

scenario('a client of an allowed origin polls with headers of its own', async (world) => {
  const origin = 'https://app.example.com';
  const gateway = await world.gateway({ origins: origin });
  const preflight = await fetch(`${gateway.url}socket.io/?EIO=4&transport=polling&t=x`, {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'GET', 'access-control-request-headers': 'x-client-version' },
  });
  assert.equal(preflight.headers.get('access-control-allow-headers'), 'x-client-version');
  const extraHeaders = { origin, 'x-client-version': '7' };
  const ada = await world.socketIoIn(gateway, { ...TRANSPORTS['polling alone'], extraHeaders });
  assert.equal((await ada.ask('create-room', 'study')).success, true);
});
