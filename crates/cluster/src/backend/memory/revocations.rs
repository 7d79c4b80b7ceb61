//! The log of revocations: the rules of the scripts in `redis/scripts/revocation_*.lua`, in Rust.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use switchboard_protocol::UserId;

use super::Store;
use crate::backend::directory::{
    CutOff, DirectoryError, LostEntries, NewRevocation, REVOCATIONS_MAX, Restored,
    RevocationDirectory,
};
use crate::backend::revocation::{LogPage, LogPosition, Revocation};

/// The log, and the cut-offs of users.
#[derive(Clone, Default)]
pub(super) struct Revocations {
    /// By number: a later one is higher.
    log: Vec<(u64, Revocation)>,
    /// When each may be forgotten, and before when the user's tokens are worth nothing.
    cut_offs: HashMap<UserId, (u64, u64)>,
}

impl Revocations {
    /// Before this, the user's tokens are worth nothing.
    pub(super) fn cut_off_of(&self, user: &UserId) -> Option<u64> {
        let (until, before) = self.cut_offs.get(user)?;
        (*until > unix_s()).then_some(*before)
    }

    fn last(&self) -> u64 {
        self.log.last().map_or(0, |(number, _)| *number)
    }

    fn add(&mut self, entry: Revocation) {
        // Numbers rise by the clock, as they do in Redis: a log that starts again goes on above what was read before.
        let number = unix_us().max(self.last() + 1);
        self.log.push((number, entry));
    }

    fn revoke(&mut self, new: &NewRevocation) -> Option<Revocation> {
        let now = unix_s();
        let in_force = self.log.iter().position(|(_, entry)| entry.until > now);
        self.log.drain(..in_force.unwrap_or(self.log.len()));
        if self.log.len() >= new.request.entries_max() {
            return None;
        }
        let entry = Revocation {
            revoked: new.request.at(now),
            until: now + new.kept_s,
        };
        self.add(entry.clone());
        Some(entry)
    }

    fn cut_off(&mut self, cut_off: &CutOff) {
        let now = unix_s();
        self.cut_offs.retain(|_, (until, _)| *until > now);
        let known = self.cut_off_of(&cut_off.user).unwrap_or(0);
        let counts = (now + cut_off.kept_s, cut_off.before.max(known));
        self.cut_offs.insert(cut_off.user.clone(), counts);
    }

    fn restore(&mut self, lost: &LostEntries) -> Restored {
        if self.last() != number_of(&lost.read) {
            return Restored::Behind;
        }
        if self.log.len() + lost.entries.len() > REVOCATIONS_MAX {
            return Restored::Full;
        }
        for entry in &lost.entries {
            self.add(entry.clone());
        }
        Restored::Done(LogPosition(self.last().to_string()))
    }

    fn after(&self, position: &LogPosition) -> LogPage {
        let read = number_of(position);
        let has_it = self.log.iter().any(|(number, _)| *number == read);
        let from_start = read != 0 && !has_it;
        let from = if from_start { 0 } else { read };
        let at = self.log.partition_point(|(number, _)| *number <= from);
        let new = &self.log[at..];
        let position = match new.last() {
            Some((number, _)) => LogPosition(number.to_string()),
            None if from_start => LogPosition::default(),
            None => position.clone(),
        };
        LogPage {
            entries: new.iter().map(|(_, entry)| entry.clone()).collect(),
            position,
            from_start,
            more: false,
            now: unix_s(),
        }
    }
}

#[async_trait]
impl RevocationDirectory for Store {
    async fn revoke(&self, new: &NewRevocation) -> Result<Option<Revocation>, DirectoryError> {
        Ok(self.revocations.lock().revoke(new))
    }

    async fn cut_off(&self, cut_off: &CutOff) -> Result<(), DirectoryError> {
        self.revocations.lock().cut_off(cut_off);
        Ok(())
    }

    async fn restore_log(&self, lost: &LostEntries) -> Result<Restored, DirectoryError> {
        Ok(self.revocations.lock().restore(lost))
    }

    async fn log_after(&self, position: &LogPosition) -> Result<LogPage, DirectoryError> {
        Ok(self.revocations.lock().after(position))
    }
}

fn number_of(position: &LogPosition) -> u64 {
    position.0.parse().unwrap_or(0)
}

fn unix_s() -> u64 {
    unix_us() / 1_000_000
}

fn unix_us() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
