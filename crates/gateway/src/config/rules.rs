//! What several keys must agree on, and what a text must look like.

mod ice;
mod listening;
mod media;
mod tokens;

use std::time::Duration;

use switchboard_auth::Issuer;
use switchboard_cluster::redis::RedisConfig;
use tracing_subscriber::EnvFilter;

use super::address::{is_host, is_host_and_port};
use super::load::Loading;
use super::raw::shortened;
use super::readable;
use super::secret::Secret;
use super::session::DEADLINE_MARGIN;
use super::{Config, HttpUrl, JwtConfig};

/// Shorter, a key could be found by trying.
const KEY_CHARS_MIN: usize = 16;
/// An HS256 key has at least the size of the hash (RFC 7518 section 3.2).
const HS256_KEY_BYTES: usize = 32;
/// Bytes that a session may send at once, in seconds of its rate: the longest message must fit.
const BYTES_BURST_S: usize = 4;
/// A client takes a ping that was not answered for so long for a lost connection.
const PONG_PATIENCE: Duration = Duration::from_secs(5);

/// Adds a mistake for each rule that is broken, unless one of its keys could not be read anyway.
pub(super) fn check(loading: &mut Loading) {
    let config = loading.config.clone();
    let mut rules = Rules(loading);
    rules.sizes(&config);
    rules.bytes(&config);
    rules.times(&config);
    rules.texts(&config);
    rules.listening(&config);
    rules.secrets(&config);
    rules.tokens(&config);
    rules.access(&config);
    rules.ice(&config);
    rules.media(&config);
}

/// Adds a mistake for each file or folder that the node will not be able to read.
pub(super) fn check_files(loading: &mut Loading) {
    let config = loading.config.clone();
    Rules(loading).files(&config);
}

struct Rules<'a>(&'a mut Loading);

impl Rules<'_> {
    fn sizes(&mut self, config: &Config) {
        let (room, limits) = (&config.room, &config.limits);
        let mut at_most = |small: (&'static str, u64), large: (&'static str, u64)| {
            self.require(&[large.0, small.0], small.1 <= large.1, || {
                format!(
                    "{} ({}) may not be below {} ({})",
                    large.0, large.1, small.0, small.1
                )
            });
        };
        let message = ("limits.max_message_bytes", limits.max_message_bytes as u64);
        let in_flight = ("limits.in_flight_bytes", limits.in_flight_bytes as u64);
        at_most(
            ("room.capacity", room.capacity.into()),
            ("room.capacity_max", room.capacity_max.into()),
        );
        at_most(message, ("limits.outbox_bytes", limits.outbox_bytes as u64));
        at_most(message, in_flight);
        at_most(
            in_flight,
            (
                "limits.node_in_flight_bytes",
                limits.node_in_flight_bytes as u64,
            ),
        );
    }

    fn bytes(&mut self, config: &Config) {
        let limits = &config.limits;
        let keys = ["limits.bytes_per_second", "limits.max_message_bytes"];
        let (rate, message) = (limits.bytes_per_second, limits.max_message_bytes);
        let is_enough = rate.saturating_mul(BYTES_BURST_S) >= message;
        self.require(&keys, is_enough, || {
            format!(
                "{} ({rate}) may not be below a quarter of {} ({message}): {}",
                keys[0],
                keys[1],
                message.div_ceil(BYTES_BURST_S)
            )
        });
    }

    fn times(&mut self, config: &Config) {
        let (session, drain) = (&config.session, &config.drain);
        let keys = ["session.heartbeat_timeout_ms", "session.heartbeat_ms"];
        self.require(&keys, session.heartbeat_timeout > session.heartbeat, || {
            format!(
                "{} ({}) must exceed {} ({})",
                keys[0],
                ms(session.heartbeat_timeout),
                keys[1],
                ms(session.heartbeat)
            )
        });
        let keys = ["session.resume_window_ms", "session.heartbeat_ms"];
        let window_min = (session.heartbeat + PONG_PATIENCE) * 2;
        self.require(&keys, session.resume_window >= window_min, || {
            format!(
                "{} ({}) may not be below twice ({} + {}): {}",
                keys[0],
                ms(session.resume_window),
                keys[1],
                ms(PONG_PATIENCE),
                ms(window_min)
            )
        });
        let keys = ["session.delivery_deadline_ms", "session.resume_window_ms"];
        let deadline_min = session.resume_window + DEADLINE_MARGIN;
        self.require(&keys, session.delivery_deadline >= deadline_min, || {
            format!(
                "{} ({}) may not be below {} + {}: {}",
                keys[0],
                ms(session.delivery_deadline),
                keys[1],
                ms(DEADLINE_MARGIN),
                ms(deadline_min)
            )
        });
        let keys = ["drain.deadline_ms", "drain.grace_ms", "drain.window_ms"];
        self.require(&keys, drain.deadline >= drain.grace + drain.window, || {
            format!(
                "{} ({}) may not be below {} + {} ({})",
                keys[0],
                ms(drain.deadline),
                keys[1],
                keys[2],
                ms(drain.grace + drain.window)
            )
        });
    }

    fn texts(&mut self, config: &Config) {
        let prefix = &config.redis.key_prefix;
        let plain = prefix.len() <= 64
            && prefix
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._:-".contains(&b));
        self.require(&["redis.key_prefix"], plain, || {
            "is at most 64 characters of A-Z a-z 0-9 . _ : -".into()
        });

        let address = config.node.ops_address.as_deref();
        self.require(
            &["node.ops_address"],
            address.is_none_or(is_host_and_port),
            || {
                not_as_others_reach_it(
                    address,
                    "a host and a port at which other nodes reach this one, such as 10.0.0.5:8080 or gw-a.internal:9090",
                )
            },
        );
        let host = config.node.ops_host.as_deref();
        self.require(&["node.ops_host"], host.is_none_or(is_host), || {
            not_as_others_reach_it(
                host,
                "a host without a port at which other nodes reach this one, such as 10.0.0.5, fd00::5 or gw-a.internal",
            )
        });
        let both = address.is_some() && host.is_some();
        self.require(&["node.ops_host", "node.ops_address"], !both, || {
            "say one of the two: the address has a host already".into()
        });
        let filter = EnvFilter::builder().parse(&config.log.filter);
        self.require(&["log.filter"], filter.is_ok(), || {
            "is not a filter such as info or warn,switchboard_cluster=debug".into()
        });
        for (path, secret) in [
            ("ice.turn_secret", &config.ice.turn_secret),
            ("ice.turn_secret_old", &config.ice.turn_secret_old),
            ("cluster.key", &config.cluster.key),
            ("admin.token", &config.admin.token),
        ] {
            let long = secret
                .as_ref()
                .is_none_or(|secret| secret.expose().chars().count() >= KEY_CHARS_MIN);
            self.require(&[path], long, || {
                format!("must have at least {KEY_CHARS_MIN} characters; `openssl rand -hex 32` makes a good one")
            });
        }
    }

    fn files(&mut self, config: &Config) {
        self.certificate(config);
        if let Some(folder) = &config.static_dir {
            self.accept("static_dir", readable::folder(folder));
        }
        if let Some(file) = &config.socketio.client_file {
            self.accept("socketio.client_file", readable::file(file));
        }
        for file in config
            .auth
            .issuers()
            .filter_map(|jwt| jwt.public_key_file.as_ref())
        {
            let key = super::key_file::public_key(file);
            self.accept("auth.jwt.public_key_file", key.map(drop));
        }
        for jwt in config.auth.issuers().filter(|jwt| !jwt.publishes()) {
            let keys = jwt.keys().unwrap_or_default();
            let takes_nothing = !keys.is_empty() && Issuer::new(jwt.rules(), keys).takes_nothing();
            self.require(&["auth.jwt.algorithms"], !takes_nothing, || {
                "none of the keys is for any of these: no token could be right".into()
            });
        }
        let publishes = config.auth.issuers().any(JwtConfig::publishes);
        if let (true, Some(file)) = (publishes, &config.auth.ca_file) {
            self.accept("auth.ca_file", readable::file(file));
        }
        if let (Some(_), Some(file)) = (&config.otlp.endpoint, &config.otlp.ca_file) {
            self.accept("otlp.ca_file", readable::file(file));
        }
        let redis = config
            .redis
            .url
            .as_ref()
            .map(|url| RedisConfig::new(url.expose()));
        for (parameter, file) in redis.iter().flat_map(RedisConfig::files) {
            let readable = readable::file(&file);
            self.accept(
                "redis.url",
                readable.map_err(|why| format!("{parameter}: {why}")),
            );
        }
    }

    /// A file that holds a secret mostly ends with a line break, which belongs to nobody's secret.
    fn secrets(&mut self, config: &Config) {
        let secrets = [
            ("auth.jwt.secret", &config.auth.jwt.secret),
            ("auth.jwt.secret_old", &config.auth.jwt.secret_old),
            ("media.api_secret", &config.media.api_secret),
            ("cluster.key", &config.cluster.key),
            ("admin.token", &config.admin.token),
        ];
        let of_issuers = config.auth.issuers.iter();
        let of_issuers = of_issuers.flat_map(|jwt| [&jwt.secret, &jwt.secret_old]);
        let of_issuers = of_issuers.map(|secret| ("auth.issuers", secret));
        for (path, secret) in secrets.into_iter().chain(of_issuers) {
            let Some(secret) = secret.as_ref().map(Secret::expose) else {
                continue;
            };
            let is_blank = secret.trim().is_empty();
            self.require(&[path], !is_blank, || {
                "holds nothing but white space: is the secret that it comes from empty?".into()
            });
            if !is_blank && secret.trim().len() < secret.len() {
                self.0.warnings.push(format!(
                    "{path} begins or ends with white space, such as the line break at the end of a file: a program that \
                     has it without that has another secret"
                ));
            }
        }
    }

    fn access(&mut self, config: &Config) {
        let reachable =
            !config.listen.ip().is_loopback() || !config.ops_listener().ip().is_loopback();
        let unsaid = config.node.ops_address.is_none() && config.node.ops_host.is_none();
        let unreachable = reachable && config.redis.url.is_some() && unsaid;
        self.require(
            &["node.ops_address", "redis.url", "listen"],
            !unreachable,
            || {
                "node.ops_address is missing: say at which host:port other nodes reach this one, or as node.ops_host at \
                 which host"
                    .into()
            },
        );
    }

    /// What is asked without TLS, anybody on the way can read and change.
    fn warn_if_plain(&mut self, path: &str, url: Option<&HttpUrl>) {
        if let Some(url) = url.filter(|url| url.is_plain_to_others()) {
            let host = url.uri().host().unwrap_or_default();
            self.0.warnings.push(format!(
                "{path} asks {host} over plain http: anybody on the way can read and change what it answers; use https"
            ));
        }
    }

    /// Adds the mistake that was told of this path, if there is one.
    fn accept(&mut self, path: &'static str, told: Result<(), String>) {
        if let Err(problem) = told {
            self.require(&[path], false, || problem);
        }
    }

    /// Adds a mistake under the names that were typed for `paths`, or the first path where all are defaults.
    fn require(&mut self, paths: &[&'static str], holds: bool, problem: impl FnOnce() -> String) {
        if holds || paths.iter().any(|path| self.0.unread.contains(path)) {
            return;
        }
        let typed: Vec<_> = paths
            .iter()
            .filter_map(|path| Some(self.0.said.get(path)?.typed(path)))
            .collect();
        let name = if typed.is_empty() {
            paths[0].into()
        } else {
            typed.join(", ")
        };
        self.0.mistake(name, problem());
    }
}

fn not_as_others_reach_it(said: Option<&str>, wanted: &str) -> String {
    let said = said.unwrap_or_default();
    let hint = if said.contains("$(") {
        "; Kubernetes puts a value in place of $(NAME) only where the variable NAME is listed before"
    } else {
        ""
    };
    format!("`{}` is not {wanted}{hint}", shortened(said))
}

fn ms(time: Duration) -> u128 {
    time.as_millis()
}

#[cfg(test)]
mod tests;
