//! A client that comes back within its window has its session again, whatever happened to the node it was on; and nobody is
//! sent away but for a newer connection, his own or of one who has a secret that is still good.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Duration;

use super::story::Story;
use super::thefts::{self, SUPERSEDED};
use crate::trace::{ClientNo, ConnectionNo, Fate, Leaving, Trace, Weather, What};

/// What lies between a client's clock and the gateway's.
const SLACK: Duration = Duration::from_secs(2);
/// A page that is loaded again is held for so long.
const HOLD: Duration = Duration::from_secs(5);

pub(super) fn check(trace: &Trace, _: &Story) -> Vec<String> {
    let mut found = Vec::new();
    let mut lost_at: BTreeMap<ClientNo, (Duration, Duration)> = BTreeMap::new();
    let mut closed: BTreeMap<ClientNo, ConnectionNo> = BTreeMap::new();
    let excused = is_excused(trace);
    for event in &trace.events {
        match &event.what {
            What::Welcomed {
                client, resumed, ..
            } => {
                let former = lost_at.insert(*client, (Duration::MAX, trace.rules.window));
                let in_time =
                    former.is_some_and(|(at, window)| at.saturating_add(window) > event.at + SLACK);
                if !resumed && !excused && in_time {
                    found.push(format!(
                        "client {client} came back at {:?}, within its window, and was not let in",
                        event.at
                    ));
                }
            }
            What::Cut { .. } => {
                // Whose it is shows when he notices; from here on his window may run.
                for (at, _) in lost_at.values_mut() {
                    *at = (*at).min(event.at);
                }
            }
            What::Closed {
                client, connection, ..
            } => {
                closed.insert(*client, *connection);
                if let Some((at, _)) = lost_at.get_mut(client) {
                    *at = (*at).min(event.at);
                }
            }
            What::Rests { client, .. } => {
                if let Some((at, _)) = lost_at.get_mut(client) {
                    *at = (*at).min(event.at);
                }
            }
            What::Node { .. } => {
                for (at, _) in lost_at.values_mut() {
                    *at = (*at).min(event.at);
                }
            }
            What::Gone {
                client,
                how: Leaving::Reloaded,
            } => {
                // One that was gone already is held as it was; who was never welcomed has nothing to come back to.
                if let Some((at, window)) = lost_at.get_mut(client) {
                    (*at, *window) = ((*at).min(event.at), (*window).min(HOLD));
                }
            }
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

/// Where Redis forgot and a node died, nobody may be left who remembers. One that is frozen or cut off for a lease counts as
/// dead: rooms open again without what it alone knew.
fn is_excused(trace: &Trace) -> bool {
    let mut opens = opens_again(trace).into_iter();
    if opens.any(|at| somebody_is_out(trace, at)) {
        return true;
    }
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

/// When everybody must have written what Redis forgot.
fn opens_again(trace: &Trace) -> Vec<Duration> {
    let mut has_forgotten = false;
    let mut opens = Vec::new();
    for event in &trace.events {
        let What::Weather(weather) = &event.what else {
            continue;
        };
        has_forgotten |= matches!(weather, Weather::Forgot | Weather::WentBack(_));
        if has_forgotten {
            opens.push(event.at + trace.rules.lease);
        }
    }
    opens
}

/// Whether a node is frozen or cut off at that time.
fn somebody_is_out(trace: &Trace, at: Duration) -> bool {
    let mut out = BTreeSet::new();
    for event in trace.events.iter().take_while(|event| event.at <= at) {
        if let What::Node { node, fate } = &event.what {
            match fate {
                Fate::Frozen | Fate::CutOff => drop(out.insert(*node)),
                Fate::Awake | Fate::Mended => drop(out.remove(node)),
                _ => {}
            }
        }
    }
    !out.is_empty()
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
    fn a_node_that_was_out_when_redis_forgot_may_have_been_the_only_one_to_know() {
        let judge = |lease_seconds| {
            let mut tale = Tale::of_two();
            tale.note(What::Weather(Weather::Forgot));
            let (node, fate) = (0, Fate::Frozen);
            tale.note(What::Node { node, fate });
            tale.wait(lease_seconds);
            let fate = Fate::Awake;
            tale.note(What::Node { node, fate });
            tale.loses_connection(0);
            tale.wait(5);
            tale.is_welcomed_anew(0);
            tale.judge(check).len()
        };
        assert_eq!(judge(1), 1);
        assert_eq!(judge(10), 0);
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
