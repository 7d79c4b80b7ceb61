/** @import { Call, Member, Tile } from '/sdk/index.js' */

/** Not those that an application in the same room may have: these have a form of their own. */
const TOPIC = 'switchboard-demo.chat';
const RECEIPT_TOPIC = 'switchboard-demo.chat-received';
/** Of more messages than this nobody waits for receipts. */
const SENT_MAX = 200;

/**
 * A message of one's own: who has not confirmed it, by peer, and who left without having done so or could not be sent it.
 *
 * @typedef {{ text: string, waiting: Map<string, Member>, missed: Member[] }} SentMessage
 */

/**
 * Messages straight from page to page. Data channels confirm nothing, so each page confirms what it shows. Who has another
 * RTCPeerConnection, as after a reload, is sent again what it has not confirmed; what comes again is shown once.
 */
export class ChatExchange {
  #call;
  #onMessage;
  #onReceipt;
  /** Rises, also from one load of the page to the next. */
  #lastId = Date.now();
  /** Those that somebody has not confirmed, by id. @type {Map<number, SentMessage>} */
  #sent = new Map();
  /** The last one shown, by sender. @type {Map<string, number>} */
  #shown = new Map();
  /** @type {Map<string, RTCPeerConnection>} by peer */
  #connections = new Map();
  #subscriptions;

  /**
   * @param {Pick<Call, 'on' | 'tiles' | 'publishData'>} call
   * @param {{ onMessage: (member: Member, text: string) => void, onReceipt: (message: SentMessage) => void }} listeners
   *   `onReceipt`: somebody has confirmed it, or never will
   */
  constructor(call, { onMessage, onReceipt }) {
    this.#call = call;
    this.#onMessage = onMessage;
    this.#onReceipt = onReceipt;
    for (const { member, peerConnection } of call.tiles) this.#connections.set(member.peer, peerConnection);
    this.#subscriptions = [
      call.on('data-received', ({ member, topic, data }) => {
        if (topic === TOPIC) this.#received(member, parsed(data));
        else if (topic === RECEIPT_TOPIC) this.#confirmed(member, parsed(data));
      }),
      call.on('tile-added', (tile) => void this.#connections.set(tile.member.peer, tile.peerConnection)),
      call.on('tile-changed', (tile) => this.#changed(tile)),
      call.on('tile-removed', ({ member }) => this.#left(member)),
    ];
  }

  /**
   * @param {string} text
   * @returns {SentMessage}
   * @throws {unknown} a SwitchboardError `too-large`
   */
  send(text) {
    const id = this.#lastId + 1;
    const receivers = this.#publish(id, text);
    this.#lastId = id;
    /** @type {SentMessage} */
    const message = { text, waiting: new Map(), missed: [] };
    for (const { member } of this.#call.tiles) {
      if (receivers.includes(member.peer)) message.waiting.set(member.peer, member);
      else message.missed.push(member);
    }
    if (message.waiting.size > 0) this.#sent.set(id, message);
    for (const oldest of [...this.#sent.keys()].slice(0, -SENT_MAX)) this.#sent.delete(oldest);
    return message;
  }

  stop() {
    for (const stop of this.#subscriptions) stop();
  }

  /**
   * @param {number} id
   * @param {string} text
   * @param {string} [to]
   */
  #publish(id, text, to) {
    return this.#call.publishData(JSON.stringify({ id, text }), { topic: TOPIC, ...(to !== undefined && { to }) });
  }

  /**
   * @param {Member} member
   * @param {{ id?: unknown, text?: unknown }} message
   */
  #received(member, { id, text }) {
    if (typeof id !== 'number' || typeof text !== 'string') return;
    const isNew = id > (this.#shown.get(member.peer) ?? -Infinity);
    if (isNew) {
      this.#shown.set(member.peer, id);
      this.#onMessage(member, text);
    }
    this.#call.publishData(JSON.stringify({ id }), { topic: RECEIPT_TOPIC, to: member.peer });
  }

  /**
   * @param {Member} member
   * @param {{ id?: unknown }} receipt
   */
  #confirmed({ peer }, { id }) {
    const message = this.#sent.get(/** @type {number} */ (id));
    if (message?.waiting.delete(peer)) this.#settle(/** @type {number} */ (id), message);
  }

  /** @param {Tile} tile */
  #changed({ member: { peer }, peerConnection }) {
    if (this.#connections.get(peer) === peerConnection) return;
    this.#connections.set(peer, peerConnection);
    for (const [id, { text, waiting }] of this.#sent) if (waiting.has(peer)) this.#publish(id, text, peer);
  }

  /** @param {Member} member */
  #left(member) {
    this.#connections.delete(member.peer);
    this.#shown.delete(member.peer);
    for (const [id, message] of this.#sent) {
      if (!message.waiting.delete(member.peer)) continue;
      message.missed.push(member);
      this.#settle(id, message);
    }
  }

  /**
   * @param {number} id
   * @param {SentMessage} message
   */
  #settle(id, message) {
    if (message.waiting.size === 0) this.#sent.delete(id);
    this.#onReceipt(message);
  }
}

/**
 * What another page says may be anything.
 *
 * @param {string | ArrayBuffer} data
 * @returns {Record<string, unknown>}
 */
function parsed(data) {
  try {
    return Object(JSON.parse(String(data)));
  } catch {
    return {};
  }
}
