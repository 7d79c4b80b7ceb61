/** Who is let in over Socket.IO, and as which user. */
import assert from 'node:assert/strict';
import { scenario } from '../support/scenario.js';
import { TRANSPORTS } from '../support/socketio.js';
import { until } from '../support/until.js';

const SECRET = 'a secret only for the tests, long enough for HS256';
const STUDY = { studyId: 'study-1' };

scenario('in open mode the user is what the client sends, a number too, or nobody in particular', async (world) => {
  const gateway = await world.gateway();
  const watcher = await world.socketIoIn(gateway, { auth: { userId: 'watcher' } });
  await watcher.ask('presence:join-study', STUDY);
  const seen = async (/** @type {object | undefined} */ auth) => {
    const client = await world.socketIoIn(gateway, auth && { auth });
    await client.ask('presence:join-study', STUDY);
    const { userId, user } = await watcher.hears('presence:user-online');
    assert.equal(user.id, userId);
    return { userId, name: user.name, avatar: user.avatar, id: client.id };
  };
  const said = await seen({ userId: 'ada', token: 'of another server', name: 'Ada', avatar: 'a.png' });
  assert.deepEqual({ ...said, id: '' }, { userId: 'ada', name: 'Ada', avatar: 'a.png', id: '' });
  assert.equal((await seen({ userId: 42 })).userId, '42');
  for (const auth of [undefined, {}, { token: 'only' }, { name: 'Somebody' }]) {
    const { userId, id } = await seen(auth);
    assert.equal(userId, `anon:${id}`);
  }
});

scenario('auth that makes no sense lets nobody in as somebody else', async (world) => {
  const gateway = await world.gateway();
  for (const auth of [{ userId: { $ne: null } }, { userId: ['ada'] }, { userId: '' }, { userId: 'x'.repeat(1_000) }, { userId: 1.5 }, { name: 7 }]) {
    const client = world.socketIo(gateway, { auth });
    await until('it is answered', () => client.socket.connected || client.refusals.length > 0);
    if (!client.socket.connected) continue;
    const room = JSON.stringify(auth).length.toString();
    await client.ask('video:join-room', { roomId: room });
    const other = await world.socketIoIn(gateway);
    await other.ask('video:join-room', { roomId: room });
    const { participants } = await other.hears('video:room-state');
    assert.equal(participants[0].userId, `anon:${client.id}`, JSON.stringify(auth));
  }
});

for (const [texts, [required, failed]] of Object.entries({
  en: ['Authentication required', 'Authentication failed'],
  ko: ['토큰 없음', '인증 실패'],
})) {
  scenario(`where tokens are needed, one without is refused with «${required}», one with a wrong token with «${failed}»`, async (world) => {
    const gateway = await world.gateway({ 'auth.jwt.secret': SECRET, error_texts: texts });
    const elsewhere = await world.gateway({ 'auth.jwt.secret': `${SECRET}, but another` });
    const token = await gateway.mint('--user', 'ada', '--name', 'Ada');
    const refusal = (/** @type {object} */ options) => world.socketIo(gateway, options).refusal();
    for (const transports of Object.values(TRANSPORTS)) {
      assert.equal(await refusal(transports), required);
      assert.equal(await refusal({ ...transports, auth: { token: 'nonsense' } }), failed);
    }
    assert.equal(await refusal({ auth: { userId: 'ada' } }), required);
    assert.equal(await refusal({ auth: { token: '' } }), required);
    assert.equal(await refusal({ auth: { token: await elsewhere.mint('--user', 'ada') } }), failed);
    assert.equal(await refusal({ auth: { userId: 'bob', token } }), failed, 'another user’s token');
  });
}

scenario('who was refused may come again with a better token; the token says who it is', async (world) => {
  const gateway = await world.gateway({ 'auth.jwt.secret': SECRET });
  const ada = world.socketIo(gateway, { auth: { token: 'expired' } });
  assert.equal(await ada.refusal(), 'Authentication failed');
  ada.socket.auth = { userId: 'ada', token: await gateway.mint('--user', 'ada', '--name', 'Ada'), name: 'Mallory' };
  ada.socket.connect();
  await ada.untilIn();
  const bob = await world.socketIoIn(gateway, { extraHeaders: { authorization: `Bearer ${await gateway.mint('--user', 'bob')}` } });
  for (const client of [ada, bob]) await client.ask('video:join-room', { roomId: 'r' });
  const { participants } = await bob.hears('video:room-state');
  assert.deepEqual(participants.map(({ userId, user }) => [userId, user.name]), [['ada', 'Ada']]);
  assert.equal((await ada.hears('video:user-joined')).user.id, 'bob');
});

scenario('a page that tries a wrong token again and again is told when that helps, and another page gets in', async (world) => {
  const gateway = await world.gateway({ 'auth.jwt.secret': SECRET });
  const page = world.socketIo(gateway, { auth: { token: 'expired' } });
  const told = /** @type {({ reason: string, retry_after_ms: number } | undefined)[]} */ ([]);
  page.socket.on('connect_error', (error) => told.push(/** @type {any} */ (error).data));
  for (let times = 1; !told.at(-1); times++) {
    assert.equal(await page.refusal(), 'Authentication failed');
    assert.ok(times < 20, 'it is told at last');
    if (!told.at(-1)) page.socket.connect();
  }
  const { reason, retry_after_ms } = /** @type {NonNullable<typeof told[0]>} */ (told.at(-1));
  assert.match(reason, /refused before/);
  assert.ok(retry_after_ms > 0 && retry_after_ms <= 60_000, `${retry_after_ms}`);
  await world.socketIoIn(gateway, { auth: { token: await gateway.mint('--user', 'ada') } });
});

scenario('a token for some rooms opens those, and a refusal says so', async (world) => {
  const gateway = await world.gateway({ 'auth.jwt.secret': SECRET, error_texts: 'ko' });
  const client = await world.socketIoIn(gateway, { auth: { token: await gateway.mint('--user', 'ada', '--room', 'study-*') } });
  assert.deepEqual(await client.ask('create-room', 'studio'), { success: false, error: '방 생성 권한이 없습니다' });
  assert.deepEqual(await client.ask('create-room', 'study-1'), { success: true, roomId: 'study-1' });
  assert.equal((await client.ask('video:join-room', { roomId: 'study-1' })).success, false, 'that is the room video:study-1');
});

scenario('a page of an origin that may not connect is told that, and one that may gets in', async (world) => {
  const gateway = await world.gateway({ origins: 'https://app.example.com' });
  for (const transports of Object.values(TRANSPORTS)) {
    const from = (/** @type {string} */ origin) => world.socketIo(gateway, { ...transports, extraHeaders: { origin } });
    const refusal = await from('https://evil.example.com').refusal();
    assert.match(refusal, /^pages of this origin may not connect here: .*`origins`/);
    await from('https://app.example.com').untilIn();
  }
});

scenario('a user with as many sessions as he may have gets in when one of them is over', async (world) => {
  const gateway = await world.gateway({ 'limits.sessions_per_user': 2 });
  const auth = { userId: 'ada' };
  const [first] = [await world.socketIoIn(gateway, { auth }), await world.socketIoIn(gateway, { auth })];
  const third = world.socketIo(gateway, { auth, transports: ['websocket'] });
  await until('it tried more than once', () => third.attempts > 2);
  assert.equal(third.socket.connected, false);
  first.end();
  await third.untilIn();
});
