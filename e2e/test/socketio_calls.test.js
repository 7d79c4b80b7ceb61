/** Pages of the tutorial with calls by name. Two clients, each on a gateway of its own. */
import assert from 'node:assert/strict';
import { scenario } from '../support/scenario.js';
import { TRANSPORTS } from '../support/socketio.js';
import { until } from '../support/until.js';

/** @import { World } from '../support/world.js' */
/** @import { SocketIoClient } from '../support/socketio.js' */

const OFFER = { type: 'offer', sdp: 'v=0\r\n' };
const ANSWER = { type: 'answer', sdp: 'v=0\r\n' };
const CANDIDATE = { candidate: 'candidate:1 1 udp 1 127.0.0.1 9 typ host', sdpMid: '0', sdpMLineIndex: 0 };
const ABSENT = 'the other side is not connected';

/** Whatever clients of this tutorial may say in it. */
const INFO = [
  { type: 'offer', sdp: OFFER },
  { type: 'answer', sdp: ANSWER },
  { type: 'candidate', candidate: CANDIDATE },
  { type: 'candidate', candidate: null },
  { type: 'sdp', sdp: OFFER },
  { type: 'ice', ice: CANDIDATE },
  { ...OFFER },
  { type: 'hang-up', reason: { code: 7, words: '끊었습니다' } },
];

/** @param {World} world @param {object} [options] @param {Record<string, string | number>} [settings] */
async function adaAndBob(world, options, settings) {
  const [first, second] = await world.cluster({ 'cluster.lease_ms': 2_000, ...settings });
  const ada = await called(world.socketIo(first, options), 'ada');
  const bob = await called(world.socketIo(second, options), 'bob');
  await untilThere(ada, 'bob');
  await bob.hears('request_connection');
  return { first, second, ada, bob };
}

/** Registers a name, as the page does once it is connected. @param {SocketIoClient} client @param {string} name */
async function called(client, name) {
  await client.untilIn();
  assert.equal(await client.ask('init', name), null);
  return client;
}

for (const [how, options] of Object.entries(TRANSPORTS)) {
  scenario(`one calls the other by name, over ${how}`, async (world) => {
    const { ada, bob } = await adaAndBob(world, options);
    assert.equal(await ada.ask('request_connection', 'bob'), null);
    assert.equal(await bob.hears('request_connection'), 'ada');
    assert.equal(await bob.ask('cancel_connection', 'ada'), null);
    assert.equal(await ada.hears('cancel_connection'), 'bob');
    for (const info of INFO) {
      assert.equal(await ada.ask('connection_info', { remoteName: 'bob', ...info }), null);
      assert.deepEqual(await bob.hears('connection_info'), { remoteName: 'bob', ...info });
    }
    ada.emit('connection_info', { remoteName: 'bob', candidate: CANDIDATE });
    assert.deepEqual(await bob.hears('connection_info'), { remoteName: 'bob', type: 'candidate', candidate: CANDIDATE });
    assert.deepEqual([ada.rest(), bob.rest()], [[], []], 'nothing else was said');

    bob.end();
    await untilAbsent(ada, 'bob');
  });
}

scenario('a callback is told the truth: null, or in words that nobody of this name is there', async (world) => {
  const { first, ada, bob } = await adaAndBob(world, {}, { error_texts: 'ko' });
  for (const event of ['request_connection', 'cancel_connection']) {
    assert.equal(await ada.ask(event, 'nobody'), '상대방이 접속해있지 않습니다.');
  }
  assert.equal(await ada.ask('connection_info', { remoteName: 'nobody', ...INFO[0] }), '상대방이 접속해있지 않습니다.');
  assert.match(await ada.ask('connection_info', { type: 'offer', sdp: OFFER }), /`remoteName`/);
  assert.match(await ada.ask('request_connection'), /a name/);
  for (const name of [undefined, null, '', 7, { name: 'ada' }, 'x'.repeat(257)]) assert.match(await ada.ask('init', name), /your name/);
  const unnamed = await world.socketIoIn(first);
  assert.match(await unnamed.ask('request_connection', 'bob'), /`init`/);
  assert.deepEqual(bob.rest(), []);
});

scenario('callbacks may be left out', async (world) => {
  const { ada, bob } = await adaAndBob(world);
  ada.emit('request_connection', 'bob');
  assert.equal(await bob.hears('request_connection'), 'ada');
  bob.emit('connection_info', { remoteName: 'ada', type: 'offer', sdp: OFFER });
  assert.deepEqual(await ada.hears('connection_info'), { remoteName: 'ada', type: 'offer', sdp: OFFER });
  bob.emit('request_connection', 'nobody');
  assert.deepEqual(await bob.hears('error'), { code: 'offline', message: ABSENT });
});

scenario('who takes another name is called by that one and no longer by the first', async (world) => {
  const { ada, bob } = await adaAndBob(world);
  assert.equal(await bob.ask('init', '하은'), null);
  await untilAbsent(ada, 'bob');
  await untilThere(ada, '하은');
  bob.rest();
  assert.equal(await ada.ask('request_connection', '하은'), null);
  assert.equal(await bob.hears('request_connection'), 'ada');
  bob.emit('request_connection', 'ada');
  assert.equal(await ada.hears('request_connection'), '하은');
});

scenario('the newest has the name, as a page that was loaded again; the earlier one is told, and its end changes nothing', async (world) => {
  const { first, second, ada, bob } = await adaAndBob(world);
  const reloaded = await called(world.socketIo(first), 'bob');
  assert.equal((await bob.hears('error')).code, 'name-taken');
  await until('the new one is rung', async () => (await ada.ask('request_connection', 'bob'), reloaded.heard.length > 0));
  bob.end();
  await until('the earlier one is gone', () => second.connections(), (count) => count === 0);
  reloaded.rest();
  assert.equal(await ada.ask('request_connection', 'bob'), null);
  assert.equal(await reloaded.hears('request_connection'), 'ada');
});

scenario('where tokens name another user, a name stays with the user that has it', async (world) => {
  const settings = { 'auth.jwt.secret': 'a secret only for the tests, long enough for HS256', error_texts: 'ko' };
  const gateway = await world.gateway(settings);
  const as = async (/** @type {string} */ user) => world.socketIoIn(gateway, { auth: { token: await gateway.mint('--user', user) } });
  const [ada, mallory] = [await as('ada'), await as('mallory')];
  await called(ada, 'ada');
  assert.equal(await mallory.ask('init', 'ada'), '이미 사용 중인 이름입니다');
  assert.equal(await mallory.ask('init', 'mallory'), null);
  await untilThere(mallory, 'ada');
  assert.equal(await ada.hears('request_connection'), 'mallory');
  await called(await as('ada'), 'ada'); // from another page of hers
  assert.equal((await ada.hears('error')).code, 'name-taken');
});

/** It takes a moment until it has come round to other nodes that somebody is there. @param {SocketIoClient} client @param {string} name */
async function untilThere(client, name) {
  await until(`${name} is there`, () => client.ask('request_connection', name), (answer) => answer === null);
}

/** Or gone. @param {SocketIoClient} client @param {string} name */
async function untilAbsent(client, name) {
  await until(`${name} is absent`, () => client.ask('request_connection', name), (answer) => answer === ABSENT);
}
