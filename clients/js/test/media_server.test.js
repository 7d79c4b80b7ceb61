import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connected, idle, joined, member, nextSocket, snapshot, welcome, welcomeBack } from './support.js';

const media = (token) => ({ kind: 'livekit', url: 'wss://sfu.example', room: 'r', token, expires_at: 1_700_000_600_000 });
const me = [member('me', 1)];

test('a room has the media of its join, and a fresh one each time it is resumed', async () => {
  const fake = await connected();
  const joining = fake.client.join('r');
  await idle();
  const { id } = fake.socket.last('join');
  fake.socket.say({ type: 'joined', re: id, ...snapshot(me), media: media('first') });
  const room = await joining;
  assert.deepEqual(room.media, media('first'));

  const heard = [];
  room.on('resumed', () => heard.push('resumed'));
  room.on('media', ({ media: { token } }) => heard.push(token));
  fake.socket.drop();
  const second = await nextSocket(fake);
  second.say(welcomeBack([{ ...snapshot(me), media: media('second') }]));
  assert.deepEqual(heard, ['second', 'resumed']);
  assert.deepEqual(room.media, media('second'));

  second.drop();
  (await nextSocket(fake, 3)).say(welcomeBack([snapshot(me)]));
  assert.equal(room.media, undefined, 'it goes through no server any more');
  assert.deepEqual(heard, ['second', 'resumed', 'resumed']);
});

for (const [how, comeBack] of [
  ['with its session', (socket) => socket.say(welcomeBack([{ ...snapshot([member('me', 2)]), media: media('second') }]))],
  [
    'in a new session',
    async (socket) => {
      socket.say(welcome('again'));
      await idle();
      const { id } = socket.last('join');
      socket.say({ type: 'joined', re: id, ...snapshot([member('again', 2)]), media: media('second') });
    },
  ],
]) {
  test(`a listener of rejoined connects with the new way in: ${how}`, async () => {
    const fake = await connected();
    const joining = fake.client.join('r');
    await idle();
    fake.socket.say({ type: 'joined', re: fake.socket.last('join').id, ...snapshot(me), media: media('first') });
    const room = await joining;
    const heard = [];
    let way = room.media;
    room.on('media', (event) => {
      way = event.media;
      heard.push('media');
    });
    room.on('rejoined', () => heard.push('rejoined', way?.token, room.media?.token));
    fake.socket.drop();
    await comeBack(await nextSocket(fake));
    assert.deepEqual(heard, ['media', 'rejoined', 'second', 'second']);
  });
}

test('a room that a listener of media leaves tells of nothing else', async () => {
  const fake = await connected();
  const joining = fake.client.join('r');
  await idle();
  fake.socket.say({ type: 'joined', re: fake.socket.last('join').id, ...snapshot(me), media: media('first') });
  const room = await joining;
  const heard = [];
  room.on('media', () => void room.leave().catch(() => {}));
  for (const event of ['rejoined', 'resumed']) room.on(event, () => heard.push(event));
  fake.socket.drop();
  (await nextSocket(fake)).say(welcomeBack([{ ...snapshot([member('me', 2)]), media: media('second') }]));
  assert.deepEqual(heard, []);
});

test('a room without a media server has none', async () => {
  const { room } = await joined();
  assert.equal(room.media, undefined);
});
