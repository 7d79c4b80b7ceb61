import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Statistics } from '../src/statistics.js';

/** @param {number} timestamp @param {number} bytes @param {object[]} [more] */
const reported = (timestamp, bytes, more = []) => ({
  getStats: async () =>
    new Map(
      [
        { id: 'T', type: 'transport', selectedCandidatePairId: 'P' },
        { id: 'P', type: 'candidate-pair', localCandidateId: 'L', remoteCandidateId: 'R', currentRoundTripTime: 0.025 },
        { id: 'L', type: 'local-candidate', candidateType: 'host', protocol: 'udp' },
        { id: 'R', type: 'remote-candidate', candidateType: 'relay' },
        { id: 'C', type: 'codec', mimeType: 'video/VP8' },
        { id: 'O', type: 'outbound-rtp', kind: 'video', timestamp, packetsSent: 10, bytesSent: bytes, codecId: 'C', frameWidth: 960 },
        { id: 'RI', type: 'remote-inbound-rtp', kind: 'video', localId: 'O', packetsLost: 3 },
        { id: 'I', type: 'inbound-rtp', kind: 'audio', timestamp, packetsReceived: 7, bytesReceived: 70, packetsLost: 1, jitter: 0.004 },
        ...more,
      ].map((report) => [report.id, report]),
    ),
});

test('a summary tells path, rates and losses', async () => {
  const statistics = new Statistics();
  await statistics.summary(reported(1_000, 1_000));
  const { sent, received, ...path } = await statistics.summary(reported(3_000, 26_000));
  assert.deepEqual(path, { rttMs: 25, path: 'relay', localCandidateType: 'host', remoteCandidateType: 'relay', protocol: 'udp' });
  assert.deepEqual(sent, {
    video: { packets: 10, packetsLost: 3, bytes: 26_000, bitrate: 100_000, codec: 'video/VP8', frameWidth: 960 },
  });
  assert.deepEqual(received, { audio: { packets: 7, packetsLost: 1, bytes: 70, bitrate: 0, jitterMs: 4 } });
});

test('a report that is given again has the rate that it had', async () => {
  const statistics = new Statistics();
  for (const at of [1_000, 3_000, 3_000]) await statistics.summary(reported(at, at * 9));
  const { sent } = await statistics.summary(reported(3_000, 27_000));
  assert.equal(sent.video.bitrate, 72_000);
});

test('before there is a path the summary is empty', async () => {
  assert.deepEqual(await new Statistics().summary({ getStats: async () => new Map() }), { sent: {}, received: {} });
});
