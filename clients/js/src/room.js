/** @import { ClientEvents, SignalOptions } from './client_options.js' */
/** @import { Answer, RequestBody } from './requests.js' */
/** @import { Difference } from './roster.js' */
/** @import { Outcome } from './signals.js' */
/** @import { KeptRoom } from './kept_session.js' */
/** @import { IncomingSignal, Joined, LeaveReason, Media, Member, Ready, RoomEvent, Snapshot, State } from './protocol.js' */
import { Emitter } from './emitter.js';
import { SwitchboardError } from './errors.js';
import { log } from './log.js';
import { mergePatch, patchBetween } from './merge_patch.js';
import { isLost, RoomRequests } from './room_requests.js';
import { Roster } from './roster.js';

/**
 * @typedef {object} RoomEvents
 * @property {{ member: Member }} member-joined
 * @property {{ member: Member }} member-updated its state or connection is another
 * @property {{ member: Member, reason: LeaveReason | 'missed' }} member-left `missed`: while this client was away, so the
 *   reason was not heard
 * @property {Ready} ready the room has two members now; `offerer` begins
 * @property {IncomingSignal} signal the sender is told `delivered` once all listeners have returned. Those that came before
 *   the first listener have waited for it, 5 s at most, and come right after; not those of a member that has left
 * @property {ClientEvents['ice-servers']} ice-servers as of the client
 * @property {{ media: Media }} media the room's media goes through a server, and this is a fresh way in: at each join after the
 *   first, before `rejoined`, and each time the session goes on over another connection, before `resumed`. A connection to that server needs it only where it is made again
 * @property {{}} resumed the connection was lost and is back; this client is the peer it was, and what changed meanwhile
 *   has been told by the events above
 * @property {{ formerPeer: string }} rejoined this client lost its place, with its session or alone, and has a new one:
 *   to the others it left and came again, usually as a new peer. The roster is fresh
 * @property {{ error: SwitchboardError }} closed this client is out of the room and will not come back by itself; `left` if it
 *   has left
 */

/**
 * What a room needs of its client.
 *
 * @typedef {object} RoomHost
 * @property {() => string | undefined} peer
 * @property {(request: RequestBody) => { id: number, answer: Promise<Answer> }} request
 * @property {(room: string, to: string | undefined, kind: string, payload: unknown, options?: SignalOptions) => Promise<Outcome[]>} signal
 * @property {(ms: number) => Promise<void>} pause
 * @property {(room: string) => boolean} isLeaving whether it was left before, and the gateway may not know
 * @property {(room: string, from?: string) => void} letGo its signals that wait for a listener wait no more, or those of one peer
 * @property {() => void} listened somebody listens to its signals
 * @property {(room: Room) => void} ended it is wanted no more
 */

/**
 * Where this client stands with the room:
 *
 * | phase         | the gateway                                                          | what comes next                                        |
 * | ------------- | -------------------------------------------------------------------- | ------------------------------------------------------ |
 * | `wanted`      | was never asked                                                      | a `welcome`: `joined` if it brings the room, else `entering` |
 * | `entering`    | was asked on this connection, with `joinId`                          | its answer: `joined`, or `ended` by a refusal          |
 * | `joined`      | has this client as a member, by that answer or with its session      |                                                        |
 * | `interrupted` | is out of reach, while this client was `entering` or `joined`        | as `wanted`                                            |
 * | `ended`       | takes it for out of the room, or is being told so                    | nothing: another join makes another `Room`             |
 *
 * @typedef {{ is: 'wanted' | 'joined' | 'interrupted' } | { is: 'entering', joinId: number } | { is: 'ended', by: SwitchboardError }} Phase
 */

/**
 * A room that this client wants to be in, across reconnects, until it leaves or is refused. From {@link Client.join}.
 *
 * @extends {Emitter<RoomEvents>}
 */
export class Room extends Emitter {
  capacity = 0;
  /** Where the room's media goes, if it goes through a server; of the last join or resume. @type {Media | undefined} */
  media;
  /** This client's own state, as it is to be seen by the others. @type {State} */
  state;
  /** Settles with the first join. @internal @type {Promise<Room>} */
  entered;
  /** Whether signals wait for a first listener: until one has come, or the wait for it is over. @internal */
  awaitsListener = true;
  #host;
  #requests;
  /** @type {Phase} */
  #phase = { is: 'wanted' };
  #roster = new Roster();
  /** @type {number | undefined} */
  #wishedCapacity;
  /** This client, as it last joined. @type {string | undefined} */
  #me;
  #restored;
  /** @type {(room: Room) => void} */
  #resolveEntered = () => {};
  /** @type {(error: SwitchboardError) => void} */
  #rejectEntered = () => {};

  /**
   * @internal
   * @param {string} id
   * @param {{ state?: State, capacity?: number }} wish
   * @param {RoomHost} host
   * @param {{ restored?: boolean }} [origin] whether the page that was here before was in it
   */
  constructor(id, { state = {}, capacity }, host, { restored = false } = {}) {
    super();
    this.#restored = restored;
    this.id = id;
    this.state = state;
    this.#wishedCapacity = capacity;
    this.#host = host;
    this.#requests = new RoomRequests(id, host);
    this.entered = new Promise((resolve, reject) => {
      this.#resolveEntered = resolve;
      this.#rejectEntered = reject;
    });
  }

  /** @internal @param {ClientEvents['ice-servers']} renewed */
  iceRenewed(renewed) {
    this.emit('ice-servers', renewed);
  }

  /** Whether this client is a member at this moment, as far as it knows. */
  get joined() {
    return this.#phase.is === 'joined' && this.#me === this.#host.peer();
  }

  /**
   * Whether this client is in the room on behalf of a page that was loaded again. The others know it as the peer that
   * page was; what the page held itself, such as its RTCPeerConnections, is gone.
   */
  get restored() {
    return this.#restored;
  }

  /** Why it is wanted no more. @internal @type {SwitchboardError | undefined} */
  get endedBy() {
    return this.#phase.is === 'ended' ? this.#phase.by : undefined;
  }

  /** What the next page needs of it. @internal @returns {KeptRoom | undefined} */
  get kept() {
    const isMember = this.#me !== undefined || this.#restored; // although it may not have heard so
    return isMember ? { id: this.id, state: this.state } : undefined;
  }

  /** By peer, in join order; this client included. @returns {ReadonlyMap<string, Member>} */
  get members() {
    return this.#roster.members;
  }

  get revision() {
    return this.#roster.revision;
  }

  /** This client as a member. @type {Member | undefined} */
  get me() {
    const me = this.#me === undefined ? undefined : this.members.get(this.#me);
    return me && { ...me, state: this.state };
  }

  /** Everyone else. @returns {Member[]} */
  get others() {
    return [...this.members.values()].filter((member) => member.peer !== this.#me);
  }

  /**
   * @param {string} to a peer
   * @param {string} kind
   * @param {unknown} payload
   * @param {SignalOptions} [options]
   * @returns {Promise<Outcome>} rejects with a {@link SwitchboardError} when the gateway refuses it
   */
  async signal(to, kind, payload, options) {
    const [outcome] = await this.#host.signal(this.id, to, kind, payload, options);
    return /** @type {Outcome} */ (outcome);
  }

  /**
   * @param {string} kind
   * @param {unknown} payload
   * @param {SignalOptions} [options]
   * @returns {Promise<Outcome[]>} one for each receiver, in the order in which they were answered
   */
  broadcast(kind, payload, options) {
    return this.#host.signal(this.id, undefined, kind, payload, options);
  }

  /**
   * Changes what the others see of this client. Without a connection the change is told when it is back, and while the
   * cluster cannot take it, it is tried again.
   *
   * @param {State} patch JSON Merge Patch: `null` removes
   */
  async setState(patch) {
    const before = this.state;
    const after = (this.state = mergePatch(before, patch));
    if (!this.#isAsked) return;
    try {
      await this.#tellState(patch);
    } catch (error) {
      if (isLost(error) || !this.joined) return;
      if (this.state === after) this.state = before;
      throw error;
    }
  }

  /** Leaves. For this client it is out at once; the gateway is told. */
  async leave() {
    if (this.endedBy) return;
    const told = this.#phase.is !== 'wanted' && this.#requests.leave(); // before a listener joins it again
    const when = this.#me === undefined ? ' before it was joined' : '';
    this.#end(new SwitchboardError('left', `The room was left${when}; join() it again to come back.`));
    await told;
  }

  /**
   * Asks to be let in, again and again while the refusal is a passing one. For the client, where this connection's
   * `welcome` did not bring the room.
   *
   * @internal
   * @returns {Promise<void>}
   */
  async enter() {
    const { id: joinId, answer } = this.#requests.join(this.state, this.#wishedCapacity);
    const phase = (this.#phase = { is: 'entering', joinId });
    try {
      await answer;
    } catch (reason) {
      const error = /** @type {SwitchboardError} */ (reason);
      if (this.#phase !== phase) return; // also when the connection was lost
      if (!this.#requests.passes(error)) return this.refused(error);
      await this.#requests.passing(error);
      if (this.#phase === phase) return this.enter();
    }
  }

  /** The connection is gone; the next `welcome` brings the room with it, or the client enters it again. @internal */
  lost() {
    if (this.#isAsked) this.#phase = { is: 'interrupted' };
  }

  /**
   * The session goes on, and this client is in the room.
   *
   * @internal
   * @param {Snapshot} snapshot
   * @param {boolean} moved without a loss
   */
  resumed(snapshot, moved) {
    const place = this.members.get(this.#me ?? '')?.order;
    const now = snapshot.members.find(({ peer }) => peer === this.#host.peer())?.order;
    if (place !== now) this.#host.letGo(this.id); // unheard, as long as it is not in the room
    const former = this.#admit(snapshot);
    this.#tellMedia();
    if (former.peer === undefined) this.#resolveEntered(this);
    else if (place !== now) this.#tellRejoined(former.peer);
    else this.#tell(former.differences);
    this.#correct();
    if (!this.endedBy && former.peer !== undefined && !moved) this.emit('resumed', {});
  }

  /**
   * The page joins the room that the page before was in.
   *
   * @internal
   * @param {{ state?: State, capacity?: number }} wish
   */
  claim({ state = this.state, capacity }) {
    this.#wishedCapacity = capacity;
    this.state = state;
    if (this.#phase.is === 'joined') this.#correct();
  }

  /**
   * The client will not come back by itself, but its session may. A first join that is waited for is refused; a room that
   * was joined is entered again if the client is connected once more.
   *
   * @internal
   * @param {SwitchboardError} error
   */
  closed(error) {
    if (this.#me === undefined) this.refused(error);
  }

  /** @internal @param {SwitchboardError} error */
  refused(error) {
    if (!this.endedBy) this.#end(error);
  }

  /** @internal @param {Joined} joined */
  admitted(joined) {
    if (this.#phase.is !== 'entering' || joined.re !== this.#phase.joinId) return;
    const { peer: formerPeer } = this.#admit(joined);
    this.#restored = false;
    this.#tellMedia();
    if (formerPeer === undefined) this.#resolveEntered(this);
    else this.#tellRejoined(formerPeer);
  }

  /** @internal @param {keyof RoomEvents} name */
  listened(name) {
    if (name !== 'signal' || !this.awaitsListener) return;
    this.awaitsListener = false;
    this.#host.listened();
  }

  /** No listener has come in time. @internal */
  stopWaiting() {
    this.awaitsListener = false;
  }

  /** @internal @param {IncomingSignal} signal */
  received(signal) {
    if (this.joined) this.emit('signal', signal);
  }

  /** @internal @param {RoomEvent} event */
  happened(event) {
    if (!this.joined) return;
    if (event.type === 'room-closed') {
      return this.refused(new SwitchboardError('room-closed', `The room was closed: ${event.reason}.`));
    }
    if (event.type === 'ready') return this.emit('ready', event);
    if (event.type === 'member-left') this.#host.letGo(this.id, event.peer); // before its leaving
    const member = this.#roster.apply(event);
    if (!member) return;
    if (event.type !== 'member-left') this.emit(event.type, { member });
    else if (event.peer !== this.#me) this.emit('member-left', { member, reason: event.reason });
    else this.refused(new SwitchboardError('kicked', 'This client was removed from the room.'));
  }

  /** Whether the gateway was asked for the room on this connection, so that it takes what follows a join. */
  get #isAsked() {
    return this.#phase.is === 'entering' || this.#phase.is === 'joined';
  }

  /** @param {Snapshot} snapshot */
  #admit(snapshot) {
    const peer = this.#me;
    this.#me = this.#host.peer();
    this.#phase = { is: 'joined' };
    log('info', `In room ${this.id}, members: ${snapshot.members.length}.`);
    this.capacity = snapshot.capacity;
    this.media = snapshot.media;
    return { peer, differences: this.#roster.catchUp(snapshot) };
  }

  /** Before all else: a listener of `rejoined` connects to the server with it. */
  #tellMedia() {
    if (!this.endedBy && this.media) this.emit('media', { media: this.media });
  }

  /** @param {string} formerPeer */
  #tellRejoined(formerPeer) {
    if (!this.endedBy) this.emit('rejoined', { formerPeer });
  }

  /** @param {Difference[]} differences */
  #tell(differences) {
    for (const { type, member } of differences) {
      if (type === 'member-left') this.#host.letGo(this.id, member.peer);
      if (!this.joined) return; // a listener has left the room
      if (type === 'member-left') this.emit(type, { member, reason: 'missed' });
      else this.emit(type, { member });
    }
  }

  /** Others may see this client as it was before the connection was lost. */
  #correct() {
    const seen = this.members.get(this.#me ?? '');
    if (!seen) return;
    const patch = patchBetween(seen.state, this.state);
    if (Object.keys(patch).length === 0) return;
    // A refusal leaves the others with what they see; the next change tells it again.
    this.#tellState(patch).catch(() => {});
  }

  /** @param {State} patch */
  #tellState(patch) {
    return this.#requests.tellState(patch, {
      isMember: () => this.joined, // else it is told when the connection is back, if the room is still wanted
      current: () => this.state,
    });
  }

  /** @param {SwitchboardError} error why */
  #end(error) {
    log('info', `Out of room ${this.id} (${error.code}): ${error.message}`);
    this.#phase = { is: 'ended', by: error };
    this.#me = undefined;
    this.#roster = new Roster();
    this.#host.ended(this);
    this.#rejectEntered(error);
    this.emit('closed', { error });
  }
}
