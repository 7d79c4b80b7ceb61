/** A page of each dialect, with its own library, in one room over three gateways: real connections between all of them. */
import { Party } from '../support/party.js';
import { scenario } from '../support/scenario.js';

/** @import { Dialect } from '../support/party.js' */
/** @import { World } from '../support/world.js' */

const ROOM = 'kitchen';

/** Each at a gateway of its own, in this order. @param {World} world @param {...Dialect} dialects */
async function parties(world, ...dialects) {
  const { url } = await world.redis();
  const start = () => world.gateway({ 'redis.url': url, 'cluster.lease_ms': 2_000 });
  const gateways = await Promise.all(dialects.map(start));
  const parties = [];
  for (const [index, dialect] of dialects.entries()) {
    const { page } = await world.person({ bypassCSP: true });
    parties.push(await Party.in(page, gateways[index], dialect, ROOM));
  }
  return parties;
}

scenario('a native, a Socket.IO and a STOMP page connect, each with each', async (world) => {
  // The native one comes first: rooms that STOMP clients create hold two.
  const [native, socketio, stomp] = await parties(world, 'native', 'socketio', 'stomp');
  await native.call(socketio);
  await native.untilConnectedWith(socketio);
  await native.call(stomp);
  await native.untilConnectedWith(stomp);
  await socketio.call(stomp);
  await Promise.all([
    native.untilConnectedWith(socketio, stomp),
    socketio.untilConnectedWith(native, stomp),
    stomp.untilConnectedWith(native, socketio),
  ]);
});

scenario('a STOMP page calls a Socket.IO page', async (world) => {
  const [stomp, socketio] = await parties(world, 'stomp', 'socketio');
  await stomp.call(socketio);
  await Promise.all([stomp.untilConnectedWith(socketio), socketio.untilConnectedWith(stomp)]);
});
