//! The table of keys: each is named here once.

use std::ops::RangeInclusive;

use super::Config;
use super::setting::{Plain, Setting};

/// A key: what it is called, and where its value lives.
pub(super) struct Key {
    /// As in a file: `session.heartbeat_ms`.
    pub(super) path: &'static str,
    /// The field it sets.
    pub(super) setting: fn(&mut Config) -> Setting<'_>,
}

impl Key {
    /// The key of this name.
    pub(super) fn named(path: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.path == path)
    }

    /// The key that this environment variable sets.
    pub(super) fn of_variable(name: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.variable() == name)
    }

    /// `SWITCHBOARD_SESSION__HEARTBEAT_MS`.
    pub(super) fn variable(&self) -> String {
        format!(
            "SWITCHBOARD_{}",
            self.path.replace('.', "__").to_ascii_uppercase()
        )
    }
}

/// Whether keys begin with `path` and a dot, so that it is a table in a file.
pub(super) fn is_group(path: &str) -> bool {
    KEYS.iter().any(|key| {
        key.path
            .strip_prefix(path)
            .is_some_and(|rest| rest.starts_with('.'))
    })
}

const fn key(path: &'static str, setting: fn(&mut Config) -> Setting<'_>) -> Key {
    Key { path, setting }
}

fn plain(field: &mut dyn Plain) -> Setting<'_> {
    Setting::Plain(field)
}

/// Any time that is not zero, up to a day.
const TIME: RangeInclusive<u64> = 1..=DAY_MS;
const TIME_OR_ZERO: RangeInclusive<u64> = 0..=DAY_MS;
const DAY_MS: u64 = 86_400_000;
const COUNT: RangeInclusive<u64> = 1..=1_000_000;
/// 0: off.
const COUNT_OR_OFF: RangeInclusive<u64> = 0..=1_000_000;
/// From less than any offer is long to what no one should buffer for a single client.
const BYTES: RangeInclusive<u64> = 1024..=64 << 20;
const NODE_BYTES: RangeInclusive<u64> = 1024..=1 << 40;

/// Every key, in the order in which they are shown; those of one group stand together.
pub(super) static KEYS: &[Key] = {
    use Setting::{Micros, Millis, Number, Seconds};
    &[
        key("listen", |c| plain(&mut c.listen)),
        key("ops_listen", |c| plain(&mut c.ops_listen)),
        key("origins", |c| plain(&mut c.origins)),
        key("static_dir", |c| plain(&mut c.static_dir)),
        key("dialects", |c| plain(&mut c.dialects)),
        key("error_texts", |c| plain(&mut c.error_texts)),
        key("socketio.client_file", |c| {
            plain(&mut c.socketio.client_file)
        }),
        key("node.name", |c| plain(&mut c.node.name)),
        key("node.ops_address", |c| plain(&mut c.node.ops_address)),
        key("node.ops_host", |c| plain(&mut c.node.ops_host)),
        key("redis.url", |c| plain(&mut c.redis.url)),
        key("redis.key_prefix", |c| plain(&mut c.redis.key_prefix)),
        key("auth.mode", |c| plain(&mut c.auth.said)),
        key("auth.max_session_ms", |c| {
            Millis(&mut c.auth.max_session, TIME_OR_ZERO)
        }),
        key("auth.revocations_kept_s", |c| {
            Seconds(&mut c.auth.revocations_kept, 60..=31_536_000)
        }),
        key("auth.ca_file", |c| plain(&mut c.auth.ca_file)),
        key("auth.jwt.secret", |c| plain(&mut c.auth.jwt.secret)),
        key("auth.jwt.secret_old", |c| plain(&mut c.auth.jwt.secret_old)),
        key("auth.jwt.secret_old_until", |c| {
            plain(&mut c.auth.jwt.secret_old_until)
        }),
        key("auth.jwt.public_key_file", |c| {
            plain(&mut c.auth.jwt.public_key_file)
        }),
        key("auth.jwt.jwks_url", |c| plain(&mut c.auth.jwt.jwks_url)),
        key("auth.jwt.discovery_url", |c| {
            plain(&mut c.auth.jwt.discovery_url)
        }),
        key("auth.jwt.issuer", |c| plain(&mut c.auth.jwt.issuer)),
        key("auth.jwt.audience", |c| plain(&mut c.auth.jwt.audience)),
        key("auth.jwt.algorithms", |c| plain(&mut c.auth.jwt.algorithms)),
        key("auth.jwt.leeway_ms", |c| {
            Millis(&mut c.auth.jwt.leeway, 0..=3_600_000)
        }),
        key("auth.jwt.user_claims", |c| {
            plain(&mut c.auth.jwt.user_claims)
        }),
        key("auth.jwt.grants_claim", |c| {
            plain(&mut c.auth.jwt.grants_claim)
        }),
        key("ice.servers", |c| plain(&mut c.ice.servers)),
        key("ice.turn_urls", |c| plain(&mut c.ice.turn_urls)),
        key("ice.turn_secret", |c| plain(&mut c.ice.turn_secret)),
        key("ice.turn_secret_old", |c| plain(&mut c.ice.turn_secret_old)),
        key("ice.ttl_s", |c| Seconds(&mut c.ice.ttl, 60..=86_400)),
        key("tls.cert_file", |c| plain(&mut c.tls.cert_file)),
        key("tls.key_file", |c| plain(&mut c.tls.key_file)),
        key("ice.fetch.url", |c| plain(&mut c.ice.fetch.url)),
        key("ice.fetch.headers", |c| plain(&mut c.ice.fetch.headers)),
        key("ice.fetch.body", |c| plain(&mut c.ice.fetch.body)),
        key("media.kind", |c| plain(&mut c.media.kind)),
        key("media.url", |c| plain(&mut c.media.url)),
        key("media.api_key", |c| plain(&mut c.media.api_key)),
        key("media.api_secret", |c| plain(&mut c.media.api_secret)),
        key("media.rooms", |c| plain(&mut c.media.rooms)),
        key("proxy.trusted", |c| plain(&mut c.proxy.trusted)),
        key("proxy.header", |c| plain(&mut c.proxy.header)),
        key("proxy.protocol", |c| plain(&mut c.proxy.protocol)),
        key("cluster.key", |c| plain(&mut c.cluster.key)),
        key("cluster.lease_ms", |c| {
            Millis(&mut c.cluster.lease, 2000..=DAY_MS)
        }),
        key("session.hello_timeout_ms", |c| {
            Millis(&mut c.session.hello_timeout, TIME)
        }),
        key("session.heartbeat_ms", |c| {
            Millis(&mut c.session.heartbeat, TIME)
        }),
        key("session.heartbeat_timeout_ms", |c| {
            Millis(&mut c.session.heartbeat_timeout, TIME)
        }),
        key("session.resume_window_ms", |c| {
            Millis(&mut c.session.resume_window, TIME)
        }),
        key("session.delivery_deadline_ms", |c| {
            Millis(&mut c.session.delivery_deadline, TIME)
        }),
        key("room.capacity", |c| Number(&mut c.room.capacity, COUNT)),
        key("room.capacity_max", |c| {
            Number(&mut c.room.capacity_max, COUNT)
        }),
        key("room.max_per_session", |c| {
            Number(&mut c.room.max_per_session, COUNT)
        }),
        key("limits.max_message_bytes", |c| {
            Number(&mut c.limits.max_message_bytes, BYTES)
        }),
        key("limits.outbox_bytes", |c| {
            Number(&mut c.limits.outbox_bytes, BYTES)
        }),
        key("limits.signals_per_second", |c| {
            Number(&mut c.limits.signals_per_second, COUNT)
        }),
        key("limits.requests_per_second", |c| {
            Number(&mut c.limits.requests_per_second, COUNT)
        }),
        key("limits.burst", |c| Number(&mut c.limits.burst, COUNT)),
        key("limits.bytes_per_second", |c| {
            Number(&mut c.limits.bytes_per_second, BYTES)
        }),
        key("limits.fan_out_bytes_per_second", |c| {
            Number(&mut c.limits.fan_out_bytes_per_second, BYTES)
        }),
        key("limits.sessions", |c| {
            Number(&mut c.limits.sessions, 1..=10_000_000)
        }),
        key("limits.sessions_per_user", |c| {
            Number(&mut c.limits.sessions_per_user, COUNT)
        }),
        key("limits.sessions_per_address", |c| {
            Number(&mut c.limits.sessions_per_address, COUNT_OR_OFF)
        }),
        key("limits.away_bytes", |c| {
            Number(&mut c.limits.away_bytes, NODE_BYTES)
        }),
        key("limits.away_bytes_anonymous", |c| {
            Number(&mut c.limits.away_bytes_anonymous, NODE_BYTES)
        }),
        key("limits.in_flight", |c| {
            Number(&mut c.limits.in_flight, COUNT)
        }),
        key("limits.in_flight_bytes", |c| {
            Number(&mut c.limits.in_flight_bytes, BYTES)
        }),
        key("limits.node_in_flight_bytes", |c| {
            Number(&mut c.limits.node_in_flight_bytes, NODE_BYTES)
        }),
        key("limits.connects_per_second", |c| {
            Number(&mut c.limits.connects_per_second, COUNT_OR_OFF)
        }),
        key("limits.connects_per_second_per_address", |c| {
            Number(&mut c.limits.connects_per_second_per_address, COUNT_OR_OFF)
        }),
        key("limits.http_per_second_per_address", |c| {
            Number(&mut c.limits.http_per_second_per_address, COUNT_OR_OFF)
        }),
        key("limits.http_per_second_per_user", |c| {
            Number(&mut c.limits.http_per_second_per_user, COUNT_OR_OFF)
        }),
        key("limits.wrong_tokens_per_second_per_address", |c| {
            Number(
                &mut c.limits.wrong_tokens_per_second_per_address,
                COUNT_OR_OFF,
            )
        }),
        key("limits.header_read_timeout_ms", |c| {
            Millis(&mut c.limits.header_read_timeout, TIME)
        }),
        key("drain.grace_ms", |c| {
            Millis(&mut c.drain.grace, TIME_OR_ZERO)
        }),
        key("drain.window_ms", |c| {
            Millis(&mut c.drain.window, TIME_OR_ZERO)
        }),
        key("drain.deadline_ms", |c| Millis(&mut c.drain.deadline, TIME)),
        key("routing.local_shortcut", |c| {
            plain(&mut c.routing.local_shortcut)
        }),
        key("routing.linger_max_us", |c| {
            Micros(&mut c.routing.linger_max, 0..=1000)
        }),
        key("admin.token", |c| plain(&mut c.admin.token)),
        key("log.format", |c| plain(&mut c.log.format)),
        key("log.filter", |c| plain(&mut c.log.filter)),
        key("otlp.endpoint", |c| plain(&mut c.otlp.endpoint)),
        key("otlp.ca_file", |c| plain(&mut c.otlp.ca_file)),
        key("otlp.sample_ratio", |c| plain(&mut c.otlp.sample_ratio)),
    ]
};

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../../../docs/configuration.md");

    #[test]
    fn the_page_for_operators_names_every_key_once_with_its_default() {
        let mut defaults = Config::default();
        for key in KEYS {
            let default = match (key.setting)(&mut defaults).show() {
                Some(value) => format!("`{value}`"),
                None => "unset".into(),
            };
            let row = format!("| `{}` | {default} |", key.path);
            let rows = PAGE.matches(&row).count();
            assert_eq!(rows, 1, "rows of docs/configuration.md that say {row}");
        }
    }

    #[test]
    fn the_page_for_operators_names_no_other_key() {
        let named = PAGE
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
        for (path, default) in
            named.filter(|(path, _)| path.chars().next().is_some_and(char::is_lowercase))
        {
            assert!(
                Key::named(path).is_some(),
                "docs/configuration.md names {path} = {default}"
            );
        }
    }

    #[test]
    fn keys_of_one_group_stand_together() {
        let mut groups: Vec<_> = KEYS
            .iter()
            .map(|key| key.path.rsplit_once('.').map_or("", |(group, _)| group))
            .collect();
        groups.dedup();
        let count = groups.len();
        groups.sort_unstable();
        groups.dedup();
        assert_eq!(groups.len(), count);
    }
}
