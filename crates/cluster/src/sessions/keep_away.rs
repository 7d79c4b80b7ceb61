//! Keeping the places of sessions without a connection until their windows end, and the bound on them: a client that enters
//! many rooms and drops, again and again, would fill the directory for a window each time. At the bound the youngest go
//! first: sessions that have waited in a room for long keep their places, however many come after them.

use std::cmp::Reverse;
use std::sync::Arc;

use switchboard_protocol::server_message::LeaveReason;
use switchboard_protocol::{NodeId, PeerId, RoomId, UserId};
use tokio::time::{Duration, Instant};

use crate::backend::directory::{AssertMember, DirectoryError, TakeOver, TakeOverOutcome};
use crate::backend::record::Epoch;
use crate::backend::revocation::Credential;
use crate::node::Inner;
use crate::observe::{AwayEnd, Observation};
use crate::sessions::away::Away;
use crate::sessions::detach::{Departing, RETRY};
use crate::sessions::local_session::LocalSession;

/// When some have to go, this part of the bound becomes free: looking for the youngest takes time.
const FREED_PART: usize = 16;

/// What became of an attempt to mark a session as away.
pub(crate) enum Marked {
    /// Everywhere; these are to know.
    Done(Vec<AnnouncedStep>),
    /// It is another connection's.
    Superseded,
}

/// A step in a room, and who is to know of it.
pub(crate) struct AnnouncedStep {
    pub(crate) room: RoomId,
    /// Of the roster after it.
    pub(crate) revision: u64,
    pub(crate) nodes: Vec<NodeId>,
}

impl Inner {
    pub(crate) fn new_away(
        &self,
        ids: (PeerId, Epoch, Epoch),
        identity: (UserId, Option<Credential>),
        rooms: Vec<RoomId>,
        window: Duration,
    ) -> Arc<Away> {
        Away::new(ids, identity, rooms, window, self.sessions.away_total())
    }

    /// A session has lost its connection: its places are kept, and it is told as away.
    /// `places`: where it was, as far as it is known here.
    pub(crate) fn keep_places(
        self: &Arc<Self>,
        local: &Arc<LocalSession>,
        places: Vec<AssertMember>,
        window: Duration,
    ) {
        let proven = local.directory.proven();
        let away = self.new_away(
            (local.peer, local.epoch, proven),
            (local.user.clone(), Some(local.credential.lock().clone())),
            local.directory.room_ids(),
            window,
        );
        for mut place in places {
            place.member.node = self.id.clone();
            place.member.flags.away = true;
            away.note_place(place);
        }
        self.sessions.keep(away.clone());
        let (node, local) = (self.clone(), local.clone());
        self.spawn_last_step(local.clone(), async move {
            node.finish_turn(&local).await;
            away.add_rooms(local.directory.room_ids());
            node.mark_away(&away).await;
            // It may have been revoked as its connection was lost.
            node.end_away_if_revoked(&away);
        });
    }

    /// Marks a session as away in its rooms, as often as it takes.
    pub(crate) async fn mark_away(&self, away: &Arc<Away>) {
        while self.sessions.keeps(away) {
            match self.mark_in_turn(away).await {
                Ok(Marked::Done(_)) => return,
                Ok(Marked::Superseded) => return self.stop_keeping(away).await,
                Err(error) => {
                    tracing::debug!(session.id = %away.peer, %error, "a session could not be marked as away");
                }
            }
            if !self.tasks.pause(RETRY).await {
                return;
            }
        }
    }

    pub(crate) async fn mark_in_turn(&self, away: &Away) -> Result<Marked, DirectoryError> {
        let _turn = self.sessions.departure_turn().await;
        let _own_turn = away.turn.lock().await;
        let mut steps = Vec::new();
        let directory = &self.backend.directory;
        let noted = directory.note_away(&away.peer, away.epoch, &self.id);
        if !noted.await? {
            return Ok(Marked::Superseded);
        }
        for room in &away.rooms() {
            let wish = TakeOver {
                room: room.clone(),
                peer: away.peer,
                epoch: away.epoch,
                node: self.id.clone(),
                away: true,
                whole: false,
            };
            let outcome = self.backend.directory.take_over(&wish).await;
            match outcome? {
                TakeOverOutcome::Moved { changed, place } => {
                    self.tell_taken(room, &place, changed);
                    away.note_place(place.to_assert(room));
                    steps.push(AnnouncedStep {
                        room: room.clone(),
                        revision: place.revision,
                        nodes: place.nodes,
                    });
                }
                TakeOverOutcome::Taken { .. } | TakeOverOutcome::NotAMember => {
                    away.forget_place(room);
                }
                TakeOverOutcome::Stale { .. } => return Ok(Marked::Superseded),
            }
        }
        Ok(Marked::Done(steps))
    }

    /// Another connection, or another node, has the session.
    pub(crate) async fn stop_keeping(&self, away: &Arc<Away>) {
        if self.sessions.stop_keeping(away) {
            self.sessions.former_places().note(away.places());
        }
        self.delist_unless_here(&away.peer).await;
    }

    /// Ends the sessions whose window is over. Not to be called while clients cannot come back, see
    /// [`WaysBack`](crate::sessions::ways_back::WaysBack).
    pub(crate) fn expire(self: &Arc<Self>, now: Instant) {
        for away in self.sessions.take_expired(now) {
            self.spawn_departure(Departing::of_away(&away), LeaveReason::Expired);
        }
    }

    /// Ends the youngest of those who are kept, where all together are over their bound. Those on their way out count no
    /// more, though the directory still has them.
    pub(crate) fn shed_away(self: &Arc<Self>) {
        let most = self.settings.away_bytes;
        if self.sessions.away_bytes() <= most {
            return;
        }
        let mut kept = self.sessions.all_away();
        let mut bytes: usize = kept.iter().map(|away| away.bytes()).sum();
        if bytes <= most {
            return;
        }
        kept.sort_by_cached_key(|away| Reverse(away.age()));
        let mut ended = 0_usize;
        for away in kept {
            if bytes <= most - most / FREED_PART {
                break;
            }
            if !self.sessions.stop_keeping(&away) {
                continue;
            }
            bytes -= away.bytes();
            ended += 1;
            self.observe.observe(Observation::AwayEnded(AwayEnd::Bytes));
            self.spawn_departure(Departing::of_away(&away), LeaveReason::Expired);
        }
        if let Some(said) = self.sessions.away_shed.happened() {
            tracing::warn!(
                ended,
                bytes,
                "sessions without a connection were over `limits.away_bytes` (in open mode: `limits.away_bytes_anonymous`); \
                 the youngest have expired{said}"
            );
        }
    }
}
