//! What became of all signals of a run.

use std::collections::BTreeMap;
use std::time::Duration;

use switchboard_client::{Outcome, RequestError};
use switchboard_protocol::server_message::Reason;

use crate::caller::{Answers, Got};

/// The sums over all clients.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// Signals that a client took from its application.
    pub sent: u64,
    /// Of those, the ones of which the sender was told that they were delivered.
    pub delivered: u64,
    /// Told as delivered, and the receiver never got it; or never told at all.
    pub lost: u64,
    /// Told as certainly not delivered, and the receiver got it all the same.
    pub untrue: u64,
    /// Got a second time.
    pub repeated: u64,
    /// Got after a later one.
    pub out_of_order: u64,
    /// Told as undelivered, or refused, by reason.
    pub undelivered: BTreeMap<String, u64>,
    /// Longest time between two signals of one stream.
    pub longest_gap: Duration,
    /// Connections that clients lost.
    pub dropped: u64,
    /// For each client, connections that it made beyond the first; sorted.
    pub reconnects: Vec<u64>,
    /// How often a client saw its partner away.
    pub away_seen: u64,
    /// Clients that were listed, to others or to somebody new at the end, otherwise than they entered: without their name or
    /// state.
    pub misreported: u64,
    /// Clients that do not have the session that they had, or saw the other's leave.
    pub sessions_lost: u64,
}

impl Account {
    /// Enters one stream: the answers to its sender, and what its receiver got.
    pub(crate) fn enter(&mut self, answers: &Answers, got: &Got) {
        self.sent += answers.len() as u64;
        for (n, answer) in (1..).zip(answers) {
            let arrived = got.numbers.contains(&n);
            match answer {
                None => self.lost += 1,
                Some(Ok(Outcome::Delivered)) => {
                    self.delivered += 1;
                    self.lost += u64::from(!arrived);
                }
                Some(Ok(Outcome::Undelivered(reason))) => {
                    self.untrue += u64::from(arrived && *reason != Reason::Unconfirmed);
                    self.count_undelivered(word(*reason));
                }
                Some(Err(error)) => {
                    self.untrue += u64::from(arrived);
                    self.count_undelivered(refusal(error));
                }
            }
        }
        self.repeated += got.repeated;
        self.out_of_order += got.out_of_order;
        self.longest_gap = self.longest_gap.max(got.longest_gap);
        self.dropped += got.dropped;
        self.away_seen += got.away_seen;
        self.misreported += got.misreported;
        self.sessions_lost += u64::from(got.session_lost);
    }

    /// Enters a client that connected so often.
    pub(crate) fn enter_client(&mut self, connections: u64) {
        self.reconnects.push(connections.saturating_sub(1));
        self.reconnects.sort_unstable();
    }

    /// Connections beyond the first of a client in the middle, and of the one that needed most.
    pub fn reconnects(&self) -> (u64, u64) {
        let median = self.reconnects.get(self.reconnects.len() / 2);
        let most = self.reconnects.last();
        (
            median.copied().unwrap_or_default(),
            most.copied().unwrap_or_default(),
        )
    }

    /// What should not be, whatever happened meanwhile, each in a sentence.
    pub fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        for (count, words) in [
            (self.lost, "signals were lost"),
            (self.untrue, "signals arrived that were told as undelivered"),
            (self.repeated, "signals came twice"),
            (self.out_of_order, "signals came out of order"),
            (self.sessions_lost, "clients lost their session"),
            (
                self.misreported,
                "clients were listed without their name or state",
            ),
        ] {
            if count > 0 {
                complaints.push(format!("{count} {words}"));
            }
        }
        if self.delivered == 0 {
            complaints.push("nothing was delivered at all".into());
        }
        complaints
    }

    fn count_undelivered(&mut self, reason: String) {
        *self.undelivered.entry(reason).or_default() += 1;
    }
}

/// As on the wire.
fn word(reason: Reason) -> String {
    let word = serde_json::to_value(reason).ok();
    let word = word.as_ref().and_then(|word| word.as_str());
    word.expect("a reason is a word").to_owned()
}

fn refusal(error: &RequestError) -> String {
    match error {
        RequestError::Refused { code, .. } => format!("refused {}", code.as_str()),
        other => format!("not sent ({other})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(told: &[Option<Outcome>], got: &[u64]) -> Account {
        let told = told.iter().map(|told| told.map(Ok)).collect();
        let got = Got {
            numbers: got.iter().copied().collect(),
            ..Got::default()
        };
        let mut account = Account::default();
        account.enter(&told, &got);
        account
    }

    #[test]
    fn what_was_told_as_delivered_and_never_came_is_lost() {
        let account = stream(&[Some(Outcome::Delivered); 3], &[1, 3]);
        assert_eq!((account.sent, account.delivered, account.lost), (3, 3, 1));
        assert_eq!(account.complaints(), ["1 signals were lost"]);
    }

    #[test]
    fn what_was_never_told_is_lost() {
        let account = stream(&[Some(Outcome::Delivered), None], &[1, 2]);
        assert_eq!((account.delivered, account.lost), (1, 1));
    }

    #[test]
    fn only_the_unconfirmed_may_have_arrived() {
        let undelivered = [Reason::Expired, Reason::Unconfirmed];
        let undelivered = undelivered.map(|reason| Some(Outcome::Undelivered(reason)));
        let account = stream(&undelivered, &[1, 2]);
        assert_eq!(account.untrue, 1);
        let reasons: Vec<_> = account.undelivered.into_iter().collect();
        assert_eq!(reasons, [("expired".into(), 1), ("unconfirmed".into(), 1)]);
    }
}
