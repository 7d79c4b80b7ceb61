/** A gateway is drained or killed: the library connects again by itself, to another one, and its rooms have a place for it. */
import assert from 'node:assert/strict';
import { scenario } from '../support/scenario.js';
import { TRANSPORTS } from '../support/socketio.js';
import { until } from '../support/until.js';

/** @import { World } from '../support/world.js' */
/** @import { SocketIoClient } from '../support/socketio.js' */

const OFFER = { type: 'offer', sdp: 'v=0' };
const SETTINGS = { 'cluster.lease_ms': 2_000, 'drain.grace_ms': 500, 'drain.window_ms': 1_000, 'drain.deadline_ms': 10_000, 'room.capacity': 2 };

/** A page that enters its room whenever it is connected. @param {SocketIoClient} client @param {string} room */
function stayIn(client, room) {
  const rejoin = async () => {
    while (client.socket.connected && !(await client.ask('join-room', room).catch(() => ({}))).success);
  };
  client.socket.on('connect', rejoin);
  return rejoin();
}

/** Ada is on the first node and would get to the second, where Bob is. @param {World} world @param {object} options */
async function twoInARoom(world, options) {
  const [first, second] = await world.cluster(SETTINGS);
  const balancer = await world.balancer(first, second);
  const bob = await world.socketIoIn(second, { auth: { userId: 'bob' } });
  await stayIn(bob, 'study');
  const ada = await world.socketIoIn(balancer, { ...options, auth: { userId: 'ada' } });
  await stayIn(ada, 'study');
  await bob.hears('user-joined');
  return { first, second, ada, bob };
}

/** @param {SocketIoClient} ada as she is now @param {SocketIoClient} bob @param {string} before her id until then */
async function assertBackInRoom(ada, bob, before) {
  await ada.untilBack(before);
  assert.deepEqual(await bob.hears('user-left'), { userId: before, username: 'ada' });
  assert.deepEqual(await bob.hears('user-joined'), { userId: ada.id, username: 'ada' });
  for (const [from, to] of [[ada, bob], [bob, ada]]) {
    assert.deepEqual(await from.ask('offer', { target: to.id, offer: OFFER }), { success: true });
    assert.equal((await to.hears('offer')).from, from.id);
  }
  assert.deepEqual(bob.disconnects, []);
  assert.deepEqual(bob.rest(), [], 'she left once and came once');
}

for (const [how, options] of Object.entries(TRANSPORTS)) {
  scenario(`a gateway is drained: over ${how}, its client is in the same room on another one`, async (world) => {
    const { first, ada, bob } = await twoInARoom(world, options);
    const before = ada.id;
    assert.equal(await first.drain(), 0);
    await assertBackInRoom(ada, bob, before);
    assert.equal(ada.disconnects.length, 1);
    assert.match(ada.disconnects[0], /^transport (close|error)$/, 'not a reason after which the library stays away');
  });
}

scenario('what was said before the drain is delivered, and acknowledged', async (world) => {
  const { first, ada, bob } = await twoInARoom(world, TRANSPORTS['WebSocket alone']);
  const before = ada.id;
  const drained = first.drain();
  let [sent, delivered] = [0, 0];
  while (ada.id === before && ada.socket.connected) {
    sent++;
    const { success } = await ada.ask('offer', { target: bob.id, offer: { number: sent } }).catch(() => ({ success: false }));
    if (success) delivered++;
  }
  assert.equal(await drained, 0);
  await ada.untilBack(before);
  const numbers = bob.heard.filter(([event]) => event === 'offer').map(([, { offer }]) => offer.number);
  assert.ok(delivered > 0 && sent - delivered <= 1, `${delivered} of ${sent}`);
  assert.deepEqual(numbers.slice(0, delivered), Array.from({ length: delivered }, (_, index) => index + 1));
});

scenario('a gateway is killed: its client is on another one, and its old place is free as soon as the node counts as dead', async (world) => {
  const { first, ada, bob } = await twoInARoom(world, {});
  const before = ada.id;
  await first.kill();
  await assertBackInRoom(ada, bob, before);
});

scenario('many clients find their rooms, and one another, again after their node was drained', async (world) => {
  const [first, second] = await world.cluster(SETTINGS);
  const balancer = await world.balancer(first, second);
  const clients = await Promise.all(Array.from({ length: 20 }, () => world.socketIoIn(balancer)));
  const before = clients.map(({ id }) => id);
  await Promise.all(clients.map((client, index) => stayIn(client, `room-${index % 10}`)));
  assert.equal(await first.drain(), 0);
  await Promise.all(clients.map((client, index) => client.untilBack(before[index])));
  assert.equal(await until('all are on the second', () => second.connections(), (count) => count === 20), 20);
  for (const [index, client] of clients.entries()) {
    const other = clients[(index + 10) % 20];
    await until('both are in', () => client.ask('offer', { target: other.id, offer: OFFER }), ({ success }) => success);
  }
});
