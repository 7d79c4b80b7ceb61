/** The signaling half of an RTCPeerConnection (W3C WebRTC 4.4.1), without media or network. */

const CODECS = { audio: ['opus', 'PCMU'], video: ['VP8', 'VP9', 'AV1'] };

class FakeMediaStream {
  #tracks;
  constructor(tracks = []) {
    this.#tracks = new Set(tracks);
  }
  getTracks() {
    return [...this.#tracks];
  }
  getAudioTracks() {
    return this.getTracks().filter(({ kind }) => kind === 'audio');
  }
  getVideoTracks() {
    return this.getTracks().filter(({ kind }) => kind === 'video');
  }
  addTrack(track) {
    this.#tracks.add(track);
  }
  removeTrack(track) {
    this.#tracks.delete(track);
  }
}

class FakeTransceiver {
  direction = 'sendrecv';
  codecs = [];
  setCodecPreferences(codecs) {
    this.codecs = codecs.map(({ mimeType }) => mimeType);
  }
  constructor(kind) {
    this.receiver = { track: { kind } };
    this.sender = {
      track: null,
      parameters: { encodings: [{}] },
      getParameters: () => structuredClone(this.sender.parameters),
      setParameters: async (parameters) => void (this.sender.parameters = parameters),
      /** Whether the track's pictures or sound reach the encoder. Chromium 150 cuts that off with a rollback. */
      isFed: false,
      replaceTrack: async (track) => void Object.assign(this.sender, { track, isFed: track !== null }),
      setStreams: () => {},
    };
  }
}

class FakeDataChannel {
  readyState = 'connecting';
  bufferedAmount = 0;
  sent = [];
  constructor(label, { protocol }) {
    Object.assign(this, { label, protocol });
  }
  send(data) {
    this.sent.push(data);
  }
  open() {
    this.readyState = 'open';
    this.onopen?.();
  }
}

export class FakeRtc {
  /** Those opened here. */
  channels = [];
  signalingState = 'stable';
  connectionState = 'new';
  localDescription = null;
  remoteDescription = null;
  /** Candidates that were applied. */
  candidates = [];
  /** Offers of one's own that were taken back. */
  rollbacks = 0;
  #transceivers = [];
  #chain = Promise.resolve();
  #needed = false;
  #offers = 0;
  #session = ++FakeRtc.#sessions;
  static #sessions = 0;

  /** Whoever gives a `made` gets to see every one that is made. */
  constructor(configuration = {}) {
    this.configuration = configuration;
    configuration.made?.push(this);
  }

  setConfiguration(configuration) {
    this.configuration = configuration;
  }

  static install() {
    globalThis.RTCPeerConnection = FakeRtc;
    globalThis.MediaStream = FakeMediaStream;
    globalThis.RTCRtpReceiver = {
      getCapabilities: (kind) => ({ codecs: CODECS[kind].map((name) => ({ mimeType: `${kind}/${name}` })) }),
    };
  }

  addTransceiver(kind) {
    const transceiver = new FakeTransceiver(kind);
    this.#transceivers.push(transceiver);
    this.#negotiationNeeded();
    return transceiver;
  }

  getTransceivers() {
    return this.#transceivers;
  }

  createDataChannel(label, options) {
    const channel = new FakeDataChannel(label, options);
    this.channels.push(channel);
    if (this.channels.length === 1) this.#negotiationNeeded();
    return channel;
  }

  /** The other side has opened one. */
  offerChannel(label, protocol) {
    const channel = new FakeDataChannel(label, { protocol });
    this.ondatachannel({ channel });
    return channel;
  }

  restartIce() {
    this.#negotiationNeeded();
  }

  setLocalDescription() {
    return this.#chained(() => {
      const type = this.signalingState === 'have-remote-offer' ? 'answer' : 'offer';
      if (type === 'offer') this.#needed = false;
      this.localDescription = { type, sdp: `v=0\r\no=- ${this.#session} ${++this.#offers} IN IP4 0.0.0.0\r\ns=${type}\r\n` };
      this.#become(type === 'offer' ? 'have-local-offer' : 'stable');
    });
  }

  setRemoteDescription(description) {
    return this.#chained(() => {
      if (description.type === 'answer' && this.signalingState !== 'have-local-offer') throw new Error('InvalidStateError');
      if (description.type === 'offer' && this.signalingState === 'have-local-offer') {
        this.rollbacks++;
        for (const { sender } of this.#transceivers) sender.isFed = false;
        this.#needed = true;
      }
      // Those of addTransceiver() are never used for what another offer brings (RFC 8829 section 5.10).
      if (description.type === 'offer' && !this.remoteDescription) {
        const offered = [new FakeTransceiver('audio'), new FakeTransceiver('video')];
        for (const transceiver of offered) transceiver.direction = 'recvonly';
        this.#transceivers.push(...offered);
      }
      this.remoteDescription = description;
      this.#become(description.type === 'offer' ? 'have-remote-offer' : 'stable');
    });
  }

  addIceCandidate(candidate) {
    return this.#chained(() => {
      if (!this.remoteDescription) throw new Error('InvalidStateError');
      if (candidate.candidate === 'of an ignored offer') throw new Error('OperationError');
      this.candidates.push(candidate.candidate);
    });
  }

  close() {
    this.signalingState = this.connectionState = 'closed';
  }

  /** What the network would report. */
  report(connectionState) {
    this.connectionState = connectionState;
    this.onconnectionstatechange?.();
  }

  #become(signalingState) {
    this.signalingState = signalingState;
    if (signalingState === 'stable' && this.#needed) this.#negotiationNeeded();
  }

  /** Fires in a task of its own, and only if it is still true then and nothing is being negotiated. */
  #negotiationNeeded() {
    this.#needed = true;
    setImmediate(() => {
      if (!this.#needed || this.signalingState !== 'stable') return;
      this.#needed = false;
      this.onnegotiationneeded?.();
    });
  }

  /** Operations wait for one another, and take a while. */
  #chained(operation) {
    const done = this.#chain
      .then(() => new Promise((resolve) => setImmediate(resolve)))
      .then(() => {
        if (this.signalingState === 'closed') throw new Error('InvalidStateError');
        operation();
      });
    this.#chain = done.catch(() => {});
    return done;
  }
}
