/** @typedef {string | ArrayBuffer | ArrayBufferView} Data */

/** Marks the channels made here, so that an application can have its own beside them. */
const PROTOCOL = 'switchboard';
/** What every browser takes, RFC 8841 section 6.1. */
export const MESSAGE_BYTES_MAX = 65_536;
/** On their way to one member, on one topic. */
const BUFFERED_BYTES_MAX = 1_048_576;

const utf8 = /* @__PURE__ */ new TextEncoder();

/** @typedef {{ topic: string, reliable: boolean, channel: RTCDataChannel | undefined, held: (string | Uint8Array)[], heldBytes: number }} Outgoing */

/**
 * Data to and from one other member. Each side opens a channel of its own for each topic on which it has something to send,
 * named after the topic, and so neither has to know what the other has opened. What is sent before it is open is held.
 */
export class DataChannels {
  #onData;
  /** @type {RTCPeerConnection | undefined} once channels may be opened */
  #rtc;
  /** @type {Map<string, Outgoing>} */
  #outgoing = new Map();

  /** @param {(topic: string, data: string | ArrayBuffer) => void} onData */
  constructor(onData) {
    this.#onData = onData;
  }

  /** Another RTCPeerConnection, which cannot have channels yet. @param {RTCPeerConnection} rtc */
  begin(rtc) {
    this.#rtc = undefined;
    for (const outgoing of this.#outgoing.values()) outgoing.channel = undefined;
    rtc.ondatachannel = ({ channel }) => {
      if (channel.protocol !== PROTOCOL) return;
      channel.binaryType = 'arraybuffer';
      channel.onmessage = ({ data }) => this.#onData(channel.label, data);
    };
  }

  /** Its media is set up: a first offer has everything in it. @param {RTCPeerConnection} rtc */
  ready(rtc) {
    this.#rtc = rtc;
    for (const outgoing of this.#outgoing.values()) if (outgoing.held.length > 0) this.#open(outgoing);
  }

  /**
   * @param {Data} data
   * @param {string} topic
   * @param {boolean} reliable
   * @returns {boolean} false where too much is on its way already
   */
  send(data, topic, reliable) {
    const outgoing = this.#for(topic, reliable);
    const { channel } = outgoing;
    const bytes = sizeOf(data);
    const buffered = outgoing.heldBytes + (channel?.bufferedAmount ?? 0);
    if (buffered + bytes > BUFFERED_BYTES_MAX) return false;
    const message = typeof data === 'string' ? data : copyOf(data);
    if (channel?.readyState === 'open') {
      channel.send(/** @type {string} */ (message)); // or bytes: the types know no union here
      return true;
    }
    outgoing.held.push(message);
    outgoing.heldBytes += bytes;
    if (!channel || channel.readyState === 'closed') this.#open(outgoing);
    return true;
  }

  /**
   * @param {string} topic
   * @param {boolean} reliable
   */
  #for(topic, reliable) {
    const key = `${reliable ? 'reliable' : 'lossy'} ${topic}`;
    const outgoing = this.#outgoing.get(key) ?? { topic, reliable, channel: undefined, held: [], heldBytes: 0 };
    this.#outgoing.set(key, outgoing);
    return outgoing;
  }

  /** @param {Outgoing} outgoing */
  #open(outgoing) {
    const { topic, reliable } = outgoing;
    const how = reliable ? {} : { ordered: false, maxRetransmits: 0 };
    const channel = (outgoing.channel = this.#rtc?.createDataChannel(topic, { protocol: PROTOCOL, ...how }));
    if (!channel) return;
    channel.onopen = () => {
      outgoing.heldBytes = 0;
      for (const message of outgoing.held.splice(0)) channel.send(/** @type {string} */ (message));
    };
  }
}

/** @param {Data} data */
export function sizeOf(data) {
  return typeof data === 'string' ? utf8.encode(data).length : data.byteLength;
}

/** What the application does with its buffer afterwards is not sent. @param {ArrayBuffer | ArrayBufferView} data */
function copyOf(data) {
  const view = ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);
  return new Uint8Array(view);
}
