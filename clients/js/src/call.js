/** @import { Room, RoomEvents } from './room.js' */
/** @import { LocalMedia } from './media.js' */
/** @import { Member } from './protocol.js' */
/** @import { EncodingPreferences, MaxBitrate } from './encoding.js' */
/** @import { Data } from './data_channels.js' */
/** @import { ConnectionStatistics } from './statistics.js' */
import { MESSAGE_BYTES_MAX, sizeOf } from './data_channels.js';
import { deliver } from './delivery.js';
import { SwitchboardError } from './errors.js';
import { Emitter } from './emitter.js';
import { watchNetwork } from './page.js';
import { PeerConnection } from './peer_connection.js';

/**
 * Another member, as a call shows it.
 *
 * @typedef {object} Tile
 * @property {Member} member
 * @property {MediaStream} stream
 * @property {RTCPeerConnectionState} connection
 * @property {RTCPeerConnection} peerConnection to look at; another one after that member's page was loaded again
 */

/**
 * @typedef {object} CallEvents
 * @property {Tile} tile-added
 * @property {Tile} tile-changed its member, stream or connection state
 * @property {Tile} tile-removed
 * @property {{ member: Member, topic: string, data: string | ArrayBuffer }} data-received
 * @property {{ error: SwitchboardError }} ended by something else than this call's own methods: the room is closed to this
 *   client, was left, or its session is over
 * @property {{ member: Member, error: unknown }} error a negotiation failed
 */

/** Tells a member that this one has left the call, and stays in the room. */
const HANG_UP = 'hang-up';

/** The newest call of each room. @type {WeakMap<Room, Call>} */
const calls = new WeakMap();

/**
 * A mesh call: one {@link PeerConnection} to each other member of a room. Made soon after the join it connects at once: offers
 * that came before it have waited for a listener. Made after those have waited too long, or beside another listener of the room,
 * it connects a few seconds after it was made. Every member of the room counts as taking part: a member that has hung up and stays
 * in the room has no tile until it calls again, except for members that come later, or come back as another peer.
 *
 * Media goes from page to page and needs no gateway: a member that is `away`, and this client while it reconnects, stay in
 * the call. When the connection to the gateway is back, or the network, every pair looks for its path again (ICE restart).
 *
 * @extends {Emitter<CallEvents>}
 */
export class Call extends Emitter {
  #room;
  #media;
  /** @type {RTCConfiguration} */
  #configuration;
  #preferences;
  /** @type {Map<string, { member: Member, peer: PeerConnection }>} by peer */
  #peers = new Map();
  /** @type {(() => void)[]} */
  #subscriptions;
  #isOver = false;

  /**
   * @param {Room} room
   * @param {LocalMedia} media stays the caller's: leaving the call does not stop it
   * @param {RTCConfiguration} [configuration] such as `{ iceServers: client.welcome.ice_servers }`
   * @param {EncodingPreferences} [preferences]
   */
  constructor(room, media, configuration = {}, preferences = {}) {
    super();
    // The others still have a connection to the page, or the call, that was here before, and do not wait for an offer.
    const offerFirst = room.restored || calls.has(room);
    calls.set(room, this);
    this.#preferences = preferences;
    this.#room = room;
    this.#media = media;
    this.#configuration = configuration;
    this.#subscriptions = [
      room.on('member-joined', ({ member }) => this.#add(member)),
      room.on('member-updated', ({ member }) => this.#update(member)),
      room.on('member-left', ({ member }) => this.#remove(member.peer)),
      room.on('ice-servers', (renewed) => this.#renewed(renewed)),
      room.on('resumed', () => this.#restartIce()),
      room.on('rejoined', () => this.#rebuild()),
      room.on('closed', ({ error }) => this.#end(error)),
      media.on('changed', () => this.#mediaChanged()),
      watchNetwork(() => this.#restartIce()),
    ];
    const { endedBy } = room; // between the join and this call
    if (endedBy) queueMicrotask(() => this.#isOver || this.#end(endedBy));
    this.#publishMedia();
    for (const member of room.others) this.#add(member, offerFirst ? { offers: true } : {});
    // Last of all: signals that waited for a listener find their connections.
    this.#subscriptions.push(room.on('signal', ({ from, kind, payload }) => this.#receive(from, kind, payload)));
  }

  /** The other members. */
  get tiles() {
    return [...this.#peers.values()].map(tileOf);
  }

  /** Hangs up and leaves the room. */
  async leave() {
    this.#stop();
    await this.#room.leave();
  }

  /**
   * Ends the call, and stays in the room: the others see the tile go. Another `Call` in this room takes part again.
   *
   * @returns {Promise<void>} once the others know; those that are out of reach will see the connection end
   */
  async hangUp() {
    if (this.#isOver) return;
    const peers = [...this.#peers.keys()];
    this.#stop();
    await Promise.allSettled(peers.map((peer) => this.#tellHangUp(peer)));
  }

  /** The gateway's own with other credentials, if they are in use here. @param {RoomEvents['ice-servers']} renewed */
  #renewed({ iceServers, formerly }) {
    const urls = (/** @type {RTCIceServer[]} */ servers) => JSON.stringify(servers.map((server) => server.urls));
    const own = this.#configuration.iceServers;
    // Where the gateway had none yet, what comes has other URLs than what it told before.
    if (own && [urls(iceServers), urls(formerly)].includes(urls(own))) this.setIceServers(iceServers);
  }

  /**
   * Servers whose credentials were renewed, for connections to come and for paths still to be found: those in use stay.
   *
   * @param {RTCIceServer[]} iceServers
   */
  setIceServers(iceServers) {
    this.#configuration = { ...this.#configuration, iceServers };
    for (const { peer } of this.#peers.values()) peer.setIceServers(iceServers);
  }

  /** Takes effect at once, without negotiation. @param {MaxBitrate} maxBitrate */
  setMaxBitrate(maxBitrate) {
    this.#preferences = { ...this.#preferences, maxBitrate };
    for (const { peer } of this.#peers.values()) peer.setPreferences(this.#preferences);
  }

  /**
   * Sends data straight to the others, who get it as `data-received`, in order within a topic. Nobody confirms it: what has to
   * arrive, or has to reach members that are not in the call, goes as a signal.
   *
   * @param {Data} data 64 KiB at most
   * @param {{ topic?: string, to?: string, reliable?: boolean }} [how] `to`: one peer alone; `reliable: false`: late is worse
   *   than lost
   * @returns {string[]} the peers that it goes to, as soon as they are connected: not those to which a MiB is on its way already
   */
  publishData(data, { topic = '', to, reliable = true } = {}) {
    if (sizeOf(data) > MESSAGE_BYTES_MAX) {
      throw new SwitchboardError('too-large', `Data may have ${MESSAGE_BYTES_MAX} bytes at most: send it in parts.`);
    }
    const receivers = [...this.#peers].filter(([id]) => to === undefined || id === to);
    return receivers.filter(([, { peer }]) => peer.data.send(data, topic, reliable)).map(([id]) => id);
  }

  /**
   * @param {string} id a peer
   * @returns {Promise<ConnectionStatistics | undefined>} undefined where there is no such peer in the call
   */
  async getStats(id) {
    return this.#peers.get(id)?.peer.statistics();
  }

  /** Not after the offer of a newer call. @param {string} peer */
  #tellHangUp(peer) {
    const isCurrent = () => calls.get(this.#room) === this && this.#room.members.has(peer);
    return deliver(() => this.#room.signal(peer, HANG_UP, null), isCurrent);
  }

  /**
   * @param {string} from
   * @param {string} kind
   * @param {unknown} payload
   */
  #receive(from, kind, payload) {
    if (kind === HANG_UP) return this.#remove(from);
    const member = this.#room.members.get(from);
    // It had hung up, and is in a call again.
    if (kind === 'offer' && member && !this.#peers.has(from)) this.#add(member, { offers: false });
    this.#peers.get(from)?.peer.receive(kind, payload);
  }

  /**
   * @param {Member} member
   * @param {{ offers?: boolean }} [how] whether this side makes the first offer; by default the impolite one does
   */
  #add(member, { offers } = {}) {
    const me = this.#room.me;
    if (!me) return; // an observer: nobody knows that it is there
    const polite = member.order < me.order;
    const peer = new PeerConnection({
      polite,
      offerFirst: offers ?? !polite,
      media: this.#media,
      configuration: this.#configuration,
      preferences: this.#preferences,
      name: member.peer,
      send: (kind, payload) => this.#room.signal(member.peer, kind, payload),
      onChange: () => this.#emitTile('tile-changed', member.peer),
      onData: (topic, data) => this.#emitData(member.peer, topic, data),
      onError: (error) => this.emit('error', { member, error }),
    });
    peer.away = member.connection === 'away';
    this.#peers.set(member.peer, { member, peer });
    this.#emitTile('tile-added', member.peer);
  }

  /** @param {Member} member */
  #update(member) {
    const entry = this.#peers.get(member.peer);
    if (!entry) return;
    entry.member = member;
    entry.peer.away = member.connection === 'away';
    this.#emitTile('tile-changed', member.peer);
  }

  /** @param {string} id */
  #remove(id) {
    const entry = this.#peers.get(id);
    if (!entry) return;
    this.#peers.delete(id);
    entry.peer.close();
    this.emit('tile-removed', tileOf(entry));
  }

  /** This client is a new peer to everyone, and everyone has a new place relative to it. */
  #rebuild() {
    for (const id of [...this.#peers.keys()]) this.#remove(id);
    for (const member of this.#room.others) this.#add(member);
  }

  /** The network under this page may be another one. */
  #restartIce() {
    for (const { peer } of this.#peers.values()) peer.restartIce();
  }

  #mediaChanged() {
    for (const { peer } of this.#peers.values()) peer.sendTracks();
    this.#publishMedia();
  }

  #publishMedia() {
    const published = this.#room.state;
    const changed = Object.entries(this.#media.state).filter(([key, value]) => published[key] !== value);
    if (changed.length > 0) this.#room.setState(Object.fromEntries(changed)).catch(() => {
      // The state is shown with the next change or join; the call does not depend on it.
    });
  }

  /** @param {SwitchboardError} error */
  #end(error) {
    this.#stop();
    this.emit('ended', { error });
  }

  #stop() {
    this.#isOver = true;
    for (const stop of this.#subscriptions) stop();
    for (const id of [...this.#peers.keys()]) this.#remove(id);
  }

  /**
   * @param {'tile-added' | 'tile-changed'} name
   * @param {string} id
   */
  #emitTile(name, id) {
    const entry = this.#peers.get(id);
    if (entry) this.emit(name, tileOf(entry));
  }

  /**
   * @param {string} id
   * @param {string} topic
   * @param {string | ArrayBuffer} data
   */
  #emitData(id, topic, data) {
    const entry = this.#peers.get(id);
    if (entry) this.emit('data-received', { member: entry.member, topic, data });
  }
}

/**
 * @param {{ member: Member, peer: PeerConnection }} entry
 * @returns {Tile}
 */
function tileOf({ member, peer }) {
  return { member, stream: peer.stream, connection: peer.state, peerConnection: peer.rtc };
}
