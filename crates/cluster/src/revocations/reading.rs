//! Reads the log, each second what is new, and from its start after it may have lost something.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::{Duration, MissedTickBehavior, interval};

use super::ReadLog;
use crate::backend::directory::{DirectoryError, LostEntries, REVOCATIONS_MAX};
use crate::backend::revocation::LogPosition;
use crate::node::Inner;

/// What was written is known to every node after this.
const PERIOD: Duration = Duration::from_secs(1);

impl Inner {
    /// Reads until the node stops.
    pub(crate) async fn read_revocations_always(self: Arc<Self>) {
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = self.tasks.stopped() => return,
                _ = ticks.tick() => {}
            }
            // Where the directory does not answer, that is counted and said already, and no client is let in.
            if let Ok(true) = self.read_revocations().await {
                self.end_revoked();
            }
        }
    }

    /// Reads what is new. True: there was something.
    pub(crate) async fn read_revocations(&self) -> Result<bool, DirectoryError> {
        let mut read = self.revocations.read.lock().await;
        let read = &mut *read;
        let doubts = *self.backend.doubts.borrow();
        if read.doubts != doubts {
            read.position = LogPosition::default();
        }
        let mut is_pass = read.position == LogPosition::default();
        read.pass += u64::from(is_pass);
        let mut is_news = false;
        loop {
            let page = self.backend.directory.log_after(&read.position).await?;
            if page.from_start && !is_pass {
                is_pass = true;
                read.pass += 1;
            }
            let mut known = self.revocations.known.lock();
            for entry in &page.entries {
                is_news |= known.note(entry, read.pass);
            }
            drop(known);
            read.position = page.position;
            if !page.more {
                break;
            }
        }
        read.doubts = doubts;
        self.revocations.known.lock().forget_old(unix_s());
        if is_pass {
            self.restore_log(read).await?;
        }
        Ok(is_news)
    }

    /// The log was read from its start: what it does not have, it has lost.
    async fn restore_log(&self, read: &mut ReadLog) -> Result<(), DirectoryError> {
        let (entries, known) = {
            let known = self.revocations.known.lock();
            (known.missing_in(read.pass), known.len())
        };
        let is_full = known - entries.len() >= REVOCATIONS_MAX;
        if entries.is_empty() || is_full {
            return Ok(());
        }
        let lost = LostEntries {
            read: std::mem::take(&mut read.position),
            entries,
        };
        // Whatever becomes of it, the log is read from its start once more: to see these, or those of another node.
        if self.backend.directory.restore_log(&lost).await? {
            let count = lost.entries.len();
            if let Some(said) = self.revocations.warnings.restored.happened() {
                tracing::warn!(
                    count,
                    "Redis had lost revocations, and this node wrote them again{said}"
                );
            }
        }
        Ok(())
    }
}

/// Seconds since 1970, by the clock of this machine.
pub(super) fn unix_s() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    since.as_secs()
}
