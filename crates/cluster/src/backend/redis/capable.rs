//! Whether Redis does what clients need: tried, on every master, time and again.
//!
//! A Redis can answer every PING and refuse every join: out of memory, without the replicas that it asks for, as a replica
//! itself, with a full disk, or for a user who lacks a command. Only what was tried is known to work.

use bytes::Bytes;
use fred::clients::Client;
use fred::interfaces::{ClientLike, ClusterInterface, EventInterface};
use fred::types::config::Server;
use fred::util::redis_keyslot;

use super::commands::evaluate_script;
use super::connection::Tended;
use super::failure::Failure;
use super::keys::Keys;
use super::probe::PROBE;
use super::publish::publish;
use super::reply::Reply;
use super::script::PROBE as SCRIPT;
use super::signs::{asking, masters};
use super::trouble::Trouble;
use crate::backend::bucket::Bucket;

/// Runs a script, as for a client, that does all that those of clients do.
pub(super) async fn try_scripts(client: &Client, keys: &Keys) -> Result<(), Trouble> {
    for master in masters(client) {
        let asked = asking(client, master.clone());
        let Some(bucket) = bucket_of(client, master.as_ref()) else {
            asked.ping::<()>(None).await?;
            continue;
        };
        let key = keys.probe(bucket);
        let answer = evaluate_script(&asked, &SCRIPT, &[&key], Vec::new()).await?;
        read(answer, master.as_ref())?;
    }
    Ok(())
}

fn read(answer: fred::types::Value, master: Option<&Server>) -> Result<(), Trouble> {
    let words = || {
        let mut reply = Reply::read(SCRIPT.name, answer)?;
        match &*reply.text()? {
            "done" => Ok(None),
            "refused" => Ok(Some((reply.text()?, reply.text()?))),
            _ => Err(reply.odd()),
        }
    };
    let refused = words().map_err(|_: Failure| {
        Trouble::Refused("it answers scripts with what they do not say".into())
    })?;
    match (refused, master) {
        (None, _) => Ok(()),
        (Some((command, answer)), None) => Err(Trouble::refused(&command, &answer)),
        (Some((command, answer)), Some(master)) => {
            let answer = format!("{answer}, says {}:{}", master.host, master.port);
            Err(Trouble::refused(&command, &answer))
        }
    }
}

/// One whose keys are at that master: the first one, where there is no Cluster.
fn bucket_of(client: &impl ClusterInterface, master: Option<&Server>) -> Option<Bucket> {
    let Some(master) = master else {
        return Bucket::all().next();
    };
    let state = client.cached_cluster_state()?;
    Bucket::all().find(|bucket| {
        let slot = redis_keyslot(bucket.tag().as_bytes());
        state
            .slots()
            .iter()
            .any(|range| (range.start..=range.end).contains(&slot) && range.primary == *master)
    })
}

/// The connection for PUBLISH alone.
pub(super) struct PublishLine {
    pub(super) client: Client,
    pub(super) keys: Keys,
}

impl PublishLine {
    /// To a channel that no node listens to.
    async fn try_to_publish(&self) -> Result<(), Trouble> {
        for master in masters(&self.client) {
            let asked = asking(&self.client, master.clone());
            match bucket_of(&self.client, master.as_ref()) {
                Some(bucket) => {
                    let channel = self.keys.probe(bucket);
                    publish(&asked, channel, Bytes::from_static(PROBE)).await?;
                }
                None => asked.ping::<()>(None).await?,
            }
        }
        Ok(())
    }
}

impl Tended for PublishLine {
    fn client(&self) -> &(impl ClusterInterface + EventInterface + 'static) {
        &self.client
    }

    async fn revive(&self) -> Result<(), Trouble> {
        self.try_to_publish().await
    }

    async fn beat(&self) -> Result<(), Trouble> {
        self.try_to_publish().await
    }
}
