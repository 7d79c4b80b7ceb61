import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { PeerConnection } from '../src/peer_connection.js';
import { FakeRtc } from './fake_rtc.js';
import { idle } from './support.js';

FakeRtc.install();

const DELIVERED = { peer: 'other', delivered: true };
const media = () => ({ stream: new MediaStream(), audioTrack: { kind: 'audio' }, videoTrack: { kind: 'video' } });

const peers = [];
afterEach(() => {
  for (const peer of peers.splice(0)) peer.close();
});

/** One side, whose signals wait in `outbox` until they are passed on. */
function side(polite, { outcomes = [], ...how } = {}) {
  /** @type {FakeRtc[]} */
  const made = [];
  const outbox = [];
  const errors = [];
  const peer = new PeerConnection({
    polite,
    media: media(),
    ...how,
    configuration: { made },
    send: async (kind, payload) => {
      outbox.push({ kind, payload });
      return outcomes.shift() ?? DELIVERED;
    },
    onChange: () => {},
    onError: (error) => errors.push(error),
  });
  peers.push(peer);
  return {
    peer,
    made,
    get rtc() {
      return made.at(-1);
    },
    outbox,
    errors,
    kinds: () => outbox.map(({ kind }) => kind),
  };
}

/** Passes on what both sides say, until both have nothing to say. */
async function converse(a, b) {
  const said = [];
  for (;;) {
    await idle();
    const [fromA, fromB] = [a.outbox.splice(0), b.outbox.splice(0)];
    if (fromA.length + fromB.length === 0) return said;
    for (const { kind, payload } of fromA) b.peer.receive(kind, payload);
    for (const { kind, payload } of fromB) a.peer.receive(kind, payload);
    said.push(...fromA.map(({ kind }) => `impolite ${kind}`), ...fromB.map(({ kind }) => `polite ${kind}`));
  }
}

/** The impolite one first. */
const inOrder = (other, own, ownIsPolite) => (ownIsPolite ? [other, own] : [own, other]);

/** Settled, and with the descriptions of one and the same exchange. */
function assertAgreed(a, b) {
  assert.deepEqual([a.rtc.signalingState, b.rtc.signalingState], ['stable', 'stable']);
  assert.deepEqual(a.rtc.localDescription, b.rtc.remoteDescription);
  assert.deepEqual(b.rtc.localDescription, a.rtc.remoteDescription);
  assert.deepEqual([...a.errors, ...b.errors], []);
}

test('only the impolite side makes the first offer, and both send', async () => {
  const [impolite, polite] = [side(false), side(true)];
  assert.deepEqual(await converse(impolite, polite), ['impolite offer', 'polite answer']);
  assertAgreed(impolite, polite);
  for (const { rtc } of [impolite, polite]) {
    assert.deepEqual(rtc.getTransceivers().map(({ direction }) => direction), ['sendrecv', 'sendrecv']);
    assert.deepEqual(rtc.getTransceivers().map(({ sender }) => sender.track?.kind), ['audio', 'video']);
  }
});

test('glare: the impolite offer stands, the polite one is taken back and made again', async () => {
  const [impolite, polite] = [side(false), side(true)];
  await converse(impolite, polite);
  impolite.peer.restartIce();
  polite.peer.restartIce();
  const said = await converse(impolite, polite);
  assert.deepEqual(said.slice(0, 3), ['impolite offer', 'polite offer', 'polite answer']);
  assert.equal(polite.rtc.rollbacks, 1);
  assert.equal(impolite.rtc.rollbacks, 0);
  assertAgreed(impolite, polite);
  for (const { rtc } of [impolite, polite]) assert.ok(rtc.getTransceivers().every(({ sender }) => sender.isFed && sender.track));
});

test('a camera that is turned off as an offer is taken back stays off', async () => {
  const own = media();
  const [impolite, polite] = [side(false), side(true, { media: own })];
  await converse(impolite, polite);
  impolite.peer.restartIce();
  polite.peer.restartIce();
  const turnsOff = () => {
    own.videoTrack = undefined;
    polite.peer.sendTracks();
  };
  const { replaceTrack } = polite.rtc.getTransceivers()[1].sender;
  polite.rtc.getTransceivers()[1].sender.replaceTrack = (track) => {
    const replaced = replaceTrack(track);
    if (track === null && own.videoTrack) turnsOff();
    return replaced;
  };
  await converse(impolite, polite);
  assert.deepEqual(polite.rtc.getTransceivers().map(({ sender }) => sender.track?.kind), ['audio', undefined]);
});

test('glare while an offer is still being made is glare, too', async () => {
  const [impolite, polite] = [side(false), side(true)];
  await converse(impolite, polite);
  impolite.peer.restartIce();
  await new Promise((resolve) => setImmediate(resolve)); // negotiationneeded has fired; the offer is not there yet
  assert.equal(impolite.rtc.signalingState, 'stable');
  impolite.peer.receive('offer', { type: 'offer', sdp: 'crossing' });
  await idle();
  assert.deepEqual(impolite.kinds(), ['offer'], 'no answer to the other one');
  await converse(impolite, polite);
  assertAgreed(impolite, polite);
});

test('candidates that come before the offer wait for it', async () => {
  const polite = side(true);
  for (const candidate of ['first', 'second']) polite.peer.receive('candidate', { candidate });
  await idle();
  assert.deepEqual(polite.rtc.candidates, []);
  polite.peer.receive('offer', { type: 'offer', sdp: 'o' });
  polite.peer.receive('candidate', { candidate: 'third' });
  await idle();
  await idle();
  assert.deepEqual(polite.rtc.candidates, ['first', 'second', 'third']);
  assert.deepEqual(polite.errors, []);
});

test('candidates of an ignored offer do no harm', async () => {
  const [impolite, polite] = [side(false), side(true)];
  await converse(impolite, polite);
  impolite.peer.restartIce();
  await idle();
  impolite.peer.receive('offer', { type: 'offer', sdp: 'crossing' });
  impolite.peer.receive('candidate', { candidate: 'of an ignored offer' });
  await idle();
  assert.deepEqual(impolite.errors, []);
});

test('a failed connection restarts ICE', async () => {
  const [impolite, polite] = [side(false), side(true)];
  await converse(impolite, polite);
  polite.rtc.report('failed');
  assert.deepEqual(await converse(impolite, polite), ['polite offer', 'impolite answer']);
  assertAgreed(impolite, polite);
});

test('an interrupted connection restarts ICE, unless it recovers by itself', async (context) => {
  const [impolite, polite] = [side(false), side(true)];
  await converse(impolite, polite);
  context.mock.timers.enable({ apis: ['setTimeout'] });
  polite.rtc.report('disconnected');
  polite.rtc.report('connected');
  context.mock.timers.tick(2_000);
  assert.deepEqual(await converse(impolite, polite), []);
  polite.rtc.report('disconnected');
  context.mock.timers.tick(1_999);
  assert.deepEqual(await converse(impolite, polite), []);
  context.mock.timers.tick(1);
  assert.deepEqual(await converse(impolite, polite), ['polite offer', 'impolite answer']);
});

test('who is away is not asked for another path, and is when it is back and there is none', async () => {
  const [impolite, polite] = [side(false), side(true)];
  await converse(impolite, polite);
  impolite.peer.away = true;
  impolite.rtc.report('failed');
  assert.deepEqual(await converse(impolite, polite), []);
  impolite.peer.away = false;
  assert.deepEqual(await converse(impolite, polite), ['impolite offer', 'polite answer']);
  impolite.rtc.report('connected');
  impolite.peer.away = true;
  impolite.peer.away = false;
  assert.deepEqual(await converse(impolite, polite), [], 'what works is left alone');
});

test('while the first path is looked for there is none to restart', async () => {
  const polite = side(true);
  polite.peer.restartIce();
  await idle();
  assert.deepEqual(polite.outbox, []);
});

for (const polite of [true, false]) {
  const who = polite ? 'polite' : 'impolite';

  test(`a page that was loaded again is answered by a new connection (${who})`, async () => {
    const [other, before] = [side(!polite), side(polite)];
    await converse(...inOrder(other, before, polite));
    before.peer.close();
    const after = side(polite, { offerFirst: true });
    await converse(...inOrder(other, after, polite));
    assert.equal(other.made.length, 2);
    assert.equal(other.made[0].signalingState, 'closed');
    assert.equal(after.made.length, 1);
    assertAgreed(other, after);
    for (const { rtc } of [other, after]) {
      assert.deepEqual(rtc.getTransceivers().map(({ direction }) => direction), ['sendrecv', 'sendrecv']);
      assert.deepEqual(rtc.getTransceivers().map(({ sender }) => sender.track?.kind), ['audio', 'video']);
    }
  });

  test(`a page that was loaded again while the other offers ends up connected (${who})`, async () => {
    const [other, before] = [side(!polite), side(polite)];
    await converse(...inOrder(other, before, polite));
    before.peer.close();
    other.peer.restartIce();
    const after = side(polite, { offerFirst: true });
    await converse(...inOrder(other, after, polite));
    assertAgreed(other, after);
  });

  test(`a page that was loaded again and gets what was meant for the one before ends up connected (${who})`, async () => {
    const [other, before] = [side(!polite), side(polite)];
    await converse(...inOrder(other, before, polite));
    before.peer.restartIce();
    await idle();
    for (const { kind, payload } of before.outbox.splice(0)) other.peer.receive(kind, payload);
    await idle();
    before.peer.close();
    const after = side(polite, { offerFirst: true });
    await converse(...inOrder(other, after, polite)); // begins with the answer to the page before
    assertAgreed(other, after);
  });
}

test('two pages that are both loaded again end up connected', async () => {
  const [impolite, polite] = [side(false, { offerFirst: true }), side(true, { offerFirst: true })];
  await converse(impolite, polite);
  assertAgreed(impolite, polite);
  assert.equal(polite.rtc.getTransceivers().length, 2);
});

for (const polite of [true, false]) {
  test(`an offer that waits for a side that would offer itself is answered with its two transceivers (${polite ? 'polite' : 'impolite'})`, async () => {
    const preferences = { videoCodec: 'vp9' };
    const other = side(!polite, { offerFirst: true });
    await idle();
    const late = side(polite, { offerFirst: true, preferences });
    for (const { kind, payload } of other.outbox.splice(0)) late.peer.receive(kind, payload); // before its negotiationneeded
    await converse(...inOrder(other, late, polite));
    assertAgreed(other, late);
    assert.deepEqual(late.rtc.getTransceivers().map(({ sender }) => sender.track?.kind), ['audio', 'video']);
    assert.equal(late.rtc.getTransceivers()[1].codecs[0], 'video/VP9');
  });
}

test('candidates of a connection that is gone do no harm', async () => {
  const [impolite, polite] = [side(false), side(true)];
  await converse(impolite, polite);
  polite.peer.receive('candidate', { candidate: 'of an ignored offer', usernameFragment: 'gone' });
  await idle();
  assert.deepEqual(polite.errors, []);
});

test('an undelivered offer is sent again, until it arrives', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const again = (reason) => ({ peer: 'other', delivered: false, reason });
  const impolite = side(false, { outcomes: [again('overloaded'), again('unconfirmed'), DELIVERED] });
  for (const count of [1, 2, 3, 3]) {
    await idle();
    assert.equal(impolite.outbox.length, count);
    context.mock.timers.tick(1_000);
  }
  assert.deepEqual(new Set(impolite.outbox.map(({ payload }) => payload.sdp)).size, 1);
});

test('nothing is sent again to one who is gone', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const impolite = side(false, { outcomes: [{ peer: 'other', delivered: false, reason: 'left' }] });
  await idle();
  context.mock.timers.tick(10_000);
  await idle();
  assert.equal(impolite.outbox.length, 1);
});

test('an offer that arrives twice is answered twice, and the second answer is not looked at', async () => {
  const [impolite, polite] = [side(false), side(true)];
  await idle();
  const [offer] = impolite.outbox.splice(0);
  for (const { kind, payload } of [offer, offer]) polite.peer.receive(kind, payload);
  await idle();
  await idle();
  assert.deepEqual(polite.kinds(), ['answer', 'answer']);
  polite.outbox.forEach(({ kind, payload }) => impolite.peer.receive(kind, payload));
  await idle();
  assert.equal(impolite.rtc.signalingState, 'stable');
  assert.deepEqual(impolite.errors, []);
});

test('a closed connection sends and hears nothing', async () => {
  const [impolite, polite] = [side(false), side(true)];
  await converse(impolite, polite);
  polite.peer.close();
  polite.peer.receive('offer', { type: 'offer', sdp: 'late' });
  await idle();
  assert.deepEqual(polite.outbox, []);
  assert.deepEqual(polite.errors, []);
});

test('the polite side offers itself where no first offer comes, and both end up connected', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const [impolite, polite] = [side(false), side(true)];
  await idle();
  impolite.outbox.splice(0); // delivered to a page that had nobody to listen to it
  context.mock.timers.tick(2_999);
  await idle();
  assert.deepEqual(polite.outbox, []);
  context.mock.timers.tick(1);
  const said = await converse(impolite, polite);
  assert.deepEqual(said, ['polite offer', 'impolite offer', 'polite answer']);
  assertAgreed(impolite, polite);
  assert.equal(polite.rtc.getTransceivers().length, 2);
});

test('the polite side that got its offer, or was closed, makes none', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const [impolite, polite, closed] = [side(false), side(true), side(true)];
  await converse(impolite, polite);
  closed.peer.close();
  context.mock.timers.tick(10_000);
  await idle();
  assert.deepEqual([...polite.outbox, ...closed.outbox], []);
  assert.deepEqual(closed.rtc.getTransceivers(), []);
});

test('renewed ICE servers reach the connection and its successors, without negotiation', async () => {
  const [impolite, polite] = [side(false), side(true)];
  await converse(impolite, polite);
  const iceServers = [{ urls: 'turn:turn.example', username: 'u', credential: 'renewed' }];
  impolite.peer.setIceServers(iceServers);
  assert.deepEqual(impolite.rtc.configuration.iceServers, iceServers);
  assert.deepEqual(await converse(impolite, polite), []);
  await converse(impolite, side(true, { offerFirst: true }));
  assert.equal(impolite.made.length, 2);
  assert.deepEqual(impolite.rtc.configuration.iceServers, iceServers);
});

test('preferred codecs come first on both sides, and bitrates are limited, then and later', async () => {
  const preferences = { videoCodec: 'vp9', audioCodec: 'none-such', maxBitrate: { video: 500_000 } };
  const [impolite, polite] = [side(false, { preferences }), side(true, { preferences })];
  await converse(impolite, polite);
  await idle();
  for (const { rtc } of [impolite, polite]) {
    const [audio, video] = rtc.getTransceivers();
    assert.deepEqual([audio.codecs, video.codecs], [[], ['video/VP9', 'video/VP8', 'video/AV1']]);
    assert.deepEqual(video.sender.parameters.encodings, [{ maxBitrate: 500_000 }]);
  }
  impolite.peer.setPreferences({ maxBitrate: { audio: 32_000 } });
  await idle();
  const [audio, video] = impolite.rtc.getTransceivers();
  assert.deepEqual([audio, video].map(({ sender }) => sender.parameters.encodings), [[{ maxBitrate: 32_000 }], [{}]]);
});
