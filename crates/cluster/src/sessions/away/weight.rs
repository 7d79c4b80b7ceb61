//! What sessions without a connection cost in the directory, and the bound on that: whoever enters many rooms and drops, again
//! and again, would fill it for a window each time.
//!
//! A session weighs what its joins took, about as much as Redis needs for it (`cargo test -p switchboard-gateway --test
//! cluster away_bytes -- --nocapture` prints both). At the bound the youngest go first: those who have waited in a room for
//! long keep their places, however many come after them.

use std::cmp::Reverse;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use switchboard_protocol::PeerId;
use switchboard_protocol::server_message::LeaveReason;

use super::Away;
use crate::backend::directory::AssertMember;
use crate::node::Inner;
use crate::observe::{AwayEnd, Observation};
use crate::sessions::attach::Departing;

/// What is kept of a session in no room.
const SESSION_BYTES: usize = 512;
/// A room that it is alone in, without what it tells of itself.
const ROOM_BYTES: usize = 1024;
/// When some have to go, this part of the bound becomes free: looking for the youngest takes time.
const FREED_PART: usize = 16;

/// The weight of one, counted in the node's total until it is dropped.
pub(super) struct Weight {
    bytes: AtomicUsize,
    total: Arc<AtomicUsize>,
}

impl Weight {
    pub(super) fn new(total: Arc<AtomicUsize>) -> Self {
        Self {
            bytes: AtomicUsize::new(0),
            total,
        }
    }

    /// In so many rooms, of which these places are known.
    pub(super) fn set(&self, rooms: usize, places: &[AssertMember]) {
        let told: usize = places.iter().map(told_bytes).sum();
        let bytes = SESSION_BYTES + rooms.max(places.len()) * ROOM_BYTES + told;
        // The new weight first: the total never falls below what there is.
        self.total.fetch_add(bytes, Ordering::Relaxed);
        let before = self.bytes.swap(bytes, Ordering::Relaxed);
        self.total.fetch_sub(before, Ordering::Relaxed);
    }

    fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }
}

impl Drop for Weight {
    fn drop(&mut self) {
        self.total.fetch_sub(self.bytes(), Ordering::Relaxed);
    }
}

/// Of what it tells of itself; an allocator rounds up by an eighth on average.
fn told_bytes(place: &AssertMember) -> usize {
    let profile = &place.member.profile;
    let texts = [profile.name.as_deref(), profile.avatar.as_deref()];
    let texts: usize = texts.into_iter().flatten().map(str::len).sum();
    (texts + profile.state.as_json().len()) * 9 / 8
}

impl Away {
    /// The youngest are the greatest; one in no room is younger than all.
    fn age(&self) -> (u64, PeerId) {
        let places = self.places.lock();
        let joined_at = places.iter().map(|place| place.member.joined_at).min();
        (joined_at.unwrap_or(u64::MAX), self.peer)
    }
}

impl Inner {
    /// Ends the youngest of those who are kept, where all together are over their bound. Those on their way out count no
    /// more, though the directory still has them.
    pub(crate) fn shed_away(self: &Arc<Self>) {
        let most = self.settings.away_bytes;
        if self.away_bytes.load(Ordering::Relaxed) <= most {
            return;
        }
        let mut kept: Vec<_> = self.away.iter().map(|away| away.clone()).collect();
        let mut bytes: usize = kept.iter().map(|away| away.weight.bytes()).sum();
        if bytes <= most {
            return;
        }
        kept.sort_by_cached_key(|away| Reverse(away.age()));
        let mut ended = 0_usize;
        for away in kept {
            if bytes <= most - most / FREED_PART {
                break;
            }
            let is_it = |_: &PeerId, known: &Arc<Away>| Arc::ptr_eq(known, &away);
            if self.away.remove_if(&away.peer, is_it).is_none() {
                continue;
            }
            bytes -= away.weight.bytes();
            ended += 1;
            self.observe.observe(Observation::AwayEnded(AwayEnd::Bytes));
            self.spawn_departure(Departing::of_away(&away), LeaveReason::Expired);
        }
        if let Some(said) = self.warnings.away_shed.happened() {
            tracing::warn!(
                ended,
                bytes,
                "sessions without a connection were over `limits.away_bytes` (in open mode: `limits.away_bytes_anonymous`); \
                 the youngest have expired{said}"
            );
        }
    }
}
