//! Places of sessions that this node has just let go of. The node that has such a session now may not know its rooms yet: if
//! the directory goes back in time meanwhile, the rooms stay closed to that node, and only this one can write the places.

use std::collections::VecDeque;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::backend::bucket::Bucket;
use crate::backend::directory::AssertMember;
use crate::signal::tombstones::REMEMBERED;

/// As many as are remembered, the newest.
const FORMER_MAX: usize = 4096;

/// Those of the last seconds, and of as long as the directory cannot be written.
#[derive(Default)]
pub(crate) struct FormerPlaces(Mutex<VecDeque<(Instant, AssertMember)>>);

impl FormerPlaces {
    pub(crate) fn note(&self, places: Vec<AssertMember>) {
        let mut former = self.0.lock();
        let now = Instant::now();
        former.extend(places.into_iter().map(|place| (now, place)));
        let too_many = former.len().saturating_sub(FORMER_MAX);
        former.drain(..too_many);
    }

    /// Those in rooms whose buckets `are` so.
    pub(crate) fn where_rooms(&self, are: impl Fn(Bucket) -> bool) -> Vec<AssertMember> {
        let former = self.0.lock();
        let places = former.iter().map(|(_, place)| place);
        places
            .filter(|place| are(Bucket::of(&place.room)))
            .cloned()
            .collect()
    }

    /// Nothing is lost of the directory at this moment.
    pub(crate) fn prune(&self) {
        let mut former = self.0.lock();
        former.retain(|(since, _)| since.elapsed() < REMEMBERED);
        if former.is_empty() {
            former.shrink_to_fit();
        }
    }
}
