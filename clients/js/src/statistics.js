/**
 * How one medium goes. Rates are over the time since the summary before; the first one has none.
 *
 * @typedef {object} FlowStatistics
 * @property {number} packets
 * @property {number} packetsLost as far as known
 * @property {number} bytes
 * @property {number} [bitrate] bits per second
 * @property {string} [codec] such as `video/VP8`
 * @property {number} [jitterMs]
 * @property {number} [framesPerSecond]
 * @property {number} [frameWidth]
 * @property {number} [frameHeight]
 */

/**
 * @typedef {object} ConnectionStatistics
 * @property {number} [rttMs] round trip on the path in use
 * @property {'direct' | 'relay'} [path] undefined until there is one; `relay` is over a TURN server
 * @property {RTCIceCandidateType} [localCandidateType] `host`, `srflx`, `prflx` or `relay`: how this side is reached
 * @property {RTCIceCandidateType} [remoteCandidateType] likewise, the other side
 * @property {string} [protocol] `udp` or `tcp`
 * @property {number} [availableOutgoingBitrate] bits per second, by the browser's estimate
 * @property {{ audio?: FlowStatistics, video?: FlowStatistics }} sent
 * @property {{ audio?: FlowStatistics, video?: FlowStatistics }} received
 */

/** Summaries of one connection's statistics, https://www.w3.org/TR/webrtc-stats/. */
export class Statistics {
  /** By id of the report. @type {Map<string, { bytes: number, timestamp: number, bitrate?: number }>} */
  #before = new Map();

  /**
   * @param {RTCPeerConnection} rtc
   * @returns {Promise<ConnectionStatistics>}
   */
  async summary(rtc) {
    /** @type {Map<string, any>} */
    const reports = new Map(/** @type {any} */ (await rtc.getStats()));
    const all = [...reports.values()];
    const pair = selectedPair(reports);
    /** @type {ConnectionStatistics} */
    const summary = { ...(pair && pathOf(pair, reports)), sent: {}, received: {} };
    for (const report of all) {
      const kind = /** @type {'audio' | 'video'} */ (report.kind);
      if (report.type === 'outbound-rtp') {
        const lost = all.find((other) => other.type === 'remote-inbound-rtp' && other.localId === report.id)?.packetsLost;
        summary.sent[kind] = this.#flow(report, report.packetsSent, report.bytesSent, lost, reports);
      } else if (report.type === 'inbound-rtp') {
        summary.received[kind] = this.#flow(report, report.packetsReceived, report.bytesReceived, report.packetsLost, reports);
      }
    }
    return summary;
  }

  /**
   * @param {any} report
   * @param {number} packets
   * @param {number} bytes
   * @param {number | undefined} packetsLost
   * @param {Map<string, any>} reports
   * @returns {FlowStatistics}
   */
  #flow(report, packets, bytes, packetsLost, reports) {
    const { id, timestamp, jitter, framesPerSecond, frameWidth, frameHeight } = report;
    const before = this.#before.get(id);
    const seconds = before ? (timestamp - before.timestamp) / 1_000 : 0;
    // A browser that is asked again at once gives the same reports again: then the rate is what it was.
    const bitrate = before && seconds > 0 ? Math.round((8 * (bytes - before.bytes)) / seconds) : before?.bitrate;
    this.#before.set(id, { bytes, timestamp, ...(bitrate !== undefined && { bitrate }) });
    return withoutUndefined({
      packets,
      packetsLost: packetsLost ?? 0,
      bytes,
      bitrate,
      codec: reports.get(report.codecId)?.mimeType,
      jitterMs: jitter === undefined ? undefined : jitter * 1_000,
      framesPerSecond,
      frameWidth,
      frameHeight,
    });
  }
}

/** @param {Map<string, any>} reports */
function selectedPair(reports) {
  const all = [...reports.values()];
  const id = all.find(({ type }) => type === 'transport')?.selectedCandidatePairId;
  const isInUse = (/** @type {any} */ { type, nominated, state }) => type === 'candidate-pair' && nominated && state === 'succeeded';
  return reports.get(id) ?? all.find(isInUse); // not every browser has a report of the transport
}

/**
 * @param {any} pair
 * @param {Map<string, any>} reports
 */
function pathOf({ localCandidateId, remoteCandidateId, currentRoundTripTime, availableOutgoingBitrate }, reports) {
  const ends = [reports.get(localCandidateId), reports.get(remoteCandidateId)];
  const isRelayed = ends.some((end) => end?.candidateType === 'relay');
  return withoutUndefined({
    rttMs: currentRoundTripTime === undefined ? undefined : currentRoundTripTime * 1_000,
    path: /** @type {'direct' | 'relay'} */ (isRelayed ? 'relay' : 'direct'),
    localCandidateType: ends[0]?.candidateType,
    remoteCandidateType: ends[1]?.candidateType,
    protocol: ends[0]?.protocol,
    availableOutgoingBitrate,
  });
}

/**
 * @template T
 * @param {T} object
 * @returns {any}
 */
function withoutUndefined(object) {
  return Object.fromEntries(Object.entries(/** @type {any} */ (object)).filter(([, value]) => value !== undefined));
}
