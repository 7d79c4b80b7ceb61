import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connected, idle, joined, member, nextSocket, snapshot, welcomeBack } from './support.js';

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
  assert.deepEqual(heard, ['resumed', 'second']);
  assert.deepEqual(room.media, media('second'));

  second.drop();
  (await nextSocket(fake, 3)).say(welcomeBack([snapshot(me)]));
  assert.equal(room.media, undefined, 'it goes through no server any more');
  assert.deepEqual(heard, ['resumed', 'second', 'resumed']);
});

test('a room without a media server has none', async () => {
  const { room } = await joined();
  assert.equal(room.media, undefined);
});
