import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connected, idle } from './support.js';

const EXPIRING = { type: 'expiring', in_ms: 60_000 };

test('a token that runs out is asked for and said, and the connection stays', async () => {
  const tokens = ['first', 'second'];
  const fake = await connected({ getToken: async () => tokens.shift() });
  fake.socket.say(EXPIRING);
  await idle();
  const refresh = fake.socket.last('refresh');
  assert.equal(refresh.token, 'second');
  fake.socket.say({ type: 'done', re: refresh.id });
  await idle();
  assert.equal(fake.client.state, 'open');
});

test('a token that is set on a live session is said at once, and not once more when the first would have run out', async () => {
  const fake = await connected({ token: 'first' });
  fake.client.token = 'second';
  const { id, token } = fake.socket.last('refresh');
  assert.equal(token, 'second');
  fake.socket.say({ type: 'done', re: id });
  await idle();
  fake.client.token = 'second';
  fake.socket.say(EXPIRING);
  await idle();
  assert.equal(fake.socket.of('refresh').length, 1);
});

test('a token that is set and refused leaves the session as it is, and is said again when the first runs out', async () => {
  const fake = await connected({ token: 'first' });
  fake.client.token = 'second';
  fake.socket.say({ type: 'error', re: fake.socket.last('refresh').id, code: 'unauthorized', message: 'the token is another user’s' });
  await idle();
  assert.equal(fake.client.state, 'open');
  fake.socket.say(EXPIRING);
  await idle();
  assert.deepEqual(fake.socket.of('refresh').map(({ token }) => token), ['second', 'second']);
});

test('a token is for the next connection where there is none now, where none was said before, and where `getToken` gives them', async () => {
  const lost = await connected({ token: 'first' });
  lost.socket.drop();
  lost.client.token = 'second';
  const anonymous = await connected();
  anonymous.client.token = 'second';
  const provided = await connected({ getToken: () => 'first' });
  provided.client.token = 'second';
  await idle();
  for (const { socket } of [lost, anonymous, provided]) assert.equal(socket.last('refresh'), undefined);
});

test('the same token once more is not said, and neither is none', async () => {
  for (const options of [{ token: 'only' }, { getToken: () => 'only' }, { getToken: async () => Promise.reject(new Error('offline')) }, {}]) {
    let calls = 0;
    const { getToken } = options;
    const first = getToken && (() => (calls++ ? getToken() : 'only'));
    const fake = await connected({ ...options, ...(first && { getToken: first }) });
    fake.socket.say(EXPIRING);
    await idle();
    assert.equal(fake.socket.last('refresh'), undefined);
    assert.equal(fake.client.state, 'open');
  }
});

test('a refused token leaves the session as it is, and is tried again at half of what is left', async () => {
  const tokens = ['first', 'second', 'third'];
  const fake = await connected({ getToken: async () => tokens.shift() });
  fake.socket.say({ type: 'expiring', in_ms: 8_000 });
  await idle();
  const { id } = fake.socket.last('refresh');
  fake.socket.say({ type: 'error', re: id, code: 'unauthorized', message: 'the token is another user’s' });
  await idle();
  assert.equal(fake.client.state, 'open');
  await fake.clock.advance(3_000);
  assert.equal(fake.socket.of('refresh').length, 1);
  await fake.clock.advance(2_000);
  await idle();
  assert.deepEqual(fake.socket.of('refresh').map(({ token }) => token), ['second', 'third']);
});

test('a refresh that comes too early is tried again when the gateway says so, and not sooner', async () => {
  const tokens = ['first', 'second', 'third'];
  const fake = await connected({ getToken: async () => tokens.shift() });
  fake.socket.say({ type: 'expiring', in_ms: 10_000 });
  await idle();
  const { id } = fake.socket.last('refresh');
  fake.socket.say({ type: 'error', re: id, code: 'rate-limited', message: 'this token was refused before', retry_after_ms: 8_000 });
  await idle();
  await fake.clock.advance(7_900);
  assert.equal(fake.socket.of('refresh').length, 1);
  await fake.clock.advance(200);
  await idle();
  assert.equal(fake.socket.last('refresh').token, 'third');
});
