/** Those who call one another by name: Socket.IO's and the chat's, in one lobby over two gateways. */
import assert from 'node:assert/strict';
import { Chatter } from '../support/mdn.js';
import { scenario } from '../support/scenario.js';

/** Ready soon. */
const SOON = { 'cluster.lease_ms': 2_000 };
const OFFER = { type: 'offer', sdp: 'v=0\r\n' };
const ANSWER = { type: 'answer', sdp: 'v=0\r\n' };
const CANDIDATE = { candidate: 'candidate:1', sdpMid: '0', sdpMLineIndex: 0 };

scenario('a caller by name and somebody in the chat call each other', async (world) => {
  const [first, second] = await world.cluster(SOON);
  const ann = await Chatter.named(first, 'Ann');
  const bob = await world.socketIoIn(second);
  assert.equal(await bob.ask('init', 'Bob'), null);
  await ann.untilUsers((users) => users.join() === 'Ann,Bob');

  assert.equal(await bob.ask('connection_info', { remoteName: 'Ann', type: 'offer', sdp: OFFER }), null);
  const offer = await ann.next('video-offer');
  assert.deepEqual([offer.name, offer.target, offer.sdp.sdp], ['Bob', 'Ann', OFFER.sdp]);
  ann.say({ type: 'video-answer', name: 'Ann', target: 'Bob', sdp: ANSWER });
  assert.deepEqual(await bob.hears('connection_info'), { remoteName: 'Bob', type: 'answer', sdp: ANSWER });
  ann.say({ type: 'new-ice-candidate', target: 'Bob', candidate: CANDIDATE });
  const info = await bob.hears('connection_info');
  assert.deepEqual(info, { remoteName: 'Bob', type: 'candidate', candidate: CANDIDATE });
});

scenario('a name that is called has one owner in both dialects', async (world) => {
  const [first, second] = await world.cluster(SOON);
  const ann = await Chatter.named(first, 'Ann');
  const bob = await world.socketIoIn(second);
  assert.equal(await bob.ask('init', 'Ann'), null, 'the newest claim of a caller wins');
  assert.equal((await ann.next('error')).code, 'room-closed');
  const other = await Chatter.open(first);
  other.say({ type: 'username', name: 'Ann', id: 1, date: 1 });
  assert.equal((await other.next('rejectusername')).name, 'Ann1', 'in the chat a newcomer is renamed');
});
