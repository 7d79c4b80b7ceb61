//! Which buckets are open: those whose contents are complete.

use async_trait::async_trait;

use super::error::DirectoryError;
use crate::backend::bucket::Bucket;

/// Opens and closes buckets.
#[async_trait]
pub trait BucketDirectory: Send + Sync + 'static {
    /// Says that a bucket's contents are complete. Until then every call for a room there is
    /// [`DirectoryError::Forgotten`], reading too: a partial list is never taken for the whole.
    async fn open_bucket(&self, bucket: Bucket) -> Result<(), DirectoryError>;

    /// Says that no bucket's contents are complete: the directory went back in time.
    async fn close_buckets(&self) -> Result<(), DirectoryError>;

    /// The buckets that are not open.
    async fn closed_buckets(&self) -> Result<Vec<Bucket>, DirectoryError>;
}
