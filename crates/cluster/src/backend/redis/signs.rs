//! Signs of life: of one server, or of every master of a Cluster.

use fred::clients::WithOptions;
use fred::interfaces::{ClientLike, ClusterInterface, FredResult};
use fred::types::config::{Options, Server};

/// Asks every server that commands may go to. One that does not answer is a failure: fred reconnects all of a Cluster
/// before it goes on with any of it, so the others are not there either.
pub(super) async fn ping(client: &impl ClusterInterface) -> FredResult<()> {
    for server in masters(client) {
        asking(client, server).ping::<()>(None).await?;
    }
    Ok(())
}

/// The masters of a Cluster; of all else, the one server, whatever its name.
pub(super) fn masters(client: &impl ClusterInterface) -> Vec<Option<Server>> {
    let state = client.cached_cluster_state();
    let masters = state.map(|state| state.unique_primary_nodes());
    match masters {
        Some(masters) if !masters.is_empty() => masters.into_iter().map(Some).collect(),
        _ => vec![None],
    }
}

/// The same client, failing at once while it is not connected, talking with that server.
pub(super) fn asking<C: ClientLike>(client: &C, server: Option<Server>) -> WithOptions<C> {
    client.with_options(&Options {
        fail_fast: true,
        cluster_node: server,
        ..Options::default()
    })
}
