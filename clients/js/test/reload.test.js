import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeptSessions } from '../src/kept_session.js';
import { connected, FakeClock, FakeSocket, FakeStorage, fakeClient, fakePage, idle, joined, member, nextSocket, snapshot, socketNumber, welcome, welcomeBack } from './support.js';

const everyone = [member('other', 1), member('me', 2)];
const signal = (id) => ({ type: 'signal', room: 'r', from: 'other', id, kind: 'x', payload: id });

/** In a room, on a page that keeps its storage. */
async function onPage(context, options) {
  const page = fakePage(context);
  const storage = new FakeStorage();
  return { page, storage, ...(await joined({ storage, ...options })) };
}

/** The page is left, and the next one begins with its storage. */
async function reloaded(before, { afterMs = 1_000, ...options } = {}) {
  before.page.fire('pagehide');
  const clock = new FakeClock();
  clock.now = before.clock.now + afterMs;
  const fake = fakeClient({ storage: before.storage, clock, ...options });
  return fake;
}

/** Connected again; before it is welcomed. */
async function reconnected(fake) {
  const opened = fake.client.connect();
  const socket = await socketNumber(1);
  socket.open();
  return { opened, socket };
}

test('a page that is left asks the gateway to hold its session', async (context) => {
  const { page, socket, storage } = await onPage(context);
  page.fire('pagehide');
  assert.deepEqual(socket.sent.at(-1), { type: 'bye', hold_ms: 5_000 });
  assert.equal(socket.closed, true);
  assert.equal(storage.length, 1);
});

test('the next page takes the session out at once, connected or not', async (context) => {
  const before = await onPage(context);
  await reloaded(before);
  assert.equal(before.storage.length, 0, 'a tab that is duplicated now copies nothing');
});

test('the next page goes on with the session: peer, what was handled, ids, rooms', async (context) => {
  const before = await onPage(context, { state: { muted: true } });
  before.socket.say(signal(9));
  const lastId = before.socket.last('join').id;
  const fake = await reloaded(before);
  assert.deepEqual(fake.client.keptRooms, [{ id: 'r', state: { muted: true } }]);
  const { opened, socket } = await reconnected(fake);
  const handled = { seen: { other: 9 }, handled: { other: [9] } };
  assert.deepEqual(socket.last('hello').resume, { peer: 'me', secret: 'secret of me', ...handled });
  socket.say(welcomeBack([snapshot([member('other', 1), member('me', 2, { muted: true })])]));
  await opened;
  const room = await fake.client.join('r', { state: { muted: true } });
  assert.equal(room.restored, true);
  assert.equal(socket.of('join').length, 0);
  assert.equal(socket.of('state').length, 0);
  room.signal('other', 'x', 1);
  assert.ok(socket.last('signal').id > lastId);
});

test('the room may be joined before the connection, too', async (context) => {
  const fake = await reloaded(await onPage(context));
  const entering = fake.client.join('r', { state: { a: 1 } });
  const { socket } = await reconnected(fake);
  socket.say(welcomeBack([snapshot(everyone)]));
  assert.equal((await entering).restored, true);
  assert.deepEqual(socket.last('state').state, { a: 1 });
});

test('without a wish for state the state of before is kept', async (context) => {
  const fake = await reloaded(await onPage(context, { state: { a: 1 } }));
  const { opened, socket } = await reconnected(fake);
  socket.say(welcomeBack([snapshot([member('other', 1), member('me', 2, { a: 1 })])]));
  await opened;
  assert.deepEqual((await fake.client.join('r')).state, { a: 1 });
  assert.equal(socket.of('state').length, 0);
});

test('signals wait until somebody listens', async (context) => {
  const fake = await reloaded(await onPage(context));
  const { opened, socket } = await reconnected(fake);
  socket.say(welcomeBack([snapshot(everyone)]));
  socket.say(signal(1));
  await opened;
  const join = async () => await fake.client.join('r'); // the code that asks may take a few turns to listen
  const room = await join();
  const heard = [];
  room.on('signal', ({ id }) => heard.push(id));
  socket.say(signal(2));
  assert.deepEqual(heard, []);
  assert.equal(socket.of('received').length, 0);
  await fake.clock.advance(10);
  assert.deepEqual(heard, [1, 2]);
  socket.say(signal(3));
  await fake.clock.advance(10);
  assert.deepEqual(heard, [1, 2, 3]);
  assert.equal(socket.last('received').id, 3);
});

test('signals of other rooms do not wait, unless the same sender said something before', async (context) => {
  const fake = await reloaded(await onPage(context));
  const { opened, socket } = await reconnected(fake);
  socket.say(welcomeBack([snapshot(everyone)]));
  await opened;
  const elsewhere = fake.client.join('elsewhere');
  const { id } = socket.last('join');
  socket.say({ ...snapshot([...everyone, member('third', 3)]), type: 'joined', re: id, room: 'elsewhere' });
  const heard = [];
  (await elsewhere).on('signal', ({ from, payload }) => heard.push(`${from} ${payload}`));
  socket.say({ ...signal(1), from: 'third', room: 'elsewhere' });
  socket.say(signal(1));
  socket.say({ ...signal(2), room: 'elsewhere' });
  assert.deepEqual(heard, ['third 1']);
  const room = await fake.client.join('r');
  room.on('signal', ({ from, payload }) => heard.push(`${from} ${payload}`));
  await fake.clock.advance(10);
  assert.deepEqual(heard, ['third 1', 'other 1', 'other 2']);
  assert.deepEqual(socket.of('received').map(({ from }) => from).sort(), ['other', 'third']);
});

test('rooms that nobody joins again are left', async (context) => {
  const fake = await reloaded(await onPage(context));
  const { opened, socket } = await reconnected(fake);
  socket.say(welcomeBack([snapshot(everyone)]));
  await opened;
  const heard = [];
  fake.client.on('signal', ({ id }) => heard.push(id));
  socket.say(signal(1));
  await fake.clock.advance(4_999);
  assert.equal(socket.of('leave').length, 0);
  await fake.clock.advance(1);
  assert.equal(socket.last('leave').room, 'r');
  assert.deepEqual(heard, [1], 'a listener for all rooms hears it');
});

test('what was unanswered or held back is sent by the next page', async (context) => {
  const before = await onPage(context, { limits: { in_flight: 8 } });
  before.room.signal('other', 'x', 1);
  before.room.broadcast('x', 2);
  before.room.signal('other', 'x', 3);
  const ids = before.socket.of('signal').map(({ id }) => id);
  const fake = await reloaded(before);
  const { socket } = await reconnected(fake);
  socket.say(welcomeBack([snapshot(everyone)]));
  assert.deepEqual(
    socket.of('signal').map(({ id, to, payload }) => [id, to, payload]),
    [[ids[0], 'other', 1], [ids[1], undefined, 2], [ids[1] + 1, 'other', 3]],
  );
});

test('a session that was not held is a new one, and joins only what is wanted', async (context) => {
  const fake = await reloaded(await onPage(context));
  const { opened, socket } = await reconnected(fake);
  socket.say(welcome('me-again'));
  await opened;
  assert.equal(socket.of('join').length, 0);
  const entering = fake.client.join('r');
  socket.say({ type: 'joined', re: socket.last('join').id, ...snapshot([member('me-again', 3)]) });
  assert.equal((await entering).restored, false);
  await fake.clock.advance(10_000);
  assert.equal(socket.of('leave').length, 0);
});

test('a room that was claimed and is joined again is not restored', async (context) => {
  const fake = await reloaded(await onPage(context));
  const entering = fake.client.join('r');
  const { socket } = await reconnected(fake);
  socket.say(welcome('me-again'));
  const again = fake.client.join('r');
  socket.say({ type: 'joined', re: socket.last('join').id, ...snapshot([member('me-again', 3)]) });
  assert.equal((await again).restored, false);
  assert.equal(await entering, await again);
});

test('a room that the session lost meanwhile is entered, and then has the state that the page joins it with', async (context) => {
  const fake = await reloaded(await onPage(context));
  const { socket } = await reconnected(fake);
  socket.say(welcomeBack([]));
  socket.say({ type: 'joined', re: socket.last('join').id, ...snapshot(everyone) });
  await fake.client.join('r', { state: { a: 1 } });
  assert.deepEqual(socket.last('state').state, { a: 1 });
});

test('a room that the page before had left is left', async (context) => {
  const before = await onPage(context);
  before.room.leave();
  const fake = await reloaded(before);
  const { socket } = await reconnected(fake);
  socket.say(welcomeBack([snapshot(everyone)]));
  assert.equal(socket.last('leave').room, 'r');
});

test('a page that comes back much later begins again', async (context) => {
  const fake = await reloaded(await onPage(context), { afterMs: 31_000 });
  assert.deepEqual(fake.client.keptRooms, []);
  assert.equal((await reconnected(fake)).socket.last('hello').resume, undefined);
});

test('a client that was closed keeps nothing', async (context) => {
  const before = await onPage(context);
  before.client.close();
  before.page.fire('pagehide');
  assert.equal(before.storage.length, 0);
});

test('a page that is loaded again before it is connected keeps the rooms all the same', async (context) => {
  const before = await onPage(context, { state: { muted: true } });
  const second = await reloaded(before);
  const { socket } = await reconnected(second);
  const third = await reloaded({ ...before, clock: second.clock });
  assert.deepEqual([socket.sent.at(-1).type, socket.closed], ['hello', true], 'the secret is good for the next page');
  assert.deepEqual(third.client.keptRooms, [{ id: 'r', state: { muted: true } }]);
  const last = await reconnected(third);
  last.socket.say(welcomeBack([snapshot([member('other', 1), member('me', 2, { muted: true })])]));
  assert.equal((await third.client.join('r')).restored, true);
});

test('a page that is loaded again before its client was started keeps the session, but no longer than the first time', async (context) => {
  for (const [afterMs, peer] of [[20_000, undefined], [10_000, 'me']]) {
    const before = await onPage(context);
    const second = await reloaded(before, { afterMs });
    assert.equal(second.client.keptRooms.length, 1);
    const third = await reloaded({ ...before, clock: second.clock }, { afterMs });
    const { socket } = await reconnected(third);
    assert.equal(socket.last('hello').resume?.peer, peer);
    second.client.close();
  }
});

test('a page that is left while it reconnects keeps its session all the same', async (context) => {
  const before = await onPage(context);
  before.socket.drop();
  const fake = await reloaded(before);
  assert.equal((await reconnected(fake)).socket.last('hello').resume.peer, 'me');
});

test('superseded by what the page before had said last, the next page comes back', async (context) => {
  for (const saidHello of [true, false]) {
    const before = await onPage(context);
    before.socket.drop();
    const second = await nextSocket(before);
    if (!saidHello) second.drop(4503, '{"retry_after_ms":5000}');
    const fake = await reloaded(before);
    const { opened, socket } = await reconnected(fake);
    socket.say(welcomeBack([snapshot(everyone)]));
    await opened;
    socket.drop(4409);
    assert.equal(fake.client.state, saidHello ? 'reconnecting' : 'closed');
  }
});

test('sessions are kept by name, and other things in the storage are left alone', async (context) => {
  const before = await onPage(context, { keepAs: 'mine' });
  before.storage.setItem('theirs', 'x');
  before.page.fire('pagehide');
  const kept = new KeptSessions(before.storage);
  assert.equal(kept.claim(kept.take('ws://gateway/v1/connect'), 1_000_000), undefined);
  const key = kept.take('mine');
  assert.equal(kept.claim(key, 1_000_000).peer, 'me');
  assert.equal(kept.claim(key, 1_000_000), undefined, 'once');
  assert.equal(before.storage.getItem('theirs'), 'x');
});

const session = (peer) => ({ version: 1, peer, secret: `secret of ${peer}`, keptAt: 0 });

test('clients of one name get their sessions back in the order in which they were made, in whatever order they connect', async (context) => {
  const page = fakePage(context);
  const storage = new FakeStorage();
  const kept = new KeptSessions(storage);
  const two = (kept) => ['first', 'second'].map((name) => fakeClient({ kept, name }).client);
  const connect = async (client, peer) => {
    FakeSocket.reset();
    const opened = client.connect();
    const socket = await socketNumber(1);
    socket.open();
    const { resume } = socket.last('hello');
    socket.say(peer ? welcome(peer) : { ...welcomeBack(), peer: resume.peer });
    await opened;
    return resume?.peer;
  };
  const [first, second] = two(kept);
  await connect(second, 'peer of second');
  await connect(first, 'peer of first');
  page.fire('pagehide');
  assert.equal(storage.length, 2);

  const next = two(new KeptSessions(storage));
  assert.deepEqual([await connect(next[1]), await connect(next[0])], ['peer of second', 'peer of first']);
  page.fire('pagehide', { persisted: true });
  page.fire('pageshow', { persisted: true });
  assert.equal(storage.length, 0, 'both are back from the back-forward cache');
  for (const client of [first, second, ...next]) client.close();
});

test('a client that is closed gives its place to the next one of its name', async (context) => {
  const page = fakePage(context);
  const storage = new FakeStorage();
  const kept = new KeptSessions(storage);
  fakeClient({ kept }).client.close(); // never connected
  const closed = await connected({ kept });
  closed.client.close();
  const { client } = await connected({ kept, peer: 'lasting' });
  page.fire('pagehide');
  client.close();
  const { socket } = await reconnected(fakeClient({ storage }));
  assert.equal(socket.last('hello').resume.peer, 'lasting');
});

test('a client that is never started has no part in the order, and one that ended beside another one has', async (context) => {
  const page = fakePage(context);
  const storage = new FakeStorage();
  const resumed = async (client) => {
    FakeSocket.reset();
    const { socket } = await reconnected({ client });
    return socket.last('hello').resume?.peer;
  };
  const kept = new KeptSessions(storage);
  fakeClient({ kept }); // looks for kept rooms, and finds none
  const ended = await connected({ kept });
  const { client } = await connected({ kept, peer: 'lasting' });
  ended.client.close();
  page.fire('pagehide');
  client.close();
  const next = new KeptSessions(storage);
  const clients = [1, 2].map(() => fakeClient({ kept: next }).client);
  assert.deepEqual([await resumed(clients[1]), await resumed(clients[0])], ['lasting', undefined]);
});

test('a client that is closed on its way to its session leaves it to the next one of its name; without connect() it declines it', async (context) => {
  const before = await onPage(context);
  before.page.fire('pagehide');
  const clock = new FakeClock();
  clock.now = before.clock.now;
  const kept = new KeptSessions(before.storage);
  const made = () => fakeClient({ kept, clock }).client;
  const mounted = made();
  mounted.connect().catch(() => {});
  mounted.close();
  const { client } = fakeClient({ kept, clock });
  assert.deepEqual(client.keptRooms, [{ id: 'r', state: {} }]);
  const { opened, socket } = await reconnected({ client });
  assert.equal(socket.last('hello').resume.peer, 'me');
  opened.catch(() => {});
  client.close();
  assert.deepEqual(socket.last('bye'), { type: 'bye' });
  assert.deepEqual(made().keptRooms, [], 'it is over now');

  const other = await onPage(context);
  other.page.fire('pagehide');
  const next = new KeptSessions(other.storage);
  const declines = fakeClient({ kept: next }).client;
  assert.equal(declines.keptRooms.length, 1);
  declines.close();
  assert.deepEqual(fakeClient({ kept: next }).client.keptRooms, []);
});

test('an application’s own keys that begin likewise are left alone, and so is what another release has just kept', () => {
  const storage = new FakeStorage();
  const theirs = ['switchboard.sessionSettings', 'switchboard.session', 'switchboard.session#mine', 'switchboard.session.theme:x', 'switchboard.session:note'];
  for (const key of theirs.slice(0, -1)) storage.setItem(key, '{"theme":"dark","keptAt":1}');
  const kept = new KeptSessions(storage);
  storage.setItem(theirs.at(-1), 'none of ours');
  storage.setItem('switchboard.session.1:fresh', '{"version":2,"keptAt":59000}');
  storage.setItem('switchboard.session.2:stale', '{"version":2,"keptAt":1}');
  kept.put(kept.take('gateway'), { ...session('page'), keptAt: 60_000 });
  const keys = Array.from({ length: storage.length }, (_, index) => storage.key(index));
  assert.deepEqual(keys, [...theirs, 'switchboard.session.1:fresh', 'switchboard.session:gateway']);
});

test('frames of one origin leave each other’s sessions alone, and one that does not come back leaves nothing for long', () => {
  const storage = new FakeStorage();
  const frames = [['', 'page'], ['.0', 'first'], ['.1', 'second'], ['.1.0', 'inner']];
  for (const [frame, peer] of frames) {
    const kept = new KeptSessions(storage, frame);
    for (const each of [peer, `${peer} too`]) {
      const place = kept.take('gateway');
      place.counts = true;
      kept.put(place, session(each));
    }
  }
  assert.equal(storage.length, 8);
  for (const [frame, peer] of [...frames].reverse()) {
    const kept = new KeptSessions(storage, frame);
    const peers = [1, 2, 3].map(() => kept.claim(kept.take('gateway'), 1)?.peer);
    assert.deepEqual(peers, [peer, `${peer} too`, undefined]);
  }
  const gone = new KeptSessions(storage, '.7');
  gone.put(gone.take('gateway'), session('gone'));
  const page = new KeptSessions(storage);
  page.put(page.take('gateway'), { ...session('page'), keptAt: 60_000 });
  assert.deepEqual(storage.key(0), 'switchboard.session:gateway');
  assert.equal(storage.length, 1);
});

test('where signals do not fit the session is kept without them, and what is broken is not looked at', async (context) => {
  const before = await onPage(context);
  before.room.signal('other', 'x', 'x'.repeat(10_000));
  before.storage.quota = 5_000;
  before.page.fire('pagehide');
  const sessions = new KeptSessions(before.storage);
  const kept = sessions.claim(sessions.take('ws://gateway/v1/connect'), 1_000_000);
  assert.deepEqual(kept.signals, { sent: [], held: [] });

  const broken = new FakeStorage();
  for (const [name, text] of [['a', '{'], ['b', 'null'], ['c', '{"version":0}']]) {
    broken.setItem(`switchboard.session:${name}`, text);
  }
  const found = new KeptSessions(broken);
  for (const name of ['a', 'b', 'c']) assert.equal(found.claim(found.take(name), 0), undefined);
  assert.equal(broken.length, 0);
});

test('without storage a page lives on and its session ends with it', async (context) => {
  const { page, socket } = await onPage(context, { storage: undefined });
  page.fire('pagehide');
  assert.deepEqual(socket.sent.at(-1), { type: 'bye', hold_ms: 5_000 });
});

test('a page from the back-forward cache goes on as it was', async (context) => {
  const fake = await onPage(context);
  fake.page.fire('pagehide', { persisted: true });
  fake.page.fire('online');
  await fake.clock.advance(60_000);
  await socketNumber(1);
  fake.page.fire('pageshow', { persisted: true });
  assert.equal(fake.storage.length, 0);
  const second = await nextSocket(fake);
  assert.equal(second.last('hello').resume.peer, 'me');
  second.say(welcomeBack([snapshot(everyone)]));
  assert.equal(fake.room.joined, true);
});

test('a page from the back-forward cache begins again where another page went on with its session', async (context) => {
  const fake = await onPage(context);
  const sent = fake.room.signal('other', 'x', 1);
  fake.page.fire('pagehide', { persisted: true });
  new KeptSessions(fake.storage);
  fake.page.fire('pageshow', { persisted: true });
  assert.equal((await sent).reason, 'unconfirmed');
  const second = await nextSocket(fake);
  assert.equal(second.last('hello').resume, undefined);
  second.say(welcome('me-again'));
  assert.equal(second.last('join').room, 'r');
});

test('when the network is back the client tries at once, and looks at once whether it still has a connection', async (context) => {
  const fake = await onPage(context);
  fake.page.fire('offline');
  assert.equal(fake.socket.of('ping').length, 1);
  await fake.clock.advance(5_000);
  assert.equal(fake.client.state, 'reconnecting');
  fake.page.fire('online');
  await socketNumber(2);
});

test('an attempt that does not get through is begun again when the network is back', async (context) => {
  const fake = await onPage(context);
  fake.socket.drop();
  await fake.clock.advance(250);
  const stuck = await socketNumber(2);
  fake.page.fire('online');
  await socketNumber(2);
  await fake.clock.advance(1_001);
  fake.page.fire('online');
  await socketNumber(3);
  assert.equal(stuck.closed, true);
});

test('looking at the page again is a reason to try at once, but not against the gateway’s wish', async (context) => {
  const fake = await onPage(context);
  fake.socket.drop(4503, '{"retry_after_ms":10000}');
  fake.page.document.dispatchEvent(new Event('visibilitychange'));
  await idle();
  await socketNumber(1);
  const second = await nextSocket(fake);
  second.drop();
  fake.page.document.dispatchEvent(new Event('visibilitychange'));
  await socketNumber(3);
});
