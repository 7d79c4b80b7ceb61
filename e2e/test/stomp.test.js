/** STOMP clients, as the tutorial's pages are, on gateways with a real Redis between them. */
import assert from 'node:assert/strict';
import { Versions } from '@stomp/stompjs';
import { scenario } from '../support/scenario.js';
import { BareStomp, StompPerson } from '../support/stomp.js';
import { until } from '../support/until.js';

/** @import { World } from '../support/world.js' */

const SECRET = 'a secret only for the tests, long enough for HS256';
const CANDIDATE = { candidate: 'candidate:1 1 udp 2113937151 127.0.0.1 9 typ host', sdpMid: '0', sdpMLineIndex: 0 };

/** Ada and Bob in a room, each on a node of his own. @param {World} world */
async function twoInARoom(world) {
  const [first, second] = await world.cluster();
  const [ada, bob] = await Promise.all([StompPerson.connect(first), StompPerson.connect(second)]);
  await ada.enter('studio', 'Ada');
  await bob.enter('studio', 'Bob');
  await until('Ada sees Bob', () => ada.members('studio').at(-1).length === 2);
  await until('both are ready', () => [ada, bob].every((person) => person.signals('studio').length));
  return { first, second, ada, bob };
}

/** @param {StompPerson} person @param {string} type @param {string} [room] */
async function untilSignal(person, type, room = 'studio') {
  return until(`${type} comes`, () => person.signals(room).find((signal) => signal.type === type));
}

scenario('two on two nodes meet, are told READY once, and each reads what both say', async (world) => {
  const { ada, bob } = await twoInARoom(world);
  const both = [
    { sid: ada.sid, displayName: 'Ada' },
    { sid: bob.sid, displayName: 'Bob' },
  ];
  assert.deepEqual(ada.members('studio'), [both.slice(0, 1), both]);
  assert.deepEqual(bob.members('studio'), [both]);
  assert.deepEqual(ada.heard('/user/queue/me'), [{ sid: ada.sid }]);

  ada.send('studio', 'signal', { type: 'OFFER', sid: 'not mine', sdp: 'v=0 offer' });
  await untilSignal(bob, 'OFFER');
  bob.send('studio', 'signal', { type: 'ANSWER', sdp: { type: 'answer', sdp: 'v=0 answer' } });
  await untilSignal(ada, 'ANSWER');
  bob.send('studio', 'signal', { type: 'CANDIDATE', candidate: CANDIDATE });
  bob.send('studio', 'signal', { type: 'CANDIDATE', ...CANDIDATE });
  const said = [
    { type: 'READY' },
    { type: 'OFFER', sid: ada.sid, sdp: 'v=0 offer' },
    { type: 'ANSWER', sid: bob.sid, sdp: { type: 'answer', sdp: 'v=0 answer' } },
    { type: 'CANDIDATE', sid: bob.sid, candidate: CANDIDATE },
    { type: 'CANDIDATE', sid: bob.sid, ...CANDIDATE },
  ];
  for (const person of [ada, bob]) {
    await until('all signals are there', () => person.signals('studio').length >= said.length);
    assert.deepEqual(person.signals('studio'), said);
    assert.deepEqual([person.refusals, person.errors], [[], []]);
  }
});

scenario('a third is told that the room is full, stays connected and reads nothing', async (world) => {
  const { first, ada, bob } = await twoInARoom(world);
  const eve = await StompPerson.connect(first);
  eve.subscribeAll('studio');
  eve.send('studio', 'join', { displayName: 'Eve' });
  await until('Eve is told', () => eve.refusals.length);
  assert.deepEqual(eve.refusals, [{ type: 'ERROR', message: 'Room is full' }]);

  ada.send('studio', 'signal', { type: 'OFFER', sdp: 'v=0' });
  await Promise.all([untilSignal(ada, 'OFFER'), untilSignal(bob, 'OFFER')]);
  eve.send('studio', 'signal', { type: 'OFFER', sdp: 'v=0 of somebody else' });
  await until('Eve may not signal', () => eve.refusals.length === 2);
  assert.match(eve.refusals[1].message, /not in the room/);
  assert.deepEqual([eve.signals('studio'), eve.members('studio'), eve.heard('/user/queue/me')], [[], [], []]);
  assert.deepEqual(ada.signals('studio').map(({ type }) => type), ['READY', 'OFFER']);

  bob.send('studio', 'leave');
  await untilSignal(ada, 'LEAVE');
  eve.send('studio', 'join', { displayName: 'Eve' });
  await until('Eve is in', () => eve.members('studio').length);
});

scenario('a member that leaves or is lost is named, and READY comes again for the next', async (world) => {
  const { second, ada, bob } = await twoInARoom(world);
  const sid = bob.sid;
  bob.send('studio', 'leave');
  assert.deepEqual(await untilSignal(ada, 'LEAVE'), { type: 'LEAVE', sid });
  await until('Ada is alone', () => ada.members('studio').at(-1).length === 1);

  bob.send('studio', 'join', { displayName: 'Bob' });
  await until('they are ready again', () => ada.signals('studio').filter(({ type }) => type === 'READY').length === 2);
  const carol = await StompPerson.connect(second);
  bob.client.forceDisconnect();
  await until('Ada knows that Bob is lost', () => ada.signals('studio').filter(({ type }) => type === 'LEAVE').length === 2);
  await carol.enter('studio', 'Carol');
  assert.deepEqual(carol.members('studio').at(-1).map((/** @type {any} */ { displayName }) => displayName), ['Ada', 'Carol']);
});

scenario('two who join in the same moment on two nodes are told READY once each', async (world) => {
  const [first, second] = await world.cluster();
  const people = await Promise.all([first, second].map((node) => StompPerson.connect(node)));
  for (const room of ['one', 'two', 'three', 'four']) {
    for (const person of people) person.subscribeAll(room);
    for (const person of people) person.send(room, 'join');
    await until('both are in', () => people.every((person) => person.members(room).at(-1)?.length === 2));
    for (const person of people) person.send(room, 'signal', { type: 'LAST' });
    const lasts = (/** @type {StompPerson} */ person) => person.signals(room).filter(({ type }) => type === 'LAST');
    await until('all that comes has come', () => people.every((person) => lasts(person).length === 2));
    for (const person of people) {
      assert.equal(person.signals(room).filter(({ type }) => type === 'READY').length, 1);
      person.send(room, 'leave');
    }
  }
});

scenario('when a node dies, those who were on it are named as gone', async (world) => {
  const { second, ada, bob } = await twoInARoom(world);
  const { sid } = bob;
  await second.kill();
  assert.deepEqual(await untilSignal(ada, 'LEAVE'), { type: 'LEAVE', sid });
  await until('Ada is alone', () => ada.members('studio').at(-1).length === 1);
});

scenario('a receipt comes when what was asked for is done', async (world) => {
  const gateway = await world.gateway();
  const ada = await StompPerson.connect(gateway);
  ada.subscribeAll('studio');
  const destination = '/app/rooms/studio/join';
  await ada.withReceipt((headers) => ada.client.publish({ destination, body: '{}', headers }));
  assert.equal(ada.members('studio').length, 1);
  await ada.withReceipt((headers) => ada.client.subscribe('/topic/rooms/studio/members', () => {}, headers));
  const signal = { destination: '/app/rooms/studio/signal', body: '{"type":"OFFER","sdp":"v=0"}' };
  await ada.withReceipt((headers) => ada.client.publish({ ...signal, headers }));
  assert.deepEqual(ada.signals('studio'), [{ type: 'OFFER', sid: ada.sid, sdp: 'v=0' }]);
  await ada.withReceipt((headers) => ada.client.publish({ destination: '/app/rooms/studio/leave', headers }));

  // stompjs closes only after the receipt for its DISCONNECT.
  await ada.client.deactivate();
  assert.deepEqual([ada.closed, ada.errors], [[1000], []]);
});

for (const [version, config] of /** @type {const} */ ([
  ['1.0', {}],
  ['1.1', { forceBinaryWSFrames: true }],
  ['1.2', { splitLargeFrames: true, maxWebSocketChunkSize: 7 }],
])) {
  scenario(`a client of version ${version} gets along, with ${Object.keys(config)[0] ?? 'nothing special'}`, async (world) => {
    const gateway = await world.gateway();
    const ada = await StompPerson.connect(gateway, { stompVersions: new Versions([version]), ...config });
    assert.equal(ada.client.connectedVersion, version);
    await ada.enter('studio', 'Ada: «에이다»\\');
    assert.equal(ada.members('studio')[0][0].displayName, 'Ada: «에이다»\\');
    ada.send('studio', 'signal', { type: 'OFFER', sdp: 'x'.repeat(20_000) });
    assert.equal((await untilSignal(ada, 'OFFER')).sdp.length, 20_000);
  });
}

scenario('what comes with CONNECT in one message is heard after it', async (world) => {
  const stomp = await BareStomp.open(await world.gateway());
  stomp.say(
    'CONNECT\naccept-version:1.2\n\n^SUBSCRIBE\nid:0\ndestination:/user/queue/me\nreceipt:1\n\n^SEND\ndestination:/app/rooms/r/join\nreceipt:2\n\n^DISCONN',
  );
  await stomp.untilHeard('RECEIPT\nreceipt-id:2\n');
  assert.match(stomp.heard, /^CONNECTED\n[^^]*\^RECEIPT\nreceipt-id:1\n\n\^MESSAGE\nsubscription:0\n[^^]*"sid"[^^]*\^RECEIPT\nreceipt-id:2\n\n\^$/);
  stomp.say('ECT\nreceipt:3\n\n^');
  assert.equal(await stomp.untilClosed(), 1000);
  assert.match(stomp.heard, /RECEIPT\nreceipt-id:3\n\n\^$/);
});

scenario('a token is needed where tokens are, in Authorization or passcode', async (world) => {
  const gateway = await world.gateway({ 'auth.jwt.secret': SECRET });
  const token = await gateway.mint('--user', 'ada', '--name', 'Ada', '--room', 'studio');
  for (const connectHeaders of [{ Authorization: `Bearer ${token}` }, { login: 'ada', passcode: token }]) {
    const ada = await StompPerson.connect(gateway, { connectHeaders });
    ada.subscribeAll('studio');
    ada.send('studio', 'join');
    await until('Ada is in, under the name in her token', () => ada.members('studio').at(-1)?.[0].displayName === 'Ada');
    ada.send('elsewhere', 'join');
    await until('Ada may not go elsewhere', () => ada.refusals.length);
    await ada.client.deactivate();
  }
  for (const connectHeaders of [{}, { passcode: 'not.a.token' }, { login: 'bob', passcode: token }]) {
    const mallory = new StompPerson(gateway, { connectHeaders });
    mallory.client.activate();
    await until('the connection is over', () => mallory.closed.length);
    assert.deepEqual([mallory.closed, mallory.errors.length, mallory.connections], [[4401], 1, 0]);
  }
});

scenario('heart-beats come as agreed, and who promised some and is silent is told goodbye', async (world) => {
  const gateway = await world.gateway({ 'session.heartbeat_ms': 300 });
  const listener = await BareStomp.connect(gateway, 'accept-version:1.2\nheart-beat:0,200\n');
  assert.match(listener.heard, /\nheart-beat:300,300\n/);
  await listener.untilHeard(/\^\n{3}$/);

  const silent = await BareStomp.connect(gateway, 'accept-version:1.2\nheart-beat:200,0\n');
  assert.equal(await silent.untilClosed(), 4408);
  assert.match(silent.heard, /ERROR\nmessage:no heart-beat/);

  // stompjs beats by itself, and looks for ours.
  const ada = await StompPerson.connect(gateway, { heartbeatIncoming: 300, heartbeatOutgoing: 300 });
  const { heard } = listener;
  await until('twenty more beats are sent', () => listener.heard.length >= heard.length + 20);
  assert.deepEqual([ada.client.connected, ada.connections, ada.closed], [true, 1, []]);
  assert.equal(listener.closed, undefined);
});

const WRONG = /** @type {const} */ ([
  ['a frame that is none', 'rubbish\n\n^', /unknown command|begin with a line/],
  ['JSON', '{"type":"join"}', /begin with a line|unknown command/],
  ['a header without a colon', 'SEND\ndestination\n\n^', /has no colon/],
  ['an escape that is none', 'SEND\ndestination:\\x\n\n^', /undefined escape/],
  ['a wrong length', 'SEND\ndestination:/app/rooms/r/join\ncontent-length:1\n\n{}^', /content-length/],
  ['a second CONNECT', 'CONNECT\naccept-version:1.2\n\n^', /said already/],
  ['a server’s frame', 'MESSAGE\n\n^', /for servers/],
  ['a transaction', 'BEGIN\ntransaction:1\n\n^', /no transactions/],
  ['a SEND to nowhere', 'SEND\n\n{}^', /needs the header destination/],
  ['a SEND to what is not there', 'SEND\ndestination:/app/rooms/a/b/join\n\n{}^', /nothing can be sent/],
  ['a SEND to a topic', 'SEND\ndestination:/topic/rooms/r/signal\n\n{}^', /nothing can be sent/],
  ['a room that is none', 'SEND\ndestination:/app/rooms/a%2A/join\n\n{}^', /1 to 128 bytes/],
  ['a bad escape', 'SEND\ndestination:/app/rooms/a%2/join\n\n{}^', /hexadecimal/],
  ['an escape that is no UTF-8', 'SUBSCRIBE\nid:0\ndestination:/topic/rooms/%ff/signal\n\n^', /hexadecimal/],
  ['a SUBSCRIBE to what is not there', 'SUBSCRIBE\nid:0\ndestination:/topic/rooms/r\n\n^', /to subscribe to/],
  ['a SUBSCRIBE without id', 'SUBSCRIBE\ndestination:/user/queue/me\n\n^', /needs the header id/],
  ['an id twice', 'SUBSCRIBE\nid:0\ndestination:/user/queue/me\n\n^'.repeat(2), /already/],
]);

scenario('what STOMP forbids is answered with an ERROR that says why, and the end', async (world) => {
  const gateway = await world.gateway();
  for (const [what, text, words] of WRONG) {
    const stomp = await BareStomp.connect(gateway);
    stomp.say(text);
    assert.equal(await stomp.untilClosed(), 4400, what);
    assert.match(stomp.heard, /\^ERROR\nmessage:[^^]+\^$/, what);
    assert.match(stomp.heard, words, what);
  }
  for (const [what, text] of [
    ['a frame before CONNECT', 'SEND\ndestination:/app/rooms/r/join\n\n{}^'],
    ['an unknown version', 'CONNECT\naccept-version:3.0\n\n^'],
  ]) {
    const stomp = await BareStomp.open(gateway);
    stomp.say(text);
    assert.equal(await stomp.untilClosed(), 4400, what);
    assert.match(stomp.heard, /^ERROR\nmessage:[^^]+\nversion:1.0,1.1,1.2\n[^^]+\^$/, what);
  }
  const large = await BareStomp.connect(gateway);
  large.say(`SEND\ndestination:/app/rooms/r/signal\n\n${'x'.repeat(300_000)}^`);
  assert.equal(await large.untilClosed(), 1009);
  assert.match(large.heard, /ERROR\nmessage:a message may have/);
});

scenario('what only the session refuses is told on the system queue, and one stays', async (world) => {
  const ada = await StompPerson.connect(await world.gateway());
  await ada.enter('studio', 'Ada');
  const refused = /** @type {const} */ ([
    ['studio', 'join', '{}', /already/],
    ['elsewhere', 'leave', '', /not in the room/],
    ['studio', 'join', '[]', /JSON object/],
    ['studio', 'signal', 'v=0', /JSON object/],
    ['studio', 'signal', '{"sdp":"v=0"}', /`type`/],
    ['studio', 'signal', '{"type":"two words"}', /1 to 64/],
  ]);
  for (const [index, [room, action, body, words]] of refused.entries()) {
    ada.client.publish({ destination: `/app/rooms/${room}/${action}`, body });
    await until(`${body} is refused`, () => ada.refusals.length > index);
    assert.equal(ada.refusals[index].type, 'ERROR');
    assert.match(ada.refusals[index].message, words);
  }
  ada.send('studio', 'signal', { type: 'OFFER', sdp: 'v=0' });
  await untilSignal(ada, 'OFFER');
  assert.deepEqual([ada.errors, ada.connections], [[], 1]);
});

scenario('a room is called as people call it, in destinations as in a URL', async (world) => {
  const [first, second] = await world.cluster();
  for (const room of ['회의실', 'my room', 'a/b', 'x{b}y', '100%']) {
    const written = encodeURIComponent(room);
    const ada = await StompPerson.connect(first);
    await ada.enter(written, 'Ada');
    const bob = await world.socketIoIn(second);
    assert.deepEqual(await bob.ask('join-room', room), { success: true, roomId: room });
    await untilSignal(ada, 'READY', written);
    ada.send(written, 'signal', { type: 'OFFER', sdp: 'v=0' });
    assert.deepEqual((await bob.hears('offer')).offer, { type: 'offer', sdp: 'v=0' });
    bob.emit('ice-candidate', { target: ada.sid, candidate: null, sdpMid: '0' });
    assert.deepEqual(await untilSignal(ada, 'CANDIDATE', written), { type: 'CANDIDATE', sid: bob.id, candidate: null });
    assert.deepEqual([ada.errors, ada.connections], [[], 1]);
  }
});

scenario('a display name that is none costs the name, not the join', async (world) => {
  const ada = await StompPerson.connect(await world.gateway());
  ada.subscribeAll('studio');
  ada.client.publish({ destination: '/app/rooms/studio/join', body: '{"displayName":7}' });
  await until('it is in the room', () => ada.members('studio').length > 0);
  assert.deepEqual(ada.members('studio').at(-1), [{ sid: ada.sid }]);
  assert.match(ada.refusals[0].message, /^left out: `displayName`/);
});

scenario('when its node drains, stompjs connects to the other one and meets the same people', async (world) => {
  const [first, second] = await world.cluster({ 'drain.grace_ms': 0, 'drain.window_ms': 200, 'drain.deadline_ms': 5000 });
  const balancer = await world.balancer(first, second);
  const bob = await StompPerson.connect(second);
  await bob.enter('studio', 'Bob');
  const ada = await StompPerson.connect(balancer, { reconnectDelay: 50 });
  try {
    await ada.enter('studio', 'Ada');
    const drained = first.drain();
    await until('Ada is connected again', () => ada.connections === 2 && ada.client.connected);
    await ada.enter('studio', 'Ada');
    await until('both are there', () => bob.members('studio').at(-1).length === 2 && ada.members('studio').at(-1).length === 2);
    assert.deepEqual(ada.errors, []);
    assert.equal(await drained, 0);
  } finally {
    await ada.client.deactivate({ force: true });
  }
});

scenario('somebody with Socket.IO is met in the same room, each in his own words', async (world) => {
  const [first, second] = await world.cluster();
  const ada = await StompPerson.connect(first);
  await ada.enter('studio', 'Ada');
  const bob = await world.socketIoIn(second);
  assert.equal((await bob.ask('join-room', 'studio')).success, true);
  await untilSignal(ada, 'READY');

  ada.send('studio', 'signal', { type: 'OFFER', sdp: 'v=0 offer' });
  const offer = { type: 'offer', sdp: 'v=0 offer' };
  assert.deepEqual(await bob.hears('offer'), { target: bob.id, from: ada.sid, offer });
  bob.emit('answer', { target: ada.sid, answer: { type: 'answer', sdp: 'v=0 answer' } });
  assert.deepEqual(await untilSignal(ada, 'ANSWER'), { type: 'ANSWER', sid: bob.id, sdp: 'v=0 answer' });
  bob.emit('ice-candidate', { target: ada.sid, candidate: CANDIDATE });
  assert.deepEqual(await untilSignal(ada, 'CANDIDATE'), { type: 'CANDIDATE', sid: bob.id, candidate: CANDIDATE });
  ada.send('studio', 'signal', { type: 'CANDIDATE', ...CANDIDATE });
  const { with: _, ...candidate } = (await bob.hears('ice-candidate')).candidate;
  assert.deepEqual(candidate, CANDIDATE);

  const { id } = bob;
  bob.end();
  assert.deepEqual(await untilSignal(ada, 'LEAVE'), { type: 'LEAVE', sid: id });
});
