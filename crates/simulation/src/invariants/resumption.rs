//! A client that comes back within its window has its session again, whatever happened to the node it was on; and nobody is
//! sent away but for a newer connection, his own or of one who has a secret that is still good.

use std::collections::{BTreeMap, BTreeSet};

use switchboard_protocol::PeerId;
use tokio::time::Duration;

use super::memory::Memory;
use super::story::Story;
use super::thefts::{self, SUPERSEDED};
use crate::trace::{ClientNo, ConnectionNo, Fate, Leaving, Trace, Weather, What};

/// What lies between a client's clock and the gateway's.
const SLACK: Duration = Duration::from_secs(2);
/// A page that is loaded again is held for so long.
const HOLD: Duration = Duration::from_secs(5);

pub(super) fn check(trace: &Trace, _: &Story) -> Vec<String> {
    let mut found = Vec::new();
    let mut absences = Absences::new(trace);
    let mut closed: BTreeMap<ClientNo, ConnectionNo> = BTreeMap::new();
    // To whom this is not promised.
    let mut bound = BTreeSet::new();
    for event in &trace.events {
        absences.memory.take(event);
        match &event.what {
            What::Greeted {
                client, promises, ..
            } if !promises.resumes => drop(bound.insert(*client)),
            What::Welcomed { client, .. } if bound.contains(client) => {}
            What::Welcomed {
                client,
                peer,
                resumed,
                ..
            } => {
                let must_resume = absences.end(*client, *peer, event.at);
                if must_resume && !resumed {
                    found.push(format!(
                        "client {client} came back at {:?}, within its window, and was not let in",
                        event.at
                    ));
                }
            }
            // Whose connections these end shows later; from here on any window may run.
            What::Cut { .. } | What::Node { .. } => absences.begin_for_all(event.at),
            What::Closed {
                client, connection, ..
            } => {
                closed.insert(*client, *connection);
                absences.begin(*client, event.at);
            }
            What::Rests { client, .. } => absences.begin(*client, event.at),
            What::Gone {
                client,
                how: Leaving::Reloaded,
            } => absences.begin_held(*client, event.at),
            What::Gone {
                client,
                how: Leaving::SentAway(code),
            } => {
                let last = closed.get(client);
                let is_robbed = *code == SUPERSEDED
                    && last.is_some_and(|last| thefts::was_taken_from(trace, *last));
                if !is_robbed {
                    found.push(format!(
                        "client {client} was sent away for good with {code}"
                    ));
                }
            }
            _ => {}
        }
    }
    found
}

/// Since when each client may be away, by what befell it.
struct Absences {
    window: Duration,
    excused: bool,
    memory: Memory,
    peers: BTreeMap<ClientNo, PeerId>,
    /// From when on, and how long its session is kept; those that were never welcomed are not here.
    lost_at: BTreeMap<ClientNo, (Duration, Duration)>,
}

impl Absences {
    fn new(trace: &Trace) -> Self {
        Self {
            window: trace.rules.window,
            excused: is_excused(trace),
            memory: Memory::new(trace.rules.lease),
            peers: BTreeMap::new(),
            lost_at: BTreeMap::new(),
        }
    }

    fn begin(&mut self, client: ClientNo, now: Duration) {
        if let Some((at, _)) = self.lost_at.get_mut(&client) {
            *at = (*at).min(now);
        }
    }

    fn begin_for_all(&mut self, now: Duration) {
        for (at, _) in self.lost_at.values_mut() {
            *at = (*at).min(now);
        }
    }

    /// Its page is loaded again.
    fn begin_held(&mut self, client: ClientNo, now: Duration) {
        // One that was gone already is held as it was; who was never welcomed has nothing to come back to.
        if let Some((at, window)) = self.lost_at.get_mut(&client) {
            (*at, *window) = ((*at).min(now), (*window).min(HOLD));
        }
    }

    /// A client is welcomed. Whether it must have its session again.
    fn end(&mut self, client: ClientNo, peer: PeerId, now: Duration) -> bool {
        let former = self.lost_at.insert(client, (Duration::MAX, self.window));
        let in_time = former.is_some_and(|(at, window)| at.saturating_add(window) > now + SLACK);
        // Whom nobody else shares a room with, only his own node remembers: no other can let him in.
        let former = self.peers.insert(client, peer);
        let is_remembered = former.is_none_or(|peer| !self.memory.is_unknown(&peer, now));
        !self.excused && is_remembered && in_time
    }
}

/// Where Redis forgot and a node died, nobody may be left who remembers.
fn is_excused(trace: &Trace) -> bool {
    let forgot =
        |what: &What| matches!(what, What::Weather(Weather::Forgot | Weather::WentBack(_)));
    let died = |what: &What| {
        matches!(
            what,
            What::Node {
                fate: Fate::Killed | Fate::Stopped(_),
                ..
            }
        )
    };
    let any = |such: &dyn Fn(&What) -> bool| trace.events.iter().any(|event| such(&event.what));
    any(&forgot) && any(&died)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariants::telling::Tale;

    #[test]
    fn a_session_is_lost_only_past_its_window() {
        let judge = |wait| {
            let mut tale = Tale::of_two();
            tale.loses_connection(0);
            tale.wait(wait);
            tale.is_welcomed_anew(0);
            tale.judge(check).len()
        };
        assert_eq!(judge(5), 1);
        assert_eq!(judge(60), 0);
    }

    #[test]
    fn whom_only_a_node_remembers_that_cannot_say_so_is_forgotten_with_the_rest() {
        let node = |node, fate| What::Node { node, fate };
        let forgot = || What::Weather(Weather::Forgot);
        let judge = |seconds, what: Vec<What>| {
            let mut tale = Tale::of_two();
            what.into_iter().for_each(|what| tale.note(what));
            tale.loses_connection(0);
            tale.wait(seconds);
            tale.is_welcomed_anew(0);
            tale.judge(check).len()
        };
        let frozen = |no| vec![forgot(), node(no, Fate::Frozen)];
        assert_eq!(judge(5, frozen(0)), 0);
        assert_eq!(judge(5, vec![node(0, Fate::CutOff), forgot()]), 0);
        assert_eq!(judge(3, frozen(0)), 1, "a lease is waited for it");
        assert_eq!(judge(5, vec![node(0, Fate::Frozen)]), 1, "nobody forgot");
        assert_eq!(judge(5, frozen(1)), 1, "another's");
        let in_time = vec![node(0, Fate::Frozen), node(0, Fate::Awake), forgot()];
        assert_eq!(judge(5, in_time), 1, "it could say so");
    }

    #[test]
    fn who_was_never_welcomed_has_nothing_to_come_back_to() {
        let mut tale = Tale::of_two();
        tale.forget_all();
        tale.goes(0, Leaving::Reloaded);
        tale.is_welcomed_anew(0);
        assert_eq!(tale.judge(check), [""; 0]);
    }

    #[test]
    fn nobody_is_sent_away() {
        let mut tale = Tale::of_two();
        tale.is_superseded(0);
        tale.goes(0, Leaving::SentAway(SUPERSEDED));
        assert_eq!(tale.judge(check).len(), 1);
        tale.is_robbed(0);
        assert_eq!(tale.judge(check), [""; 0]);
    }
}
