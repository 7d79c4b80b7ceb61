import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { setLogLevel } from '../src/index.js';
import { fakeClient, idle, joined, member, nextSocket, snapshot, welcomeBack } from './support.js';

afterEach(() => setLogLevel('warn'));

/** What is told to the console until the test is over. */
function told(context) {
  const lines = [];
  for (const level of ['error', 'warn', 'info', 'debug', 'log']) {
    context.mock.method(console, level, (...args) => lines.push([level, ...args].join(' ')));
  }
  return lines;
}

/** A connection that is lost and had back, a refused signal, a room that is left, a token that is refused in the end. */
async function play(options) {
  const fake = await joined(options);
  const refused = fake.room.signal('other', 'x', 'payload');
  fake.socket.say({ type: 'error', re: fake.socket.last('signal').id, code: 'forbidden', message: 'No.' });
  await refused.catch(() => {});
  fake.socket.drop();
  const second = await nextSocket(fake);
  second.say(welcomeBack([snapshot([member('other', 1), member('me', 2)])]));
  second.say({ type: 'error', code: 'bad-message', message: 'unknown type' });
  fake.room.leave();
  second.drop(4401);
  await idle();
  return fake;
}

test('by default only what somebody should look into is told', async (context) => {
  const lines = told(context);
  await play();
  assert.deepEqual(lines, [
    'warn [switchboard] The gateway complains (bad-message): unknown type',
    'error [switchboard] The client stays away (unauthorized): The gateway wants a valid token.',
  ]);
});

test('each level tells what those before it tell, and more', async (context) => {
  const lines = told(context);
  const counts = [];
  for (const level of ['silent', 'error', 'warn', 'info', 'debug']) {
    setLogLevel(level);
    lines.splice(0);
    (await play()).client.close();
    counts.push(lines.length);
  }
  assert.deepEqual(counts.slice(0, 3), [0, 1, 2]);
  assert.ok(counts[3] > counts[2] && counts[4] > counts[3], counts.join());
  for (const expected of [
    'debug [switchboard] Connecting to ws://gateway/v1/connect.',
    'info [switchboard] Connected to node gw-a as peer me.',
    'info [switchboard] In room r, members: 2.',
    'info [switchboard] Signal 2 was refused (forbidden): No.',
    'info [switchboard] The connection has ended (connection-lost): The connection was lost or the gateway cannot be reached.',
    'debug [switchboard] The next attempt is in 250 ms.',
    'info [switchboard] Resumed at node gw-b as peer me.',
    'info [switchboard] Out of room r (left): The room was left; join() it again to come back.',
  ]) assert.ok(lines.includes(expected), `${expected}\nis not in\n${lines.join('\n')}`);
});

test('neither tokens nor secrets nor payloads are told', async (context) => {
  const lines = told(context);
  setLogLevel('debug');
  const url = 'ws://hidden-0:hidden@gateway/v1/connect?access_token=hidden-1#hidden-3';
  await play({ url, token: 'hidden-2', limits: {} });
  for (const getToken of [() => JSON.parse('hidden-4'), () => Promise.reject(new Error('hidden-5')), () => Promise.reject('hidden-6')]) {
    const { client } = fakeClient({ getToken });
    client.connect().catch(() => {});
    await idle();
    client.close();
  }
  const unusable = class {
    constructor(url) {
      throw new SyntaxError(`The URL '${url}' is invalid, it contains '${new URL(url).hash}'.`);
    }
  };
  await fakeClient({ url, WebSocket: unusable }).client.connect().catch(({ message }) => lines.push(message));
  assert.ok(lines.length > 10);
  for (const secret of ['hidden', 'secret', 'payload']) assert.ok(!lines.join('\n').includes(secret), lines.join('\n'));
  assert.match(lines.at(-1), /^No connection to ws:\/\/gateway\/v1\/connect can be opened \(SyntaxError\)/);
});

test('a token that cannot be had, and a room to whose signals nobody listens, are told', async (context) => {
  const lines = told(context);
  const { client } = fakeClient({ getToken: () => Promise.reject(new Error('signed out')) });
  client.connect().catch(() => {});
  await idle();
  client.close();
  assert.deepEqual(lines, ['warn [switchboard] No token: getToken() failed with Error.']);

  setLogLevel('info');
  const { clock, socket } = await joined({ listens: false });
  for (const id of [1, 2]) socket.say({ type: 'signal', room: 'r', from: 'other', id, kind: 'x', payload: 1 });
  await clock.advance(5_000);
  assert.equal(lines.filter((line) => line.includes('Nobody listens to the signals of room r')).length, 1);
});

test('a level that is none is refused', () => {
  assert.throws(() => setLogLevel('verbose'), /one of silent, error, warn, info, debug: verbose is none/);
});
