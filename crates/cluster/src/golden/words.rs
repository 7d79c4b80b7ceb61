//! What a directory answers, in words: all but times.

use std::fmt::Debug;

use switchboard_protocol::{NodeId, PeerId};

use crate::backend::directory::{
    JoinOutcome, LeaveOutcome, Place, Presence, RenameOutcome, Sighting, TakeOverOutcome,
    UpdateOutcome,
};
use crate::backend::leases::{Lease, NodeInfo, SharedKey};
use crate::backend::record::{Flags, MemberRecord, PeerRecord, RosterSnapshot};

pub(super) fn in_debug(answer: impl Debug) -> String {
    format!("{answer:?}")
}

/// The first letter of each.
pub(super) fn letters(peers: Vec<PeerId>) -> String {
    let first = |peer: &PeerId| peer.as_str().chars().next();
    let mut letters: Vec<_> = peers.iter().filter_map(first).collect();
    letters.sort_unstable();
    letters.into_iter().collect()
}

fn of_nodes(nodes: &[NodeId]) -> String {
    let mut nodes: Vec<_> = nodes.iter().map(NodeId::as_str).collect();
    nodes.sort_unstable();
    nodes.join(" ")
}

pub(super) fn of_roster(roster: RosterSnapshot) -> String {
    let (revision, ready, capacity) = (roster.revision, roster.ready, roster.capacity);
    let members = roster
        .members
        .iter()
        .map(|member| format!("\n  {}", of_member(member)));
    let members: String = members.collect();
    let unreadable = letters(roster.unreadable.clone());
    format!(
        "revision {revision} ready {ready} capacity {capacity} unreadable [{unreadable}]{members}"
    )
}

pub(super) fn of_member(member: &MemberRecord) -> String {
    let Flags {
        hidden,
        away,
        resumable,
        named,
    } = member.flags;
    let flags = [
        (hidden, "hidden"),
        (away, "away"),
        (resumable, "resumable"),
        (named, "named"),
        (member.unread.is_some(), "unread"),
    ];
    let flags: Vec<_> = flags
        .iter()
        .filter_map(|(is, word)| is.then_some(*word))
        .collect();
    format!(
        "{} epoch {} on {} order {} user {:?} [{}] name {:?} avatar {:?} state {}",
        letters(vec![member.peer]),
        member.epoch,
        member.node,
        member.order,
        member.user.as_str(),
        flags.join(" "),
        member.profile.name.as_deref().unwrap_or("-"),
        member.profile.avatar.as_deref().unwrap_or("-"),
        member.profile.state.as_json(),
    )
}

fn of_place(place: &Place) -> String {
    let (revision, ready, capacity) = (place.revision, place.ready, place.capacity);
    let (member, nodes) = (of_member(&place.member), of_nodes(&place.nodes));
    let order = place.order_max;
    format!(
        "revision {revision} ready {ready} capacity {capacity} order {order} others on [{nodes}]\n  {member}"
    )
}

fn of_evicted(evicted: Option<MemberRecord>) -> String {
    let left = |member| format!("\n  makes way: {}", of_member(&member));
    evicted.map(left).unwrap_or_default()
}

pub(super) fn of_join(outcome: JoinOutcome) -> String {
    match outcome {
        JoinOutcome::Joined { roster, evicted } => of_roster(roster) + &of_evicted(evicted),
        JoinOutcome::Entered { place, evicted } => of_place(&place) + &of_evicted(evicted),
        other => in_debug(other),
    }
}

pub(super) fn of_rename(outcome: RenameOutcome) -> String {
    match outcome {
        RenameOutcome::Renamed {
            changed,
            place,
            evicted,
        } => format!(
            "changed {changed} {}{}",
            of_place(&place),
            of_evicted(evicted)
        ),
        other => in_debug(other),
    }
}

pub(super) fn of_take_over(outcome: TakeOverOutcome) -> String {
    match outcome {
        TakeOverOutcome::Taken { changed, roster } => {
            format!("changed {changed} {}", of_roster(roster))
        }
        TakeOverOutcome::Moved { changed, place } => {
            format!("changed {changed} {}", of_place(&place))
        }
        other => in_debug(other),
    }
}

pub(super) fn of_update(outcome: UpdateOutcome) -> String {
    match outcome {
        UpdateOutcome::Updated {
            changed,
            revision,
            nodes,
        } => format!(
            "changed {changed} revision {revision} nodes [{}]",
            of_nodes(&nodes)
        ),
        other => in_debug(other),
    }
}

pub(super) fn of_leave(outcome: LeaveOutcome) -> String {
    let (changed, revision) = (outcome.changed, outcome.revision);
    format!(
        "changed {changed} revision {revision} others on [{}]",
        of_nodes(&outcome.nodes)
    )
}

pub(super) fn of_sighting(seen: Sighting) -> String {
    let member = seen.member.as_ref().map_or("nobody".into(), of_member);
    format!("revision {} {member}", seen.revision)
}

pub(super) fn of_session(record: Option<PeerRecord>) -> String {
    let Some(record) = record else {
        return "none".into();
    };
    let rooms: Vec<_> = record.rooms.iter().map(ToString::to_string).collect();
    let (epoch, proven, node) = (record.epoch, record.proven, &record.node);
    let user = record.user.as_str();
    format!("epoch {epoch} proven {proven} on {node} user {user:?} rooms {rooms:?}")
}

pub(super) fn of_presence(presence: Presence) -> String {
    match presence {
        Presence::Away { epoch, .. } => format!("away, epoch {epoch}"),
        other => in_debug(other),
    }
}

pub(super) fn of_info(info: Option<NodeInfo>) -> String {
    let Some(info) = info else {
        return "none".into();
    };
    let (version, format) = (info.version, info.format);
    let (address, started_at) = (info.ops_address, info.started_at);
    let (number, oldest) = (format.number, format.oldest);
    format!("at {address} version {version} format {number} from {oldest} on, since {started_at}")
}

pub(super) fn of_table(mut table: Vec<Lease>) -> String {
    table.sort_unstable_by(|one, other| one.node.cmp(&other.node));
    let entry = |lease: &Lease| {
        let claimer = lease
            .claimed_by
            .as_ref()
            .map(|by| format!(" claimed by {by}"));
        format!(
            "{} {}{}",
            lease.node,
            lease.counter,
            claimer.unwrap_or_default()
        )
    };
    table.iter().map(entry).collect::<Vec<_>>().join(", ")
}

pub(super) fn of_key(known: SharedKey) -> String {
    let (first, generation) = (known.key[0], known.generation);
    let former = known
        .former
        .map_or("none".into(), |key| format!("{:x}…", key[0]));
    format!("{first:x}… generation {generation} former {former}")
}
