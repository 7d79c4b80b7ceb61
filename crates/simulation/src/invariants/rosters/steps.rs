//! Nobody is told to come, change or go who did not, and over one connection no revision goes back.

use switchboard_protocol::PeerId;
use tokio::time::Duration;

use crate::invariants::memory::Memory;
use crate::invariants::story::Story;
use crate::trace::{News, View};

/// Judges one step of a room that a client sees like that, and takes it.
pub(super) fn check(
    view: &mut View,
    news: &News,
    (at, made_at): (Duration, Duration),
    (memory, story): (&Memory, &Story),
) -> Vec<String> {
    let room = view.room.clone();
    let mut found = Vec::new();
    let is_known = |peer: &PeerId| view.members.iter().any(|member| member.peer == *peer);
    match news {
        News::Came { member, .. } if is_known(&member.peer) => {
            found.push(format!("{} came to {room} twice", member.peer));
        }
        News::Updated { peer, .. } if !is_known(peer) => {
            found.push(format!("{peer} changed in {room}, and never came"));
        }
        News::Went { peer, .. } if !is_known(peer) => {
            found.push(format!("{peer} left {room}, and never came"));
        }
        // Whom a list may lack, since nobody who was awake could write it again in the lease that rooms wait for (DESIGN 5),
        // is told as gone to those who had it in an earlier one.
        News::Went { peer, reason, .. }
            if view.keeps(peer, made_at, story) && !memory.is_unknown(peer, at) =>
        {
            found.push(format!(
                "{peer} left {room} ({reason:?}), and is in all the time"
            ));
        }
        _ => {}
    }
    let before = view.revision;
    view.take(news);
    // Whatever Redis lost, a node does not go back on what it told over one connection.
    if view.revision < before {
        found.push(format!(
            "{room} went back from revision {before} to {}",
            view.revision
        ));
    }
    found
}

impl View {
    /// Whether somebody is in, with the place that this shows, from `since` until the end.
    fn keeps(&self, peer: &PeerId, since: Duration, story: &Story) -> bool {
        let mut shown = self.members.iter().filter(|member| member.peer == *peer);
        shown.any(|member| story.keeps_place(peer, (&self.room, member.order), since))
    }
}
