//! What joins may cost. A session that enters a room is told who is in it, and a node with no member there yet reads that from the
//! directory first: a room of a thousand with large profiles has six megabytes. So joins are weighed by the rosters that they
//! make this node read and tell, for each session and for the node.

use switchboard_protocol::Member;
use tokio::time::{Duration, Instant};

use crate::backend::record::{MemberRecord, Profile};

/// Bytes that may be spent at a rate, and after a pause as many as have gathered. What costs more than there is passes, and
/// delays the next.
#[derive(Debug)]
pub(crate) struct Allowance {
    rate: &'static Rate,
    /// When all is there again, if nothing more is spent.
    full_at: Instant,
}

#[derive(Debug)]
struct Rate {
    bytes_per_second: f64,
    /// Bytes.
    burst: f64,
}

/// What one session's joins may have listed to it: a room as large as rooms may be, with usual profiles, every two seconds.
static OF_SESSION: Rate = Rate {
    bytes_per_second: 256.0 * 1024.0,
    burst: 4.0 * 1024.0 * 1024.0,
};

/// What this node may read for joins: at once, the rooms of ten thousand clients who come back together.
static OF_NODE: Rate = Rate {
    bytes_per_second: 16.0 * 1024.0 * 1024.0,
    burst: 64.0 * 1024.0 * 1024.0,
};

impl Allowance {
    /// See [`OF_SESSION`].
    pub(crate) fn of_session() -> Self {
        Self::new(&OF_SESSION)
    }

    fn new(rate: &'static Rate) -> Self {
        Self {
            rate,
            full_at: Instant::now(),
        }
    }

    /// How long until there is something left; `None`: there is.
    pub(crate) fn pause(&self, now: Instant) -> Option<Duration> {
        let missing = self.full_at.saturating_duration_since(now);
        let most = Duration::from_secs_f64(self.rate.burst / self.rate.bytes_per_second);
        missing.checked_sub(most).filter(|over| !over.is_zero())
    }

    pub(crate) fn spend(&mut self, bytes: usize, now: Instant) {
        self.full_at = self.full_at.max(now) + self.time_of(bytes);
    }

    fn give_back(&mut self, bytes: usize) {
        let back = self.time_of(bytes);
        self.full_at = self.full_at.checked_sub(back).unwrap_or(self.full_at);
    }

    fn time_of(&self, bytes: usize) -> Duration {
        Duration::from_secs_f64(bytes as f64 / self.rate.bytes_per_second)
    }
}

/// What this node reads of whole rooms for joins. Each counts when it begins, as much as rosters had of late, and when its
/// size is known that is put right: many that begin together do not all pass for one.
#[derive(Debug)]
pub(crate) struct Reads {
    allowance: Allowance,
    usual: usize,
}

impl Default for Reads {
    fn default() -> Self {
        Self {
            allowance: Allowance::new(&OF_NODE),
            usual: 0,
        }
    }
}

impl Reads {
    /// What it counts for meanwhile; or how long until one may begin.
    pub(crate) fn begin(&mut self, now: Instant) -> Result<usize, Duration> {
        if let Some(pause) = self.allowance.pause(now) {
            return Err(pause);
        }
        self.allowance.spend(self.usual, now);
        Ok(self.usual)
    }

    /// One that counted for so much has read so much; `None`: it got no roster, which says nothing of those that others get.
    pub(crate) fn end(&mut self, counted: usize, bytes: Option<usize>, now: Instant) {
        self.allowance.give_back(counted);
        if let Some(bytes) = bytes {
            self.allowance.spend(bytes, now);
            self.usual = (self.usual * 7 + bytes) / 8;
        }
    }
}

/// What a record has in the directory, roughly.
pub(crate) fn record_bytes(member: &MemberRecord) -> usize {
    MEMBER_BYTES + member.user.as_str().len() + profile_bytes(&member.profile)
}

/// What a member has in a list, roughly.
pub(crate) fn member_bytes(member: &Member) -> usize {
    let texts = [&member.name, &member.avatar].into_iter().flatten();
    let texts: usize = texts.map(|text| text.len()).sum();
    MEMBER_BYTES + member.user.as_str().len() + texts + member.state.as_json().len()
}

fn profile_bytes(profile: &Profile) -> usize {
    let texts = [&profile.name, &profile.avatar].into_iter().flatten();
    let texts: usize = texts.map(|text| text.len()).sum();
    texts + profile.state.as_json().len()
}

/// Ids, numbers and flags.
const MEMBER_BYTES: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_costs_more_than_there_is_passes_and_delays_the_next() {
        static RATE: Rate = Rate {
            bytes_per_second: 1000.0,
            burst: 4000.0,
        };
        let mut allowance = Allowance::new(&RATE);
        assert_eq!(allowance.pause(Instant::now()), None);
        allowance.spend(7000, Instant::now());
        let pause = allowance.pause(Instant::now()).expect("it is overdrawn");
        assert_eq!(pause, Duration::from_secs(3));
        tokio::time::advance(pause).await;
        assert_eq!(allowance.pause(Instant::now()), None);
        tokio::time::advance(Duration::from_secs(60)).await;
        allowance.spend(4000, Instant::now());
        assert_eq!(allowance.pause(Instant::now()), None);
        allowance.spend(1, Instant::now());
        assert!(allowance.pause(Instant::now()).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn large_rosters_that_are_read_at_the_same_time_do_not_all_pass_for_one() {
        const LARGE: usize = 1 << 20;
        let mut reads = Reads::default();
        for _ in 0..32 {
            let counted = reads.begin(Instant::now()).expect("there is enough");
            reads.end(counted, Some(LARGE), Instant::now());
        }
        // Joins that are not let in read nothing.
        for _ in 0..100 {
            let counted = reads.begin(Instant::now()).expect("there is enough");
            reads.end(counted, None, Instant::now());
        }
        let begun = (0..1000).take_while(|_| reads.begin(Instant::now()).is_ok());
        assert!(begun.count() < 40);
    }

    #[tokio::test(start_paused = true)]
    async fn many_small_rooms_are_read_at_once() {
        let mut reads = Reads::default();
        let begun: Vec<_> = (0..10_000)
            .map_while(|_| reads.begin(Instant::now()).ok())
            .collect();
        assert_eq!(begun.len(), 10_000);
        for counted in begun {
            reads.end(counted, Some(4096), Instant::now());
        }
        assert!(reads.begin(Instant::now()).is_ok());
    }
}
