/** The chat of MDN's sample, its people on two gateways. */
import assert from 'node:assert/strict';
import { Chatter } from '../support/mdn.js';
import { scenario } from '../support/scenario.js';

const SDP = { type: 'offer', sdp: 'v=0\r\n' };

/** @param {import('../support/world.js').World} world */
async function pair(world) {
  const [first, second] = await world.cluster({ 'cluster.lease_ms': 2_000, 'drain.window_ms': 2_000 });
  const ann = await Chatter.named(first, 'Ann');
  const bob = await Chatter.named(second, 'Bob');
  await ann.untilUsers((users) => users.join() === 'Ann,Bob');
  return { first, second, ann, bob };
}

scenario('everybody hears what is said, without tags and under its speaker\'s name', async (world) => {
  const { ann, bob } = await pair(world);
  ann.say({ type: 'message', text: 'hello <script>you</script>', id: 99, name: 'Eve', date: 5 });
  for (const chatter of [ann, bob]) {
    const { name, text, date } = await chatter.next('message');
    assert.deepEqual({ name, text, date }, { name: 'Ann', text: 'hello you', date: 5 });
  }
});

scenario('offer, answer, candidates and hang-up go to their target alone', async (world) => {
  const { first, ann, bob } = await pair(world);
  const eve = await Chatter.named(first, 'Eve');
  await bob.untilUsers((users) => users.includes('Eve'));
  ann.say({ type: 'video-offer', name: 'Ann', target: 'Bob', sdp: SDP });
  const offer = await bob.next('video-offer');
  assert.deepEqual([offer.name, offer.target, offer.sdp], ['Ann', 'Bob', SDP]);
  bob.say({ type: 'video-answer', name: 'Bob', target: 'Ann', sdp: { ...SDP, type: 'answer' } });
  assert.equal((await ann.next('video-answer')).sdp.type, 'answer');
  const candidate = { candidate: 'candidate:1', sdpMid: '0', sdpMLineIndex: 0 };
  bob.say({ type: 'new-ice-candidate', target: 'Ann', candidate });
  assert.deepEqual((await ann.next('new-ice-candidate')).candidate, candidate);
  ann.say({ type: 'hang-up', name: 'Ann', target: 'Bob' });
  assert.equal((await bob.next('hang-up')).name, 'Ann');
  // What she was told, she was told before this.
  bob.say({ type: 'message', text: 'done', id: 1, date: 1 });
  await eve.next('message');
  assert.deepEqual(new Set(eve.told.map(({ type }) => type)), new Set(['userlist']));
});

scenario('a hang-up without a target goes to all others', async (world) => {
  const { first, ann, bob } = await pair(world);
  const eve = await Chatter.named(first, 'Eve');
  await bob.untilUsers((users) => users.includes('Eve'));
  bob.say({ type: 'hang-up', name: 'Bob', target: null });
  for (const chatter of [ann, eve]) assert.equal((await chatter.next('hang-up')).name, 'Bob');
});

scenario('a name is one person\'s over both gateways, and free when he goes', async (world) => {
  const { second, ann, bob } = await pair(world);
  const other = await Chatter.open(second);
  other.say({ type: 'username', name: 'Ann', id: 1, date: 1 });
  assert.equal((await other.next('rejectusername')).name, 'Ann1');
  await bob.untilUsers((users) => users.join() === 'Ann,Bob,Ann1');
  bob.say({ type: 'video-offer', name: 'Bob', target: 'Ann', sdp: SDP });
  await ann.next('video-offer');
  ann.leave();
  await bob.untilUsers((users) => users.join() === 'Bob,Ann1');
  const again = await Chatter.named(second, 'Ann');
  assert.equal(again.told.some(({ type }) => type === 'rejectusername'), false);
});

scenario('a member that takes another name is called so by all', async (world) => {
  const { ann, bob } = await pair(world);
  bob.say({ type: 'username', name: 'Robert', id: 1, date: 1 });
  await ann.untilUsers((users) => users.join() === 'Ann,Robert');
  ann.say({ type: 'video-offer', name: 'Ann', target: 'Robert', sdp: SDP });
  assert.equal((await bob.next('video-offer')).target, 'Robert');
});

scenario('what cannot be understood is answered, and hurts nobody', async (world) => {
  const { first, ann, bob } = await pair(world);
  const early = await Chatter.open(first);
  for (const frame of ['', 'rubbish', '[]', '{"type":7}', '{"type":"message","text":"too early"}', Buffer.from([1, 2])]) {
    early.sayRaw(frame);
    assert.equal((await early.next('error')).code, 'bad-message', String(frame));
  }
  early.say({ type: 'username', name: 'Early', id: 12345, date: 1 });
  await early.untilUsers((users) => users.includes('Early'));
  early.say({ type: 'video-offer', name: 'Early', target: 'Nobody', sdp: SDP });
  assert.equal((await early.next('error')).code, 'offline');
  for (const target of ['5', '{}', '"Bob\\ud83d"']) {
    early.sayRaw(`{"type":"video-offer","target":${target},"sdp":{}}`);
    assert.equal((await early.next('error')).text, '`target` is not a text', 'it is not for all to read');
  }
  for (const [date, read] of /** @type {const} */ ([['1e999', null], ['"\\ud83d"', '\ufffd'], ['-0', -0]])) {
    early.sayRaw(`{"type":"message","text":"hi","date":${date}}`);
    for (const chatter of [early, ann, bob]) assert.deepEqual(await chatter.next('message'), { type: 'message', name: 'Early', text: 'hi', date: read });
  }
  early.sayRaw(`{"type":"message","text":"hi","date":${'['.repeat(128)}${']'.repeat(128)}}`);
  assert.match((await early.next('error')).text, /^left out: `date`/);
  assert.equal((await bob.next('message')).date, null);
  await Promise.all([early.next('message'), ann.next('message')]);
  early.sayRaw(JSON.stringify({ type: 'message', text: 'x'.repeat(2_000_000) }));
  assert.equal(await early.untilClosed(), 1009);
  ann.say({ type: 'message', text: 'all well', id: 1, date: 1 });
  assert.equal((await bob.next('message')).text, 'all well');
});

scenario('a chat goes on at the other gateway when one is drained', async (world) => {
  const { first, second, ann, bob } = await pair(world);
  const drained = first.drain();
  assert.equal(await ann.untilClosed(), 1001);
  await bob.untilUsers((users) => users.join() === 'Bob');
  const back = await Chatter.named(second, 'Ann');
  back.say({ type: 'message', text: 'here again', id: 1, date: 1 });
  assert.equal((await bob.next('message')).name, 'Ann');
  assert.equal(await drained, 0);
});
