//! Members that no node answers for any more: noted for this node and unknown here, or listed on a node that is no more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use switchboard_protocol::server_message::LeaveReason;
use switchboard_protocol::{NodeId, PeerId, RoomId};
use tokio::time::{Duration, Instant};

use crate::backend::directory::{AssertMember, AssertPeerOutcome, DirectoryError};
use crate::backend::record::PeerRecord;
use crate::node::Inner;
use crate::observe::about::About;
use crate::observe::record_kind::RecordKind;
use crate::repair::failure::{AssertError, once_filled};
use crate::tasks::Task;

/// A session that is noted for this node and unknown here for so long was lost track of: coming and going take less.
const GHOST_AFTER: Duration = Duration::from_secs(10);

impl Inner {
    /// A directory that went back in time may list sessions here that have left since. It may also have claimed a living node
    /// for this one again, and list that node's sessions here: they stay connected, and the node takes them back once this
    /// one has cleaned up after it.
    pub(super) async fn expel_ghosts(
        self: &Arc<Self>,
        ghosts: &mut BTreeMap<PeerId, Instant>,
    ) -> Result<(), DirectoryError> {
        if self.lease.is_reaping() {
            ghosts.clear();
            return Ok(());
        }
        let directory = &self.backend.directory;
        let now = Instant::now();
        let noted = match directory.enlisted(&self.id).await {
            Err(DirectoryError::Corrupt(what)) => {
                let about = About::node(&self.id);
                self.backend
                    .unreadable
                    .note(RecordKind::NodePeer, about, what);
                return Ok(());
            }
            noted => noted?,
        };
        let unknown: BTreeSet<_> = noted
            .into_iter()
            .filter(|peer| !self.sessions.has(peer))
            .collect();
        ghosts.retain(|peer, _| unknown.contains(peer));
        for peer in unknown {
            let since = *ghosts.entry(peer).or_insert(now);
            if now.saturating_duration_since(since) < GHOST_AFTER {
                continue;
            }
            let expelled = self.tasks.guarded_in(Task::Assertion, self.expel(&peer));
            match expelled.await.unwrap_or(Ok(())) {
                Ok(()) => drop(ghosts.remove(&peer)),
                Err(DirectoryError::Corrupt(what)) => self.note_unreadable_session(&peer, &what),
                // For the cycle after its rooms have opened.
                Err(DirectoryError::Forgotten) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    pub(super) fn note_unreadable_session(&self, peer: &PeerId, what: &str) {
        let what = format_args!("session {peer}: {what}");
        let about = About::session(peer);
        self.backend.unreadable.note(RecordKind::Peer, about, what);
    }

    async fn expel(&self, peer: &PeerId) -> Result<(), DirectoryError> {
        let record = self.backend.directory.peer(peer).await?;
        if let Some(record) = record.filter(|record| record.node == self.id) {
            self.end_session(&record, LeaveReason::Disconnected).await?;
        }
        self.delist_unless_here(peer).await;
        Ok(())
    }

    /// Takes over the members, in rooms that this node knows, of nodes that have not been in the table for a lease: no node
    /// reaps those. False while one of them may still come back.
    pub(super) async fn adopt_orphans(
        self: &Arc<Self>,
        absent: &mut BTreeMap<NodeId, Instant>,
    ) -> Result<bool, AssertError> {
        let table = self.backend.leases.read().await?;
        let present: BTreeSet<NodeId> = table.into_iter().map(|lease| lease.node).collect();
        let orphans: Vec<_> = self
            .members_elsewhere()
            .into_iter()
            .filter(|place| !present.contains(&place.member.node))
            .collect();
        // Where there is no orphan, no node is waited for.
        absent.retain(|node, _| !orphans.is_empty() && !present.contains(node));
        for place in orphans {
            if self.is_gone(&place.member.node, absent) {
                let peer = place.member.peer;
                let adopted = self.adopt(place, &present, absent);
                let adopted = self.tasks.guarded_in(Task::Assertion, adopted).await;
                match adopted.unwrap_or(Ok(())) {
                    Err(DirectoryError::Corrupt(what)) => {
                        self.note_unreadable_session(&peer, &what)
                    }
                    adopted => adopted?,
                }
            }
        }
        Ok(absent.values().all(|since| self.is_long_ago(*since)))
    }

    /// Of a node that is not in the table: whether it has been missing for a lease.
    fn is_gone(&self, node: &NodeId, absent: &mut BTreeMap<NodeId, Instant>) -> bool {
        let since = absent.entry(node.clone()).or_insert_with(Instant::now);
        self.is_long_ago(*since)
    }

    fn is_long_ago(&self, since: Instant) -> bool {
        since.elapsed() >= self.settings.lease
    }

    /// By room and peer.
    fn members_elsewhere(&self) -> Vec<AssertMember> {
        let mut places = Vec::new();
        for room in self.rooms.all() {
            let room = room.lock();
            let Some(roster) = room.roster() else {
                continue;
            };
            let others = roster.members().filter(|member| member.node != self.id);
            places.extend(others.filter_map(|member| room.place_of(&member.peer)));
        }
        places.sort_unstable_by(|a, b| (&a.room, a.member.peer).cmp(&(&b.room, b.member.peer)));
        places
    }

    async fn adopt(
        self: &Arc<Self>,
        mut place: AssertMember,
        present: &BTreeSet<NodeId>,
        absent: &mut BTreeMap<NodeId, Instant>,
    ) -> Result<(), DirectoryError> {
        let (peer, epoch) = (place.member.peer, place.member.epoch);
        let directory = &self.backend.directory;
        let record = directory.peer(&peer).await?;
        if let Some(record) = record.as_ref().filter(|record| record.epoch > epoch) {
            if !record.rooms.contains(&place.room) {
                return once_filled(self.expel_left_behind(&place.room, &peer, epoch).await);
            }
            // It came back elsewhere and found the room closed: its place is known only from rosters like this one.
            place.member.epoch = record.epoch;
        }
        let mut record = match record {
            Some(record) if record.node != self.id && present.contains(&record.node) => {
                return self.add_place(record, place).await;
            }
            // The directory forgot the table: a node may take sessions again just before it is in it again.
            Some(record) if record.node != self.id && !self.is_gone(&record.node, absent) => {
                return Ok(());
            }
            Some(record) => record,
            None => self.forgotten_record(&place),
        };
        add(&mut record.rooms, &place.room);
        if !place.member.flags.resumable {
            return once_filled(self.end_orphan(&record).await);
        }
        // Noted first: a node that dies in between leaves nothing behind that no other would find.
        directory.enlist(&self.id, &peer).await?;
        match self.hand_over_to_this(record).await? {
            Some(record) => self.keep_orphan(record, place).await,
            None => {
                self.delist_unless_here(&peer).await;
                Ok(())
            }
        }
    }

    /// It cannot come back. Where the directory has forgotten it, no node writes it again.
    async fn end_orphan(&self, record: &PeerRecord) -> Result<(), DirectoryError> {
        if self.sessions.has(&record.peer) {
            return Ok(());
        }
        let ended = self.end_session(record, LeaveReason::NodeLost).await;
        ended.map(drop)
    }

    /// A session becomes this node's, unless it has another owner by now.
    async fn hand_over_to_this(
        &self,
        record: PeerRecord,
    ) -> Result<Option<PeerRecord>, DirectoryError> {
        if record.node == self.id {
            return Ok(Some(record));
        }
        let directory = &self.backend.directory;
        let handed = directory.hand_over(&record.peer, record.epoch, &record.node, &self.id);
        Ok(handed.await?.then(|| PeerRecord {
            node: self.id.clone(),
            ..record
        }))
    }

    /// It is away here, unless it has a connection here.
    async fn keep_orphan(
        self: &Arc<Self>,
        record: PeerRecord,
        mut place: AssertMember,
    ) -> Result<(), DirectoryError> {
        let (peer, epoch) = (place.member.peer, place.member.epoch);
        let directory = &self.backend.directory;
        if self.retake_if_connected(&record).await? {
            return Ok(());
        }
        if let AssertPeerOutcome::Elsewhere { .. } = directory.assert_peer(&record).await? {
            self.delist_unless_here(&peer).await;
            return Ok(());
        }
        let away = self.sessions.away(&peer).unwrap_or_else(|| {
            self.new_away(
                (peer, epoch, record.proven),
                (record.user.clone(), record.credential.clone()),
                record.rooms.clone(),
                self.settings.resume_window,
            )
        });
        self.sessions.keep(away.clone());
        away.add_rooms(record.rooms.iter().cloned());
        place.member.node = self.id.clone();
        place.member.flags.away = true;
        away.note_place(place.clone());
        self.assert_kept_place(&place).await?;
        let node = self.clone();
        self.tasks.errand(Task::Departure, async move {
            node.mark_away(&away).await;
            node.end_away_if_revoked(&away);
        });
        Ok(())
    }

    /// Another node keeps the session, and may not know of this room: who knows it says so.
    async fn add_place(
        self: &Arc<Self>,
        mut record: PeerRecord,
        mut place: AssertMember,
    ) -> Result<(), DirectoryError> {
        if record.epoch != place.member.epoch {
            return Ok(());
        }
        add(&mut record.rooms, &place.room);
        let asserted = self.backend.directory.assert_peer(&record).await;
        if let AssertPeerOutcome::Elsewhere { .. } = asserted? {
            return Ok(());
        }
        place.member.node = record.node;
        place.member.flags.away = true;
        self.assert_kept_place(&place).await
    }

    /// A session of which only a roster remembers something. Its client may have proven any epoch up to this one.
    fn forgotten_record(&self, place: &AssertMember) -> PeerRecord {
        PeerRecord {
            peer: place.member.peer,
            node: self.id.clone(),
            epoch: place.member.epoch,
            proven: 0,
            user: place.member.user.clone(),
            credential: None,
            rooms: Vec::new(),
        }
    }
}

fn add(rooms: &mut Vec<RoomId>, room: &RoomId) {
    if !rooms.contains(room) {
        rooms.push(room.clone());
        rooms.sort_unstable();
    }
}
