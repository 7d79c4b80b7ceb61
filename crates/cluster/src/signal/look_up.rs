//! A roster that a node remembers proves no absence: before a sender is told that somebody is not there, the directory is
//! asked, once for all who ask at the same time. Until then the signal waits in its place ([`unanswered`](crate::signal::unanswered)),
//! and so does what follows it to that receiver.
//!
//! ```text
//! router: nobody known ─► unanswered (sought) ─► directory.look_up ─► there: to its node, as any signal
//!                              ▲                        │          ─► not there: no-such-peer
//!                              └── not answered: again, until the deadline (unavailable)
//! ```

use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use smallvec::smallvec;
use switchboard_protocol::RoomId;
use switchboard_protocol::client_message::Signal;
use switchboard_protocol::server_message::{Reason, Receiver, Undelivered};
use tokio::time::Duration;

use crate::backend::directory::{Sighting, Whom};
use crate::backend::record::MemberRecord;
use crate::node::Inner;
use crate::observe::Observation;
use crate::room::Room;
use crate::sessions::local_session::LocalSession;
use crate::signal::unanswered::{NotFound, Overloaded, Sought, Unanswered};
use crate::tasks::Task;

/// Before a look-up that got no answer is repeated; twice as long before each further try.
const AGAIN_AFTER: Duration = Duration::from_millis(50);
const AGAIN_AFTER_MAX: Duration = Duration::from_secs(2);

impl Inner {
    /// Takes a signal for somebody who is not known here.
    pub(crate) fn relay_sought(
        self: &Arc<Self>,
        (shared, mut room): (&Arc<Mutex<Room>>, MutexGuard<'_, Room>),
        local: &Arc<LocalSession>,
        signal: &Signal<'_>,
        sought: Sought,
    ) {
        let (whom, repeated) = (sought.whom.clone(), sought.repeated);
        let taken_in = (room.id(), room.revision());
        let mut unanswered = local.unanswered.lock();
        let taken = unanswered.take_sought(signal, taken_in, sought, &self.settings.in_flight);
        if let Err(Overloaded) = taken {
            drop(unanswered);
            let reason = match repeated {
                true => Reason::Unconfirmed,
                false => Reason::Overloaded,
            };
            return self.undelivered(local, signal, receiver(&whom), reason);
        }
        self.watch(local, &mut unanswered);
        drop(unanswered);
        if room.seek(&whom, local) {
            let (node, shared) = (self.clone(), shared.clone());
            drop(room);
            self.tasks.aside(Task::Roster, async move {
                let looked = node.look_up(&shared, &whom);
                if node.tasks.guarded_in(Task::Roster, looked).await.is_none() {
                    // What waits for it ends at its deadline; whoever asks next has it looked up anew.
                    shared.lock().forget_look_up(&whom);
                }
            });
        }
    }

    /// Looks a member up, until nobody waits for that any more.
    async fn look_up(&self, shared: &Arc<Mutex<Room>>, whom: &Whom) {
        let mut pause = AGAIN_AFTER;
        loop {
            let Some(id) = shared.lock().begin_look_up(whom) else {
                return;
            };
            self.observe.observe(Observation::MemberLookedUp);
            let sighting = self.backend.directory.look_up(&id, whom).await;
            match sighting {
                Ok(mut sighting) => {
                    sighting.member.take_if(|member| member.flags.hidden);
                    if sighting.member.is_some() || !self.may_lack_somebody() {
                        self.end_look_up(shared, whom, &sighting);
                        continue;
                    }
                }
                Err(error) => {
                    tracing::debug!(room.id = %id, %error, "a member could not be looked up");
                }
            }
            if !self.tasks.pause(pause).await {
                return;
            }
            pause = (pause * 2).min(AGAIN_AFTER_MAX);
        }
    }

    /// Whether the directory may have lost somebody who is in, whom his node has yet to write again.
    fn may_lack_somebody(&self) -> bool {
        self.doubt.lasts() || self.doubt.may_show_the_past()
    }

    fn end_look_up(&self, shared: &Arc<Mutex<Room>>, whom: &Whom, sighting: &Sighting) {
        let mut room = shared.lock();
        room.note_sighting(sighting);
        for local in room.askers(whom) {
            let mut unanswered = local.unanswered.lock();
            match &sighting.member {
                Some(member) => {
                    self.find(room.id(), (&local, &mut unanswered), member, |sought| {
                        sought == whom
                    });
                }
                None => self.give_up_seeking(room.id(), (&local, &mut unanswered), whom),
            }
        }
        if room.read_at().is_some() {
            self.rooms.note_behind(shared);
        }
    }

    /// Nobody is there: what was taken before the look-up began is answered.
    fn give_up_seeking(
        &self,
        room: &RoomId,
        (local, unanswered): (&LocalSession, &mut Unanswered),
        whom: &Whom,
    ) {
        let ended = unanswered.end_sought_where(|id, _, sought| {
            id == room && sought.whom == *whom && sought.is_covered()
        });
        for not_found in ended {
            self.tell_not_found(local, not_found, Reason::NoSuchPeer);
        }
        self.queue_unbarred(local, unanswered);
    }

    /// A roster has a member that is being looked up, perhaps.
    pub(crate) fn find_by_roster(
        &self,
        room: &RoomId,
        local: &LocalSession,
        unanswered: &mut Unanswered,
        member: &MemberRecord,
    ) {
        if !unanswered.seeks() || member.flags.hidden {
            return;
        }
        self.find(room, (local, unanswered), member, |sought| match sought {
            Whom::Peer(peer) => *peer == member.peer,
            Whom::Name(name) => member.profile.name.as_ref() == Some(name),
        });
    }

    fn find(
        &self,
        room: &RoomId,
        (local, unanswered): (&LocalSession, &mut Unanswered),
        member: &MemberRecord,
        is_it: impl Fn(&Whom) -> bool,
    ) {
        let nodes = unanswered.find_sought(room, member, is_it);
        if nodes.is_empty() {
            return;
        }
        // In another room that the two share it may be known at an earlier place.
        self.retarget(local, unanswered, member);
        for node in nodes {
            unanswered.queue((local.peer, local.epoch), &self.links.to(&node));
        }
    }

    /// Queues what waited behind a signal whose receiver was looked up.
    pub(crate) fn queue_unbarred(&self, local: &LocalSession, unanswered: &mut Unanswered) {
        for node in unanswered.lift_bars() {
            unanswered.queue((local.peer, local.epoch), &self.links.to(&node));
        }
    }

    pub(crate) fn tell_not_found(&self, local: &LocalSession, not_found: NotFound, reason: Reason) {
        let reason = match not_found.sought.repeated {
            true => Reason::Unconfirmed,
            false => reason,
        };
        self.observe.observe(Observation::Answered {
            kind: not_found.kind,
            outcome: Err(reason),
            after: not_found.taken_at.elapsed(),
        });
        local.tell(Undelivered {
            id: not_found.id,
            to: smallvec![receiver(&not_found.sought.whom)],
            reason,
        });
    }
}

fn receiver(whom: &Whom) -> Receiver {
    match whom {
        Whom::Peer(peer) => Receiver::Peer(*peer),
        Whom::Name(name) => Receiver::Nobody(name.clone()),
    }
}
