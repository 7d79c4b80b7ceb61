//! What an away session costs in the directory: what its joins took, about as much as Redis needs for it (`cargo test -p
//! switchboard-gateway --test cluster away_bytes -- --nocapture` prints both).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::backend::directory::AssertMember;

/// What is kept of a session in no room.
const SESSION_BYTES: usize = 512;
/// A room that it is alone in, without what it tells of itself.
const ROOM_BYTES: usize = 1024;

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

    pub(super) fn bytes(&self) -> usize {
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
