//! Reads the log, each second what is new, and from its start after it may have lost something.

use std::sync::Arc;

use tokio::time::{Duration, sleep, timeout};

use crate::backend::directory::{DirectoryError, LostEntries, RESTORED_AT_ONCE, Restored};
use crate::backend::revocation::LogPosition;
use crate::node::Inner;
use crate::revocations::read_log::ReadLog;

/// What was written is known to every node after this.
const PERIOD: Duration = Duration::from_secs(1);
/// However often there is news, so long passes between two looks at all sessions.
const PAUSE: Duration = Duration::from_millis(100);

impl Inner {
    /// Reads until the node stops.
    pub(crate) async fn read_revocations_always(self: Arc<Self>) {
        let stop = self.tasks.child_stop();
        let reading = async {
            loop {
                // Where the directory does not answer, that is counted and said already, and it is read the next time.
                let _ = self.read_revocations().await;
                if std::mem::take(&mut self.revocations.read.lock().await.is_news) {
                    self.end_revoked();
                }
                sleep(PAUSE).await;
                let _ = timeout(PERIOD - PAUSE, self.revocations.news.notified()).await;
            }
        };
        stop.run_until_cancelled(reading).await;
    }

    /// Reads what is new, to the end of the log.
    pub(crate) async fn read_revocations(&self) -> Result<(), DirectoryError> {
        let mut read = self.revocations.read.lock().await;
        let read = &mut *read;
        let doubts = *self.backend.doubts.borrow();
        if read.doubts != doubts || read.position == LogPosition::default() {
            read.position = LogPosition::default();
            read.begin_pass();
        }
        loop {
            let page = self.backend.directory.log_after(&read.position).await?;
            if page.from_start {
                read.begin_pass();
            }
            let mut known = self.revocations.known.lock();
            for entry in &page.entries {
                read.is_news |= known.note(entry, read.pass);
            }
            known.read_at(page.now);
            read.position = page.position;
            if !page.more {
                if read.is_in_pass {
                    known.forget_old();
                }
                break;
            }
        }
        read.doubts = doubts;
        if read.is_in_pass {
            self.restore_log(read).await?;
        }
        Ok(())
    }

    /// The log was read from its start: what it does not have, it has lost.
    async fn restore_log(&self, read: &mut ReadLog) -> Result<(), DirectoryError> {
        let missing = self.revocations.known.lock().missing_in(read.pass);
        let mut count = 0;
        for entries in missing.chunks(RESTORED_AT_ONCE) {
            let lost = LostEntries {
                read: read.position.clone(),
                entries: entries.to_vec(),
            };
            match self.backend.directory.restore_log(&lost).await? {
                Restored::Done(position) => read.position = position,
                // Another node writes them: the log is read from its start once more.
                Restored::Behind => {
                    read.position = LogPosition::default();
                    break;
                }
                Restored::Full => break,
            }
            count += entries.len();
            let mut known = self.revocations.known.lock();
            for entry in entries {
                known.note(entry, read.pass);
            }
        }
        read.is_in_pass = false;
        if count > 0
            && let Some(said) = self.revocations.warnings.restored.happened()
        {
            tracing::warn!(
                count,
                "Redis had lost revocations, and this node wrote them again{said}"
            );
        }
        Ok(())
    }
}
