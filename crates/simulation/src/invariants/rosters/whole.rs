//! A partial list is never taken for the whole.

use tokio::time::Duration;

use crate::invariants::memory::Memory;
use crate::invariants::story::Story;
use crate::trace::{ClientNo, View};

/// Somebody who was just let in may not be in a list that was made before.
const FRESH: Duration = Duration::from_secs(3);

/// Every session that is in a room all the time is in every list of it, but for those of which no node that is awake knows. Of
/// one that came in after the list was made, its reader hears behind it. One that cannot resume has no place while its node is
/// not heard of: whether it is listed is judged at the end alone.
pub(super) fn check(
    view: &View,
    client: ClientNo,
    (at, made_at): (Duration, Duration),
    memory: &Memory,
    story: &Story,
) -> Vec<String> {
    let before = made_at.saturating_sub(FRESH);
    let peers = story.sessions.keys();
    peers
        .filter(|peer| !view.members.iter().any(|member| member.peer == **peer))
        .filter(|peer| story.stayed(peer, &view.room, before).is_some())
        .filter(|peer| !memory.is_unknown(peer, at))
        .filter(|peer| story.sessions[*peer].promises.resumes)
        .map(|peer| {
            format!(
                "client {client} at {at:?}: the list of {} lacks {peer}, who is in",
                view.room
            )
        })
        .collect()
}
