//! Whether what was written may be lost: the connection for commands, watched for signs that it leads to another memory
//! than before.

use std::sync::Arc;

use fred::clients::Client;
use fred::interfaces::{ClientLike, ClusterInterface, EventInterface};
use fred::types::InfoKind;
use fred::types::config::Server;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::capable::try_scripts;
use super::connection::Tended;
use super::keys::Keys;
use super::signs::{asking, masters};
use super::trouble::Trouble;
use crate::observe::repeated::Repeated;

/// The connection for commands.
#[derive(Clone)]
pub(super) struct CommandLine {
    client: Client,
    keys: Keys,
    /// What it led to when it last answered; `None` before the first time.
    dataset: Arc<Mutex<Option<Dataset>>>,
    doubts: Arc<watch::Sender<u64>>,
    warning: Arc<Repeated>,
}

impl CommandLine {
    pub(super) fn new(client: Client, keys: Keys) -> Self {
        Self {
            client,
            keys,
            dataset: Arc::default(),
            doubts: Arc::new(watch::Sender::new(0)),
            warning: Arc::default(),
        }
    }

    /// See [`Backend::doubts`](crate::Backend::doubts).
    pub(super) fn doubts(&self) -> watch::Receiver<u64> {
        self.doubts.subscribe()
    }

    fn doubt(&self, why: &str) {
        if let Some(said) = self.warning.happened() {
            tracing::warn!(
                why,
                "Redis may have lost writes; this node writes its sessions and rooms again{said}"
            );
        }
        self.doubts.send_modify(|times| *times += 1);
    }
}

impl Tended for CommandLine {
    fn client(&self) -> &(impl ClusterInterface + EventInterface + 'static) {
        &self.client
    }

    /// A new connection may lead to a server that was started again, or to a replica that lacks the last writes.
    async fn revive(&self) -> Result<(), Trouble> {
        try_scripts(&self.client, &self.keys).await?;
        let now = Dataset::of(&self.client).await;
        if self.dataset.lock().replace(now).is_some() {
            self.doubt("the connection was lost");
        }
        Ok(())
    }

    /// A server may also lose its memory without a word on the connection: as a replica for a while, or behind a proxy.
    async fn beat(&self) -> Result<(), Trouble> {
        try_scripts(&self.client, &self.keys).await?;
        let now = Dataset::of(&self.client).await;
        let before = self.dataset.lock().replace(now.clone());
        if before.is_some_and(|before| before.differs_from(&now)) {
            self.doubt("another server, or a slot that moved");
        }
        Ok(())
    }
}

/// Whose data the commands act on.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Dataset {
    /// Of each master, its replication id: a new one stands for another history of writes. Empty where INFO is forbidden.
    histories: Vec<(Option<Server>, String)>,
    /// In a Cluster, who has which slots.
    slots: Vec<(u16, u16, Server)>,
}

impl Dataset {
    async fn of(client: &Client) -> Self {
        let mut histories = Vec::new();
        for master in masters(client) {
            let asked = asking(client, master.clone());
            let info = asked.info::<String>(Some(InfoKind::Replication)).await;
            let id = info.ok().and_then(|info| replication_id(&info));
            histories.push((master, id.unwrap_or_default()));
        }
        let state = client.cached_cluster_state();
        let slots = state.iter().flat_map(|state| state.slots());
        let mut slots: Vec<_> = slots
            .map(|range| (range.start, range.end, range.primary.clone()))
            .collect();
        slots.sort_unstable_by_key(|(start, ..)| *start);
        Self { histories, slots }
    }

    /// An id that could not be read differs from none.
    fn differs_from(&self, other: &Self) -> bool {
        let moved = self.slots != other.slots;
        let mut histories = self.histories.iter().zip(&other.histories);
        moved || histories.any(|((_, was), (_, is))| !was.is_empty() && !is.is_empty() && was != is)
    }
}

fn replication_id(info: &str) -> Option<String> {
    info.lines()
        .find_map(|line| line.strip_prefix("master_replid:"))
        .map(|id| id.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dataset(id: &str, first: u16) -> Dataset {
        Dataset {
            histories: vec![(None, id.into())],
            slots: vec![(first, 16383, Server::new("host", 1))],
        }
    }

    #[test]
    fn another_history_or_other_slots_differ_and_an_unread_id_does_not() {
        assert_eq!(
            replication_id("role:master\r\nmaster_replid:abc\r\nmaster_replid2:def\r\n"),
            Some("abc".into())
        );
        let before = dataset("abc", 0);
        assert!(!before.differs_from(&before));
        assert!(!before.differs_from(&dataset("", 0)));
        assert!(!dataset("", 0).differs_from(&before));
        assert!(before.differs_from(&dataset("def", 0)));
        assert!(before.differs_from(&dataset("abc", 1)));
    }
}
