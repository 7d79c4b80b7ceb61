//! A roster that a node remembers proves no absence: before a sender is told that a receiver is not there, the directory is
//! asked, once for all that ask at the same time. Until then the signal waits in its place
//! ([`seeking`](crate::signal::unanswered)), and so does what follows it to that receiver.
//!
//! ```text
//! send: not known ─► unanswered (sought) ─► directory.look_up ─► there: to its node, as any signal
//!                         ▲                        │          ─► not there: no-such-peer
//!                         └── not answered: again, until the deadline (unavailable)
//! ```

use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use switchboard_protocol::client_message::Signal;
use switchboard_protocol::server_message::Reason;
use tokio::time::Duration;

use crate::backend::directory::{PeerOrName, Sighting};
use crate::node::Inner;
use crate::observe::Observation;
use crate::room::Room;
use crate::sessions::local_session::LocalSession;
use crate::signal::outcome::receiver;
use crate::signal::unanswered::Overloaded;
use crate::signal::unanswered::sought::Sought;
use crate::tasks::Task;

/// Before a look-up that got no answer is repeated; twice as long before each further try.
const AGAIN_AFTER: Duration = Duration::from_millis(50);
const AGAIN_AFTER_MAX: Duration = Duration::from_secs(2);

impl Inner {
    /// Takes a signal for a receiver that is not known here.
    pub(super) fn send_to_unknown(
        self: &Arc<Self>,
        (shared, mut room): (&Arc<Mutex<Room>>, MutexGuard<'_, Room>),
        local: &Arc<LocalSession>,
        signal: &Signal<'_>,
        sought: Sought,
    ) {
        let (wanted, repeated) = (sought.wanted.clone(), sought.repeated);
        let mut unanswered = local.streams.unanswered.lock();
        let taken = unanswered.take_sought(signal, (room.id(), room.revision()), sought);
        self.signals.watch(local, &mut unanswered);
        drop(unanswered);
        if let Err(Overloaded) = taken {
            let (signal, to) = ((signal, repeated), receiver(&wanted));
            return self.tell_not_taken(local, signal, to, Reason::Overloaded);
        }
        if room.seek(&wanted, local) {
            drop(room);
            self.start_look_up(shared.clone(), wanted);
        }
    }

    fn start_look_up(self: &Arc<Self>, shared: Arc<Mutex<Room>>, wanted: PeerOrName) {
        let node = self.clone();
        self.tasks.aside(Task::Roster, async move {
            let looked = node.look_up(&shared, &wanted);
            if node.tasks.guarded_in(Task::Roster, looked).await.is_none() {
                // What waits for it ends at its deadline; the next session that asks has it looked up again.
                shared.lock().forget_look_up(&wanted);
            }
        });
    }

    /// Looks a member up, until no signal waits for that any more.
    async fn look_up(&self, shared: &Arc<Mutex<Room>>, wanted: &PeerOrName) {
        let mut pause = AGAIN_AFTER;
        loop {
            let Some(id) = shared.lock().begin_look_up(wanted) else {
                return;
            };
            self.observe.observe(Observation::MemberLookedUp);
            let sighting = self.backend.directory.look_up(&id, wanted).await;
            match sighting {
                Ok(mut sighting) => {
                    sighting.member.take_if(|member| member.flags.hidden);
                    if sighting.member.is_some() || !self.may_lack_a_member() {
                        self.end_look_up(shared, wanted, &sighting);
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

    /// Whether the directory may have lost a member whose node has yet to write it again.
    fn may_lack_a_member(&self) -> bool {
        self.repairs.doubt.lasts() || self.repairs.doubt.may_show_the_past()
    }

    fn end_look_up(&self, shared: &Arc<Mutex<Room>>, wanted: &PeerOrName, sighting: &Sighting) {
        let mut room = shared.lock();
        room.note_sighting(sighting);
        for local in room.askers(wanted) {
            let mut unanswered = local.streams.unanswered.lock();
            match &sighting.member {
                Some(member) => {
                    unanswered.find(room.id(), member, &self.links, |sought| sought == wanted);
                }
                None => {
                    // What was taken before the look-up began is answered.
                    let not_there = unanswered.end_sought_where(|id, _, sought| {
                        id == room.id() && sought.wanted == *wanted && sought.is_covered()
                    });
                    for not_found in not_there {
                        self.tell_not_found(&local, not_found, Reason::NoSuchPeer);
                    }
                    unanswered.queue_unbarred(&self.links);
                }
            }
        }
        if room.read_at().is_some() {
            self.rooms.note_behind(shared);
        }
    }
}
