//! In the end everybody sees what the directory has.

use switchboard_protocol::MemberState;

use crate::trace::{Seen, Trace};

/// When all has come to rest, each client sees what the directory has.
pub(super) fn check(trace: &Trace) -> Vec<String> {
    let mut found = Vec::new();
    for client in trace
        .last
        .clients
        .iter()
        .filter(|client| client.peer.is_some() && client.promises.rosters)
    {
        for view in &client.views {
            let Some(room) = trace.last.rooms.get(&view.room) else {
                continue;
            };
            let mut seen: Vec<Seen> = view.members.clone();
            let mut there: Vec<Seen> = room
                .members
                .iter()
                .filter(|member| !member.flags.hidden)
                .map(|member| Seen::from(&member.to_member()))
                .collect();
            for own in seen.iter_mut().chain(&mut there) {
                if Some(own.peer) == client.peer {
                    // Nobody is told of his own state.
                    own.state = MemberState::default();
                }
            }
            seen.sort_by_key(|member| member.peer);
            there.sort_by_key(|member| member.peer);
            if seen != there {
                found.push(format!(
                    "client {} sees {} otherwise than the directory: {seen:?}, not {there:?}",
                    client.client, view.room
                ));
            }
        }
    }
    found
}
