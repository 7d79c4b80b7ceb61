/**
 * STUN and TURN servers, such as `{ urls: 'stun:stun.example.com' }`. None is needed between browsers of one network.
 *
 * @type {RTCIceServer[]}
 */
const ICE_SERVERS = [];

/**
 * A call with one other.
 *
 * @typedef {object} Line what it needs of the page
 * @property {(info: object) => void} say tells the other an offer, an answer or a candidate
 * @property {(stream: MediaStream) => void} seen the other's picture and sound
 * @property {(state: RTCPeerConnectionState) => void} changed
 */
export class Call {
  /** @param {string} name @param {Promise<MediaStream | undefined>} camera @param {Line} line */
  constructor(name, camera, line) {
    this.name = name;
    this.line = line;
    this.camera = camera;
    /** One thing after another: an answer must not overtake its offer. */
    this.last = Promise.resolve();
    /** Candidates that came before the description they belong to. */
    this.early = [];
    this.rtc = new RTCPeerConnection({ iceServers: ICE_SERVERS });
    this.rtc.onicecandidate = ({ candidate }) => line.say({ type: 'candidate', candidate });
    this.rtc.ontrack = ({ streams: [stream] }) => line.seen(stream);
    this.rtc.onconnectionstatechange = () => line.changed(this.rtc.connectionState);
  }

  offer() {
    return this.#then(async () => {
      await this.#showOneself();
      if (this.rtc.getTransceivers().length === 0) for (const kind of ['audio', 'video']) this.rtc.addTransceiver(kind, { direction: 'recvonly' });
      await this.rtc.setLocalDescription();
      this.line.say({ type: 'offer', sdp: this.rtc.localDescription });
    });
  }

  /** What the other said. @param {{ type: string, sdp?: RTCSessionDescriptionInit, candidate?: RTCIceCandidateInit | null }} info */
  hear({ type, sdp, candidate }) {
    return this.#then(async () => {
      if (type === 'candidate') return this.#candidate(candidate);
      await this.rtc.setRemoteDescription(sdp);
      for (const early of this.early.splice(0)) await this.rtc.addIceCandidate(early);
      if (type !== 'offer') return;
      await this.#showOneself();
      await this.rtc.setLocalDescription();
      this.line.say({ type: 'answer', sdp: this.rtc.localDescription });
    });
  }

  end() {
    this.rtc.onicecandidate = this.rtc.ontrack = this.rtc.onconnectionstatechange = null;
    this.rtc.close();
  }

  async #candidate(candidate) {
    if (!this.rtc.remoteDescription) this.early.push(candidate);
    else await this.rtc.addIceCandidate(candidate);
  }

  async #showOneself() {
    const stream = await this.camera;
    for (const track of stream?.getTracks() ?? []) this.rtc.addTrack(track, stream);
  }

  #then(step) {
    this.last = this.last.then(step).catch((error) => this.rtc.signalingState !== 'closed' && console.error(error));
    return this.last;
  }
}
