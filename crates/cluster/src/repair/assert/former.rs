//! Places of sessions that this node has just let go of. The node that has such a session now may not know its rooms yet:
//! where the directory went back in time meanwhile, rooms stay closed to it, and only this node can write what they were at.

use std::collections::VecDeque;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::backend::bucket::Bucket;
use crate::backend::directory::{AssertMember, DirectoryError};
use crate::node::Inner;
use crate::signal::tombstones::REMEMBERED;

/// As many as are remembered, the newest.
const FORMER_MAX: usize = 4096;

/// Those of the last seconds, and of as long as the directory cannot be written.
#[derive(Default)]
pub(crate) struct Former(Mutex<VecDeque<(Instant, AssertMember)>>);

impl Former {
    pub(crate) fn note(&self, places: Vec<AssertMember>) {
        let mut former = self.0.lock();
        let now = Instant::now();
        former.extend(places.into_iter().map(|place| (now, place)));
        let too_many = former.len().saturating_sub(FORMER_MAX);
        former.drain(..too_many);
    }

    fn where_rooms(&self, are: impl Fn(Bucket) -> bool) -> Vec<AssertMember> {
        let former = self.0.lock();
        let places = former.iter().map(|(_, place)| place);
        places
            .filter(|place| are(Bucket::of(&place.room)))
            .cloned()
            .collect()
    }

    /// Nothing is lost of the directory at this moment.
    pub(super) fn prune(&self) {
        let mut former = self.0.lock();
        former.retain(|(since, _)| since.elapsed() < REMEMBERED);
        if former.is_empty() {
            former.shrink_to_fit();
        }
    }
}

impl Inner {
    /// Writes them for their sessions' owners where their rooms are closed or, in doubt (`lift`), may have to be. The owners
    /// take the places themselves, with a higher epoch, once the rooms are open.
    pub(super) async fn assert_former(
        &self,
        closed: &[Bucket],
        lift: bool,
    ) -> Result<(), DirectoryError> {
        let may_be_lost = |bucket| lift || closed.contains(&bucket);
        for mut place in self.former.where_rooms(may_be_lost) {
            let (peer, epoch) = (place.member.peer, place.member.epoch);
            let record = match self.backend.directory.peer(&peer).await {
                Err(DirectoryError::Corrupt(what)) => {
                    self.note_unreadable_session(&peer, &what);
                    continue;
                }
                // Its owner is about to write it again.
                Err(DirectoryError::Forgotten) => continue,
                record => record?,
            };
            let is_wanted = |rooms: &[_]| rooms.contains(&place.room);
            let owner = record.filter(|record| {
                record.node != self.id && record.epoch >= epoch && is_wanted(&record.rooms)
            });
            if let Some(owner) = owner {
                place.member.node = owner.node;
                place.member.flags.away = true;
                place.lift = lift;
                self.assert_kept_place(&place).await?;
            }
        }
        Ok(())
    }
}
