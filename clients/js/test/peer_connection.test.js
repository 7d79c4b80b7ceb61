import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PeerConnection } from '../src/peer_connection.js';
import { FakeRtc } from './fake_rtc.js';
import { idle } from './support.js';

FakeRtc.install();

const DELIVERED = { peer: 'other', delivered: true };
const media = () => ({ stream: new MediaStream(), audioTrack: { kind: 'audio' }, videoTrack: { kind: 'video' } });

/** One side, whose signals wait in `outbox` until they are passed on. */
function side(polite, { outcomes = [] } = {}) {
  /** @type {FakeRtc} */
  let rtc;
  globalThis.RTCPeerConnection = class extends FakeRtc {
    constructor() {
      super();
      rtc = this;
    }
  };
  const outbox = [];
  const errors = [];
  const peer = new PeerConnection({
    polite,
    media: media(),
    configuration: {},
    send: async (kind, payload) => {
      outbox.push({ kind, payload });
      return outcomes.shift() ?? DELIVERED;
    },
    onChange: () => {},
    onError: (error) => errors.push(error),
  });
  return { peer, rtc, outbox, errors, kinds: () => outbox.map(({ kind }) => kind) };
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
});

test('glare while an offer is still being made is glare, too', async () => {
  const [impolite, polite] = [side(false), side(true)];
  await converse(impolite, polite);
  impolite.peer.restartIce();
  await Promise.resolve(); // negotiationneeded has fired; the offer is not there yet
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
