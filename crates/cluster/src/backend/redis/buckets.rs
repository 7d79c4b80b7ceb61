//! The markers of the buckets: one that is missing says that its bucket was forgotten.

use async_trait::async_trait;
use fred::interfaces::KeysInterface;
use fred::types::{SetOptions, Value};
use fred::util::redis_keyslot;
use switchboard_protocol::PeerId;
use tokio::task::JoinSet;

use super::directory::RedisDirectory;
use super::failure::Failure;
use crate::backend::bucket::{BUCKETS, Bucket};
use crate::backend::directory::{BucketDirectory, DirectoryError};

/// In a Redis Cluster.
const SLOTS: usize = 16384;

#[async_trait]
impl BucketDirectory for RedisDirectory {
    async fn open_bucket(&self, bucket: Bucket) -> Result<(), DirectoryError> {
        let key = self.keys.alive(bucket);
        let _: Value = self
            .commands
            .client()?
            .set(key, "1", None, Some(SetOptions::NX), false)
            .await?;
        Ok(())
    }

    /// All together; each marker may be at another master.
    async fn close_buckets(&self) -> Result<(), DirectoryError> {
        let mut deletions = JoinSet::new();
        for bucket in Bucket::all() {
            let (client, key) = (self.commands.client()?.clone(), self.keys.alive(bucket));
            deletions.spawn(async move { client.del::<Value, _>(key).await });
        }
        for deleted in deletions.join_all().await {
            deleted?;
        }
        Ok(())
    }

    /// All asked together; each marker may be at another master.
    async fn closed_buckets(&self) -> Result<Vec<Bucket>, DirectoryError> {
        let mut questions = JoinSet::new();
        for bucket in Bucket::all() {
            let (client, key) = (self.commands.client()?.clone(), self.keys.alive(bucket));
            questions.spawn(async move { (bucket, client.exists::<bool, _>(key).await) });
        }
        let mut closed = Vec::new();
        for (bucket, is_open) in questions.join_all().await {
            if !is_open? {
                closed.push(bucket);
            }
        }
        closed.sort_unstable();
        Ok(closed)
    }
}

impl RedisDirectory {
    /// Whether what Redis does not know of this peer it never knew. A peer is in no bucket; that its slot was not
    /// forgotten is known from the bucket whose keys the same master holds.
    pub(super) async fn remembers(&self, peer: &PeerId) -> Result<bool, Failure> {
        let slot = usize::from(redis_keyslot(self.keys.peer(peer).as_bytes()));
        let neighbour = Bucket::all()
            .nth(slot / (SLOTS / BUCKETS))
            .expect("there is a bucket for every slot");
        let marker = self.keys.alive(neighbour);
        Ok(self.commands.client()?.exists(marker).await?)
    }
}
