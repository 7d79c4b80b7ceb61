//! Redis must not evict: rooms are the truth, not a cache.

use fred::clients::Client;
use fred::interfaces::ClientLike;
use fred::types::InfoKind;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::backend::Reach;

/// Warns, once Redis is first reached, where it may throw keys away. By INFO, not CONFIG GET, which hosted ones forbid;
/// where that is forbidden too, nothing is said.
pub(super) fn warn_of_eviction(
    client: Client,
    mut reach: watch::Receiver<Reach>,
    stop: CancellationToken,
) {
    tokio::spawn(stop.run_until_cancelled_owned(async move {
        if reach.wait_for(Reach::is_reached).await.is_err() {
            return;
        }
        let Ok(info) = client.info::<String>(Some(InfoKind::Memory)).await else {
            return;
        };
        if let Some(policy) = policy(&info).filter(|&policy| policy != "noeviction") {
            tracing::warn!(
                redis.maxmemory_policy = policy,
                "Redis may evict rooms when its memory is full: set maxmemory-policy to noeviction",
            );
        }
    }));
}

fn policy(info: &str) -> Option<&str> {
    info.lines()
        .find_map(|line| line.strip_prefix("maxmemory_policy:"))
        .map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_is_found_among_the_lines() {
        assert_eq!(
            policy("# Memory\r\nused_memory:1\r\nmaxmemory_policy:allkeys-lru\r\n"),
            Some("allkeys-lru")
        );
        assert_eq!(policy("# Memory\r\n"), None);
    }
}
