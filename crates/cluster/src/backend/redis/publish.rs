//! PUBLISH, or what a Cluster has for it.

use bytes::Bytes;
use fred::clients::{Client, WithOptions};
use fred::interfaces::{ClientLike, PubsubInterface};
use fred::prelude::FredResult;
use fred::types::Value;

/// To so many subscribers.
pub(super) async fn publish(
    client: &WithOptions<Client>,
    channel: String,
    frame: Bytes,
) -> FredResult<u64> {
    let frame = Value::Bytes(frame);
    if client.is_clustered() {
        client.spublish(channel, frame).await
    } else {
        client.publish(channel, frame).await
    }
}
