/** @import { Joined, Member, MemberJoined, MemberLeft, MemberUpdated } from './protocol.js' */

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
   * @param {MemberJoined | MemberUpdated | MemberLeft} event
   * @returns {Member | undefined} whom it is about, as he is now or was at last; nobody if the event tells nothing new
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
 * @param {Member} member
 * @param {MemberUpdated} event
 * @returns {Member}
 */
function updated(member, { state = member.state, connection = member.connection }) {
  return { ...member, state, connection };
}
