/** @import { Joined, Member, MemberJoined, MemberLeft, MemberUpdated } from './protocol.js' */

/**
 * What changed in the room while this client was away.
 *
 * @typedef {{ type: 'member-joined' | 'member-updated' | 'member-left', member: Member }} Difference
 */

/** Who is in a room, as of a revision. */
export class Roster {
  revision = 0;
  /** @type {Map<string, Member>} by peer, in join order */
  members = new Map();

  /** @param {Pick<Joined, 'revision' | 'members'>} snapshot */
  replace({ revision, members }) {
    this.revision = revision;
    this.members = new Map(members.map((member) => [member.peer, member]));
  }

  /**
   * Takes a later snapshot, and tells what is different: first the members that are gone, then the others in join order. A
   * member with another place in the order has left and joined again in between.
   *
   * @param {Pick<Joined, 'revision' | 'members'>} snapshot
   * @returns {Difference[]}
   */
  catchUp(snapshot) {
    const before = this.members;
    this.replace(snapshot);
    const stayed = (/** @type {Member} */ { peer, order }, /** @type {Map<string, Member>} */ other) =>
      other.get(peer)?.order === order;
    /** @type {Difference[]} */
    const differences = [];
    for (const member of before.values()) {
      if (!stayed(member, this.members)) differences.push({ type: 'member-left', member });
    }
    for (const member of this.members.values()) {
      if (!stayed(member, before)) differences.push({ type: 'member-joined', member });
      else if (looksOther(member, before.get(member.peer))) differences.push({ type: 'member-updated', member });
    }
    return differences;
  }

  /**
   * @param {MemberJoined | MemberUpdated | MemberLeft} event
   * @returns {Member | undefined} the member that it is about, as it is now or was at last; undefined if the event tells nothing new
   */
  apply(event) {
    // One change may be told in two events of one revision; only an older one is stale.
    if (event.revision < this.revision) return undefined;
    this.revision = event.revision;
    const known = event.type === 'member-joined' ? event.member : this.members.get(event.peer);
    if (!known) return undefined;
    if (event.type === 'member-left') {
      this.members.delete(event.peer);
      return known;
    }
    const member = event.type === 'member-joined' ? known : updated(known, event);
    this.members.set(member.peer, member);
    return member;
  }
}

/**
 * @param {Member} now
 * @param {Member | undefined} before
 */
function looksOther(now, before = now) {
  return now.connection !== before.connection || JSON.stringify(now.state) !== JSON.stringify(before.state);
}

/**
 * @param {Member} member
 * @param {MemberUpdated} event
 * @returns {Member}
 */
function updated(member, { state = member.state, connection = member.connection }) {
  return { ...member, state, connection };
}
