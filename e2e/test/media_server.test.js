/** Rooms whose media goes through LiveKit: its own SDK takes the tokens that members get. */
import assert from 'node:assert/strict';
import { TokenVerifier } from 'livekit-server-sdk';
import { WebSocket } from 'ws';
import { Client } from '../../clients/js/src/index.js';
import { scenario } from '../support/scenario.js';
import { until } from '../support/until.js';

const SECRET = 'a secret only for the tests, long enough for HS256';
const MEDIA_SECRET = 'a media secret only for the tests, long enough';
const SETTINGS = {
  'auth.jwt.secret': SECRET,
  'media.kind': 'livekit',
  'media.url': 'wss://sfu.example',
  'media.api_key': 'devkey',
  'media.api_secret': MEDIA_SECRET,
  'media.rooms': 'study-*',
};

const verifier = new TokenVerifier('devkey', MEDIA_SECRET);

/** A socket that a test can break. */
class Breakable extends WebSocket {
  /** @type {Breakable | undefined} */
  static last;

  /** @param {string} url @param {string[]} protocols */
  constructor(url, protocols) {
    super(url, protocols);
    Breakable.last = this;
  }
}

scenario('a member’s token is one of LiveKit’s, and another one after a resume', async (world) => {
  const gateway = await world.gateway(SETTINGS);
  const url = `${gateway.url.replace('http', 'ws')}v1/connect`;
  const token = await gateway.mint('--user', 'ada', '--name', 'Ada');
  const client = new Client({ url, token, platform: { WebSocket: Breakable } });
  try {
    await client.connect();
    const room = await client.join('study-1');
    const { media } = room;
    assert.ok(media, 'its media goes through a server');
    assert.deepEqual([media.kind, media.url, media.room], ['livekit', 'wss://sfu.example', 'study-1']);
    const claims = await verifier.verify(media.token);
    assert.deepEqual(
      [claims.iss, claims.sub, claims.name, claims.video],
      ['devkey', client.peer, 'Ada', { roomJoin: true, room: 'study-1', canPublish: true, canSubscribe: true, canPublishData: true }],
    );
    assert.equal(claims.exp, Number(claims.nbf) + 600);
    assert.equal(media.expires_at, Number(claims.exp) * 1000);
    assert.equal((await client.join('lobby')).media, undefined);

    await until('the second is over, so that the next token is another one', () => Date.now() / 1000 > Number(claims.nbf) + 1);
    /** @type {Promise<string>} */
    const fresh = new Promise((resolve) => room.on('media', (event) => resolve(event.media.token)));
    Breakable.last?.terminate();
    const again = await verifier.verify(await fresh);
    assert.ok(Number(again.nbf) > Number(claims.nbf));
    assert.equal(again.sub, claims.sub);
    assert.equal(room.media?.token, await fresh);
  } finally {
    client.close();
  }
});

scenario('LiveKit’s SDK refuses the same token under another secret', async (world) => {
  const gateway = await world.gateway({ ...SETTINGS, 'media.api_secret': `${MEDIA_SECRET}, but another one` });
  const url = `${gateway.url.replace('http', 'ws')}v1/connect`;
  const client = new Client({ url, token: await gateway.mint('--user', 'ada'), platform: { WebSocket } });
  try {
    await client.connect();
    const { media } = await client.join('study-1');
    await assert.rejects(verifier.verify(media?.token ?? ''));
  } finally {
    client.close();
  }
});
