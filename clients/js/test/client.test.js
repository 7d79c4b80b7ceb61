import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from '../src/index.js';
import { connected, countListeners, fakeClient, fakePage, FakeSocket, idle, joined, socketNumber, welcome } from './support.js';

test('the first message is a hello that asks for receipts', async () => {
  const { client } = fakeClient({ name: 'Ada', token: 't' });
  const opened = client.connect();
  const socket = await socketNumber(1);
  assert.deepEqual(socket.protocols, ['switchboard.v1.json']);
  socket.open();
  assert.deepEqual(socket.sent, [
    { type: 'hello', receipts: true, agent: '@switchboard/client', token: 't', name: 'Ada' },
  ]);
  socket.say(welcome());
  assert.equal((await opened).node, 'gw-a');
  assert.equal(client.state, 'open');
});

test('a silent connection is pinged after a heartbeat, and is lost 5 s later', async () => {
  const { clock, socket, states } = await connected();
  await clock.advance(14_999);
  assert.equal(socket.of('ping').length, 0);
  await clock.advance(1);
  assert.equal(socket.of('ping').length, 1);
  await clock.advance(4_999);
  assert.equal(socket.closed, false);
  await clock.advance(1);
  assert.equal(socket.closed, true);
  assert.equal(states.at(-1).state, 'reconnecting');
});

test('any message is a sign of life', async () => {
  const { clock, socket, client } = await connected();
  await clock.advance(10_000);
  socket.say({ type: 'pong' });
  await clock.advance(14_000);
  assert.equal(socket.of('ping').length, 0);
  await clock.advance(1_000);
  assert.equal(socket.of('ping').length, 1);
  socket.say({ type: 'pong' });
  await clock.advance(60_000 - 1);
  assert.equal(client.state, 'reconnecting', 'and silence after it is silence again');
});

test('ping() gives the round trip, and rejects when no answer can come any more', async () => {
  const { clock, socket, client } = await connected();
  const asked = client.ping();
  const { id } = socket.last('ping');
  await clock.advance(30);
  socket.say({ type: 'pong' }); // of a heartbeat
  await clock.advance(12);
  socket.say({ type: 'pong', re: id });
  assert.equal(await asked, 42);
  const lost = client.ping();
  socket.drop();
  await assert.rejects(lost, { code: 'connection-lost' });
  await assert.rejects(client.ping(), { code: 'connection-lost' });
});

test('a page that slept asks again before it gives a connection up', async () => {
  const { clock, socket, client } = await connected();
  await clock.advance(15_000);
  await clock.sleep(3_600_000);
  assert.equal(socket.of('ping').length, 2);
  socket.say({ type: 'pong' });
  await clock.advance(5_000);
  assert.equal(client.state, 'open');
});

test('a hidden page whose timers ring late gives up a connection that stays silent', async () => {
  const { clock, socket, client } = await connected();
  await clock.sleep(60_000);
  assert.equal(socket.of('ping').length, 1);
  await clock.sleep(60_000);
  assert.equal(socket.of('ping').length, 2);
  await clock.sleep(60_000);
  assert.equal(client.state, 'reconnecting');
});

test('a hidden page comes back without a timer the first time, and after back-off then', async (context) => {
  const page = fakePage(context);
  const { socket, states } = await connected();
  page.document.hidden = true;
  socket.drop();
  const second = await socketNumber(2);
  assert.equal(states.at(-1).retryInMs, 0);
  second.drop();
  await socketNumber(2);
  assert.ok(states.at(-1).retryInMs > 0);
});

test('a gateway that never says welcome is given up', async () => {
  const { client, clock } = fakeClient();
  client.connect();
  (await socketNumber(1)).open();
  await clock.advance(10_000);
  assert.equal(client.state, 'reconnecting');
});

test('a lost connection is followed by another one, after back-off', async () => {
  const { client, clock, socket, states } = await connected();
  socket.drop();
  assert.equal(states.at(-1).state, 'reconnecting');
  assert.equal(states.at(-1).retryInMs, 250, 'half of the first bound');
  await clock.advance(250);
  const second = await socketNumber(2);
  second.open();
  second.say(welcome('me-again'));
  assert.equal(client.state, 'open');
  assert.equal(client.peer, 'me-again');
});

test('a limit is respected for as long as the gateway asks', async () => {
  const { clock, socket, states } = await connected();
  socket.drop(4429, '{"retry_after_ms":60000}');
  assert.equal(states.at(-1).retryInMs, 60_250);
  await clock.advance(60_249);
  await socketNumber(1);
  await clock.advance(1);
  await socketNumber(2);
});

test('hidden pages that are told the same time do not all come back at that moment', async (context) => {
  const page = fakePage(context);
  const { socket, states } = await connected();
  page.document.hidden = true;
  socket.drop(4503, '{"retry_after_ms":2000}');
  assert.equal(states.at(-1).retryInMs, 2250, 'with the back-off on top');
});

test('after codes that forbid it the client does not come back, and connect() begins again', async () => {
  for (const [code, why] of [[1000, 'bye'], [1009, 'too-large'], [4400, 'protocol'], [4409, 'superseded']]) {
    const { client, clock, socket, states } = await connected();
    socket.drop(code);
    assert.equal(states.at(-1).state, 'closed');
    assert.equal(states.at(-1).advice.why, why);
    await clock.advance(3_600_000);
    await socketNumber(1);
    client.connect();
    await socketNumber(2);
  }
});

test('a refused token keeps the client away until it has another one', async () => {
  const { client } = fakeClient({ token: 'old' });
  const opened = client.connect();
  const socket = await socketNumber(1);
  socket.open();
  socket.drop(4401);
  await assert.rejects(opened, { name: 'SwitchboardError', code: 'unauthorized' });
  client.token = 'new';
  client.connect();
  const second = await socketNumber(2);
  second.open();
  assert.equal(second.last('hello').token, 'new');
});

test('getToken is asked for each connection, and a refused token is not tried twice', async () => {
  const tokens = ['first', 'second', 'second'];
  const { client, clock, states } = fakeClient({ getToken: async () => tokens.shift() });
  const opened = assert.rejects(client.connect(), { code: 'forbidden' });
  for (const count of [1, 2]) {
    const socket = await socketNumber(count);
    socket.open();
    socket.drop(4403);
    await clock.advance(1_000);
  }
  await socketNumber(2);
  assert.equal(states.at(-1).state, 'closed');
  await opened;
});

test('a token that cannot be had now is asked for again', async () => {
  let asked = 0;
  const getToken = async () => {
    if (asked++ === 0) throw new Error('offline');
    return 'token';
  };
  const { client, clock, states } = fakeClient({ getToken });
  client.connect();
  await idle();
  assert.equal(states.at(-1).advice.why, 'no-token');
  await clock.advance(1_000);
  (await socketNumber(1)).open();
});

test('close says goodbye and stays away', async () => {
  const { client, clock, socket } = await connected();
  client.close();
  assert.deepEqual(socket.sent.at(-1), { type: 'bye' });
  assert.equal(client.state, 'closed');
  await clock.advance(60_000);
  await socketNumber(1);
});

test('a client closed while it waits for its token opens nothing', async () => {
  let release = () => {};
  const { client } = fakeClient({ getToken: () => new Promise((resolve) => (release = resolve)) });
  const opened = assert.rejects(client.connect(), { code: 'bye' });
  client.close();
  release('token');
  await socketNumber(0);
  await opened;
});

test('unknown messages and fields do no harm', async () => {
  const { client, socket } = await connected();
  socket.say({ type: 'from-the-future', x: 1 });
  socket.say({ type: 'pong', re: 99, extra: true });
  assert.equal(client.state, 'open');
});

test('a listener that throws keeps nobody else from hearing', async (context) => {
  const { client, socket } = await connected();
  const uncaught = [];
  const former = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => uncaught.push(error.message));
  context.after(() => {
    process.removeAllListeners('uncaughtException');
    for (const listener of former) process.on('uncaughtException', listener);
  });
  const heard = [];
  client.on('error', () => {
    throw new Error('mine');
  });
  client.on('error', ({ error }) => heard.push(error.code));
  socket.say({ type: 'error', code: 'bad-message', message: 'x' });
  await idle();
  assert.deepEqual(heard, ['bad-message']);
  assert.deepEqual(uncaught, ['mine']);
});

test('a token that never comes is given up, and asked for again', async () => {
  let asked = 0;
  const { client, clock, states } = fakeClient({ getToken: () => (asked++ === 0 ? new Promise(() => {}) : 'token') });
  client.connect();
  await clock.advance(15_000);
  assert.equal(states.at(-1).advice.why, 'no-token');
  assert.match(states.at(-1).advice.message, /did not settle within 15 s/);
  await clock.advance(1_000);
  (await socketNumber(1)).open();
});

test('getToken() that throws at once is no token either', async () => {
  const { client, states } = fakeClient({
    getToken: () => {
      throw new Error('signed out');
    },
  });
  client.connect();
  await idle();
  assert.deepEqual([states.at(-1).advice.why, states.at(-1).advice.message], ['no-token', 'No token: signed out']);
});

test('a URL that no connection can be opened to, and a platform without WebSocket, reject connect()', async () => {
  const options = { url: 'nonsense' };
  const bad = class {
    constructor(url) {
      throw new SyntaxError(`The URL '${url}' is invalid.`);
    }
  };
  for (const [WebSocket, code] of [[bad, 'bad-url'], [undefined, 'no-websocket']]) {
    const { client, clock } = fakeClient({ ...options, WebSocket });
    await assert.rejects(client.connect(), { code });
    assert.equal(client.state, 'closed');
    assert.deepEqual(clock.waits, []);
  }
});

test('a url may be a URL; without one connect() rejects, each time, and so does join()', async () => {
  const url = 'ws://gateway/v1/connect';
  const { client } = fakeClient({ url: new URL(url) });
  client.connect().catch(() => {});
  assert.equal((await socketNumber(1)).url, url);
  client.close();
  for (const none of [undefined, null, '']) {
    const { client, clock } = fakeClient({ url: none });
    for (let time = 1; time <= 2; time++) await assert.rejects(client.connect(), { code: 'bad-url', message: /no url/ });
    await assert.rejects(client.join('r'), { code: 'bad-url' });
    assert.deepEqual([client.state, FakeSocket.all.length, clock.waits], ['closed', 0, []]);
  }
});

test('a platform of which only a part is given has the rest from the browser', async () => {
  FakeSocket.reset();
  const client = new Client({ url: 'ws://gateway/v1/connect', platform: { WebSocket: FakeSocket } });
  const opened = client.connect();
  const socket = await socketNumber(1);
  socket.open();
  socket.say(welcome('me'));
  assert.equal((await opened).peer, 'me');
  client.close();
});

test('a gateway that cannot take the hello is not asked again, and its words reach connect()', async () => {
  const { client, clock } = fakeClient({ name: 'x'.repeat(300) });
  const refused = assert.rejects(client.connect(), { code: 'bad-message', message: 'name: at most 256 bytes' });
  const socket = await socketNumber(1);
  socket.open();
  socket.say({ type: 'error', code: 'bad-message', message: 'name: at most 256 bytes' });
  await refused;
  await clock.advance(60_000);
  await socketNumber(1);
});

test('join() on a client that was closed or refused rejects until it is connected again', async () => {
  const { client } = await connected();
  client.close();
  await assert.rejects(client.join('r'), { code: 'bye', message: /call connect\(\) first/ });
  client.connect();
  const socket = await socketNumber(2);
  socket.open();
  socket.say(welcome());
  const waiting = assert.rejects(client.join('r'), { code: 'forbidden' });
  assert.equal(socket.of('join').length, 1);
  socket.drop(4403);
  await waiting;
  await assert.rejects(client.join('r'), { code: 'forbidden' });
});

test('connect() while it reconnects tries at once, but not against the gateway’s wish; reconnect() tries at once', async () => {
  const { client, socket } = await connected();
  socket.drop();
  const opened = client.connect();
  const second = await socketNumber(2);
  second.drop(4503, '{"retry_after_ms":10000}');
  client.connect();
  await socketNumber(2);
  client.reconnect();
  const third = await socketNumber(3);
  third.open();
  third.say(welcome());
  assert.equal((await opened).peer, 'me');
  client.reconnect();
  assert.equal(third.of('ping').length, 1, 'while open it looks whether it still is');
});

test('connect() gives up after its timeout, and when its signal aborts, and leaves nothing behind', async () => {
  const { client, clock } = fakeClient();
  const late = assert.rejects(client.connect({ timeout: 3_000 }), { code: 'timeout' });
  await clock.advance(3_000);
  await late;
  assert.equal(client.state, 'closed');
  assert.deepEqual(clock.waits, []);

  const stop = new AbortController();
  const given = assert.rejects(client.connect({ signal: stop.signal }), { code: 'aborted' });
  stop.abort();
  await given;
  assert.equal(client.state, 'closed');
  await assert.rejects(client.connect({ signal: stop.signal }), { code: 'aborted' });
});

test('connect() that gives up leaves a client alone that was open, or that somebody else waits for', async () => {
  const { client, clock, socket } = await connected();
  socket.drop();
  const late = assert.rejects(client.connect({ timeout: 100 }), { code: 'timeout' });
  await clock.advance(100);
  await late;
  assert.equal(client.state, 'reconnecting');

  const fake = fakeClient();
  const patient = fake.client.connect();
  await assert.rejects(Promise.all([fake.client.connect({ timeout: 100 }), fake.clock.advance(100)]), { code: 'timeout' });
  const only = await socketNumber(1);
  only.open();
  only.say(welcome());
  await patient;
});

test('a client that is refused listens to its page no more', async (context) => {
  const listeners = countListeners(fakePage(context));
  const { socket } = await connected();
  assert.ok(listeners() > 0);
  socket.drop(4403);
  assert.equal(listeners(), 0);
});

test('signals of the client’s own are told as they are handed to it', async () => {
  const { client, room } = await joined({ members: ['a', 'b'] });
  const sent = [];
  client.on('signal-sent', (signal) => sent.push(signal));
  room.signal('a', 'offer', { sdp: 's' });
  room.broadcast('chat', 'hello');
  assert.deepEqual(sent, [
    { room: 'r', to: 'a', kind: 'offer', payload: { sdp: 's' } },
    { room: 'r', kind: 'chat', payload: 'hello' },
  ]);
});
