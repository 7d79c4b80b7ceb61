//! Tokens that were refused: when one of them is looked at again, and how many an address may try.
//!
//! Two rules, and neither lets one client lock out another (ADR 0008):
//!
//! - The same token again, as from a client that reconnects for ever with one that has run out: from the third time on it is
//!   refused unseen for a second, then two, then four, up to a minute. Only that token.
//! - Other tokens each time: of one address, so many a second may turn out to be forged. Beyond that its tokens are not looked
//!   at for a while. A token counts once, however often it comes, and not if an issuer has signed it: a crowd whose tokens
//!   have run out counts for nothing.

use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use switchboard_auth::AuthError;
use switchboard_protocol::limits::TOKEN_BYTES_MAX;
use switchboard_session::Rule;

use crate::rate_by::RateBy;
use crate::recent::Recent;
use crate::source::Source;

/// Times that a token is looked at without delay. A client may have got a new one that is the old one, and try once more.
const FREE: u32 = 2;
const DELAY_MAX: Duration = Duration::from_secs(60);
/// A token that nobody has tried for so long has no delay any more; longer than any delay.
const KEPT_FOR: Duration = Duration::from_secs(300);
/// Of so many at most it is known that they were refused.
const KEPT: usize = 65_536;

/// Tokens that were refused.
pub(super) struct WrongTokens {
    /// Tokens are known by a hash with a key of this process: nobody can make another token that is taken for one of them.
    hasher: RandomState,
    refused: Mutex<Recent<u64, Again>>,
    addresses: RateBy<Source>,
}

#[derive(Debug)]
struct Again {
    times: u32,
    at: Instant,
    /// It counts for an address already.
    is_charged: bool,
}

impl WrongTokens {
    pub(super) fn new(per_second_per_address: Option<NonZeroU32>, now: Instant) -> Self {
        Self {
            hasher: RandomState::new(),
            refused: Mutex::new(Recent::new(KEPT, KEPT_FOR, now)),
            addresses: RateBy::new(per_second_per_address, now),
        }
    }

    /// Whether the token may be looked at, or else by which rule not, and when.
    pub(super) fn may_look(
        &self,
        token: &str,
        source: Source,
        now: Instant,
    ) -> Result<(), (Rule, Duration)> {
        if let Some(token) = self.known_as(token)
            && let Some(again) = self.refused.lock().get(token, now)
            && again.at > now
        {
            return Err((Rule::RepeatedToken, again.at - now));
        }
        let looked = self.addresses.may_take(source, now);
        looked.map_err(|pause| (Rule::WrongTokensPerSecondPerAddress, pause))
    }

    /// The token was looked at and refused for good. Of one that its issuer has signed, only that it came is counted.
    pub(super) fn note(&self, token: &str, why: &AuthError, source: Source, now: Instant) {
        if !is_signed(why) {
            self.charge(token, source, now);
        }
        self.with(token, now, |again| {
            again.times = again.times.saturating_add(1);
            if let Some(doublings) = again.times.checked_sub(FREE + 1) {
                let delay = Duration::from_secs(1) * 2_u32.saturating_pow(doublings);
                again.at = now + delay.min(DELAY_MAX);
            }
        });
    }

    /// Counts the token for the address it comes from: the first time that it comes.
    pub(super) fn charge(&self, token: &str, source: Source, now: Instant) {
        let charged = self.with(token, now, |again| {
            std::mem::replace(&mut again.is_charged, true)
        });
        if charged != Some(true) {
            let _ = self.addresses.take(source, now);
        }
    }

    /// `None`: nothing is kept of that token.
    fn with<T>(&self, token: &str, now: Instant, note: impl FnOnce(&mut Again) -> T) -> Option<T> {
        let token = self.known_as(token)?;
        let new = || Again {
            times: 0,
            at: now,
            is_charged: false,
        };
        let mut refused = self.refused.lock();
        Some(note(refused.get_or_insert_with(token, now, new)))
    }

    /// `None`: it is too long to be looked at, and refused for that.
    fn known_as(&self, token: &str) -> Option<u64> {
        (token.len() <= TOKEN_BYTES_MAX).then(|| self.hasher.hash_one(token))
    }
}

/// Whether an issuer has made the token, so that it is no guess.
fn is_signed(why: &AuthError) -> bool {
    matches!(
        why,
        AuthError::Expired | AuthError::NotYetValid { .. } | AuthError::Revoked
    )
}

/// What a client is told.
pub(super) fn words(rule: Rule) -> &'static str {
    match rule {
        Rule::RepeatedToken => "this token was refused before: get a new one",
        _ => "too many wrong tokens from this address (limits.wrong_tokens_per_second_per_address)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(last: u8) -> Source {
        Source::of([192, 0, 2, last].into())
    }

    fn wrong(per_second: u32, now: Instant) -> WrongTokens {
        WrongTokens::new(NonZeroU32::new(per_second), now)
    }

    #[test]
    fn the_delay_of_a_token_doubles_up_to_a_minute_and_is_forgotten() {
        let mut now = Instant::now();
        let wrong = wrong(20, now);
        let mut delays = Vec::new();
        for _ in 0..11 {
            assert_eq!(wrong.may_look("old", source(1), now), Ok(()));
            wrong.note("old", &AuthError::Expired, source(1), now);
            let delay = match wrong.may_look("old", source(1), now) {
                Ok(()) => Duration::ZERO,
                Err((rule, delay)) => {
                    assert_eq!(rule, Rule::RepeatedToken);
                    delay
                }
            };
            delays.push(delay.as_secs());
            now += delay;
        }
        assert_eq!(delays, [0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
        wrong.note("old", &AuthError::Expired, source(1), now);
        now += 2 * KEPT_FOR;
        wrong.note("old", &AuthError::Expired, source(1), now);
        assert_eq!(
            wrong.may_look("old", source(1), now),
            Ok(()),
            "as for the first time"
        );
    }

    fn rule(
        wrong: &WrongTokens,
        token: &str,
        last: u8,
        now: Instant,
    ) -> Result<(), (Rule, Duration)> {
        wrong.may_look(token, source(last), now)
    }

    #[test]
    fn a_token_that_is_refused_delays_no_other_of_its_address() {
        let now = Instant::now();
        let wrong = wrong(1, now);
        for _ in 0..20 {
            wrong.note("forged", &AuthError::BadSignature, source(1), now);
        }
        for last in [1, 2] {
            let refused = rule(&wrong, "forged", last, now).map_err(|(rule, _)| rule);
            assert_eq!(
                refused,
                Err(Rule::RepeatedToken),
                "wherever it comes from: {last}"
            );
        }
        assert_eq!(rule(&wrong, "of a neighbour", 1, now), Ok(()));
    }

    #[test]
    fn a_crowd_whose_tokens_have_run_out_costs_its_neighbours_nothing() {
        let mut now = Instant::now();
        let wrong = wrong(1, now);
        let signed = [
            AuthError::Expired,
            AuthError::NotYetValid { claim: "nbf" },
            AuthError::Revoked,
        ];
        for _ in 0..10 {
            for client in 0..1000 {
                let why = &signed[client % signed.len()];
                wrong.note(&client.to_string(), why, source(1), now);
            }
            assert_eq!(rule(&wrong, "good", 1, now), Ok(()));
            now += Duration::from_secs(1);
        }
    }

    #[test]
    fn a_token_that_may_become_good_counts_once_and_is_not_delayed() {
        let now = Instant::now();
        let wrong = wrong(1, now);
        for _ in 0..20 {
            wrong.charge("of a new key", source(1), now);
        }
        assert_eq!(rule(&wrong, "of a new key", 1, now), Ok(()));
        for token in 0..9 {
            wrong.charge(&token.to_string(), source(1), now);
        }
        assert!(rule(&wrong, "of a new key", 1, now).is_err());
    }

    #[test]
    fn an_address_that_tries_one_token_after_another_is_not_listened_to_for_a_while() {
        let mut now = Instant::now();
        let wrong = wrong(5, now);
        let look = |token: &str, last, now| {
            let looked = wrong.may_look(token, source(last), now);
            looked.map_err(|(rule, pause)| (rule, pause.as_millis()))
        };
        for token in 0..50 {
            let token = token.to_string();
            assert_eq!(look(&token, 1, now), Ok(()));
            wrong.note(&token, &AuthError::BadSignature, source(1), now);
        }
        let rule = Rule::WrongTokensPerSecondPerAddress;
        for _ in 0..1000 {
            let refused = look("good", 1, now);
            assert_eq!(refused, Err((rule, 1000)), "nobody waits for another");
        }
        assert_eq!(look("good", 2, now), Ok(()));
        now += Duration::from_millis(200);
        assert_eq!(look("good", 1, now), Ok(()), "one more may be wrong");
        assert_eq!(look("good", 1, now), Ok(()), "good ones count for nothing");
    }

    #[test]
    fn a_token_that_is_too_long_is_not_kept() {
        let now = Instant::now();
        let wrong = wrong(20, now);
        let long = "x".repeat(TOKEN_BYTES_MAX + 1);
        for _ in 0..5 {
            wrong.note(
                &long,
                &AuthError::TooLong {
                    bytes_max: TOKEN_BYTES_MAX,
                },
                source(1),
                now,
            );
        }
        assert_eq!(wrong.may_look(&long, source(1), now), Ok(()));
    }
}
