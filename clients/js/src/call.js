/** @import { Room } from './room.js' */
/** @import { LocalMedia } from './media.js' */
/** @import { Member } from './protocol.js' */
/** @import { SwitchboardError } from './errors.js' */
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
 */

/**
 * @typedef {object} CallEvents
 * @property {Tile} tile-added
 * @property {Tile} tile-changed its member, stream or connection state
 * @property {Tile} tile-removed
 * @property {{ error: SwitchboardError }} ended the room is closed to this client
 * @property {{ member: Member, error: unknown }} error a negotiation failed
 */

/**
 * A mesh call: one {@link PeerConnection} to each other member of a room. Make it as soon as the room is joined, before
 * anything else is awaited: an offer that comes earlier finds nobody.
 *
 * Media goes from page to page and needs no gateway: a member that is `away`, and this client while it reconnects, stay in
 * the call. When the connection to the gateway is back, or the network, every pair looks for its path anew (ICE restart).
 *
 * @extends {Emitter<CallEvents>}
 */
export class Call extends Emitter {
  #room;
  #media;
  #configuration;
  /** @type {Map<string, { member: Member, peer: PeerConnection }>} by peer */
  #peers = new Map();
  /** @type {(() => void)[]} */
  #subscriptions;

  /**
   * @param {Room} room
   * @param {LocalMedia} media stays the caller's: leaving the call does not stop it
   * @param {RTCConfiguration} [configuration] such as `{ iceServers: client.welcome.ice_servers }`
   */
  constructor(room, media, configuration = {}) {
    super();
    this.#room = room;
    this.#media = media;
    this.#configuration = configuration;
    this.#subscriptions = [
      room.on('member-joined', ({ member }) => this.#add(member)),
      room.on('member-updated', ({ member }) => this.#update(member)),
      room.on('member-left', ({ member }) => this.#remove(member.peer)),
      room.on('signal', ({ from, kind, payload }) => this.#peers.get(from)?.peer.receive(kind, payload)),
      room.on('resumed', () => this.#restartIce()),
      room.on('rejoined', () => this.#rebuild()),
      room.on('closed', ({ error }) => this.#end(error)),
      media.on('changed', () => this.#mediaChanged()),
      watchNetwork(() => this.#restartIce()),
    ];
    this.#publishMedia();
    // The others believe to be connected with the page that was here before, and wait for nothing.
    for (const member of room.others) this.#add(member, { offerFirst: room.restored });
  }

  /** The other members. */
  get tiles() {
    return [...this.#peers.values()].map(tileOf);
  }

  /** Hangs up and leaves the room. */
  async leave() {
    this.#hangUp();
    await this.#room.leave();
  }

  /**
   * @param {Member} member
   * @param {{ offerFirst?: boolean }} [how]
   */
  #add(member, { offerFirst = false } = {}) {
    const me = this.#room.me;
    if (!me) return; // an observer: nobody knows that it is there
    const polite = member.order < me.order;
    const peer = new PeerConnection({
      polite,
      offerFirst: offerFirst || !polite,
      media: this.#media,
      configuration: this.#configuration,
      send: (kind, payload) => this.#room.signal(member.peer, kind, payload),
      onChange: () => this.#emitTile('tile-changed', member.peer),
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
    this.#hangUp();
    this.emit('ended', { error });
  }

  #hangUp() {
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
}

/**
 * @param {{ member: Member, peer: PeerConnection }} entry
 * @returns {Tile}
 */
function tileOf({ member, peer }) {
  return { member, stream: peer.stream, connection: peer.state };
}
