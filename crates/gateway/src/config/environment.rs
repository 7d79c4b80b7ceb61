//! Environment variables: `SWITCHBOARD_` and the path of a key, or one of the names that operators already use.

use std::collections::BTreeMap;

use super::Origin;
use super::keys::{KEYS, Key};
use super::load::Loading;
use super::mistake::did_you_mean;
use super::raw::Raw;
use super::setting::Word;
use super::source::Provenance;

/// Names the configuration file.
pub(super) const FILE: &str = "SWITCHBOARD_CONFIG";
const PREFIX: &str = "SWITCHBOARD_";
/// Other names for keys. `PORT` and `CLIENT_URL` are not among them: each says only a part of its key.
const ALIASES: &[(&str, &str)] = &[
    ("REDIS_URL", "redis.url"),
    ("JWT_SECRET", "auth.jwt.secret"),
    ("ALLOWED_ORIGINS", "origins"),
];

/// What is missing where these are empty, nobody sees: a node without them runs, open or alone.
const SECRETS: [&str; 9] = [
    "auth.jwt.secret",
    "auth.jwt.secret_old",
    "ice.turn_secret",
    "ice.turn_secret_old",
    "ice.fetch.headers",
    "media.api_secret",
    "cluster.key",
    "admin.token",
    "redis.url",
];

/// Sets what the environment says. An empty variable counts as unset, as compose files leave them; that of a secret does not
/// under its long name, which nobody but us has.
pub(super) fn read(loading: &mut Loading, environment: &BTreeMap<String, String>) {
    let said = |name: &str| environment.get(name).filter(|value| !value.is_empty());
    let unsaid = |key: &Key| said(&key.variable()).is_none();

    for &(name, path) in ALIASES {
        if let (Some(value), Some(key)) = (said(name), Key::named(path).filter(|key| unsaid(key))) {
            loading.set(key, Raw::Text(value), Provenance::Variable(name.into()));
        }
    }
    if let Some(port) = said("PORT").filter(|_| said("SWITCHBOARD_LISTEN").is_none()) {
        set_port(loading, port);
    }
    if let Some(url) = said("CLIENT_URL").filter(|_| said("SWITCHBOARD_ORIGINS").is_none()) {
        add_origin(loading, url, said("ALLOWED_ORIGINS").is_some());
    }

    for (name, value) in environment {
        if !name.starts_with(PREFIX) || name == FILE || is_from_kubernetes(name, value) {
            continue;
        }
        match Key::of_variable(name) {
            Some(key) if !value.is_empty() => {
                loading.set(key, Raw::Text(value), Provenance::Variable(name.clone()));
            }
            Some(key) if SECRETS.contains(&key.path) => loading.mistake(
                name,
                "is empty: is the secret that it comes from empty? Give it a value, or leave the variable out",
            ),
            Some(_) => {}
            None => {
                let meant = did_you_mean(name, KEYS.iter().map(Key::variable));
                loading.mistake(name, format!("no key has this name{meant}"));
            }
        }
    }
}

/// `PORT` keeps the host: where the node listens is a decision about who may reach it.
fn set_port(loading: &mut Loading, port: &str) {
    let source = Provenance::Variable("PORT".into());
    match port.parse() {
        Ok(port) => {
            loading.config.listen.set_port(port);
            loading.came_from("listen", source);
        }
        Err(_) => loading.unread(
            "listen",
            &source,
            "a port is a number from 0 to 65535".into(),
        ),
    }
}

/// `CLIENT_URL` is one origin more than those said elsewhere.
fn add_origin(loading: &mut Loading, url: &str, also_allowed_origins: bool) {
    let name = "CLIENT_URL";
    match Origin::read(url) {
        Ok(origin) => {
            loading.config.origins.push(origin);
            let names = if also_allowed_origins {
                "ALLOWED_ORIGINS and CLIENT_URL"
            } else {
                name
            };
            loading.came_from("origins", Provenance::Variable(names.into()));
        }
        Err(problem) => loading.unread("origins", &Provenance::Variable(name.into()), problem),
    }
}

/// Kubernetes describes each Service of the namespace in variables made from its name; for one called `switchboard`,
/// or `switchboard-…`, they begin like ours.
fn is_from_kubernetes(name: &str, value: &str) -> bool {
    let is_port = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
    name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_")
        || name.split("_PORT_").skip(1).any(is_port)
        || (name.ends_with("_PORT") && value.contains("://"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(variables: &[(&str, &str)]) -> Loading {
        let mut loading = Loading::default();
        let text = |text: &&str| text.to_string();
        read(
            &mut loading,
            &variables
                .iter()
                .map(|(name, value)| (text(name), text(value)))
                .collect(),
        );
        loading
    }

    fn mistakes(variables: &[(&str, &str)]) -> Vec<String> {
        read_all(variables)
            .mistakes
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn the_long_name_wins_over_an_alias() {
        let config = read_all(&[
            ("PORT", "3000"),
            ("SWITCHBOARD_LISTEN", "127.0.0.1:4000"),
            ("REDIS_URL", "redis://old"),
            ("SWITCHBOARD_REDIS__URL", "redis://new"),
        ])
        .config;
        assert_eq!(config.listen.port(), 4000);
        assert_eq!(config.redis.url.expect("a URL").expose(), "redis://new");
    }

    #[test]
    fn port_changes_only_the_port() {
        assert_eq!(
            read_all(&[("PORT", "3000")]).config.listen.to_string(),
            "127.0.0.1:3000"
        );
        assert_eq!(
            mistakes(&[("PORT", "http")]),
            ["PORT: a port is a number from 0 to 65535"]
        );
    }

    #[test]
    fn origins_of_both_aliases_are_joined() {
        let config = read_all(&[
            ("ALLOWED_ORIGINS", "https://a.com, https://b.com,"),
            ("CLIENT_URL", "http://c:3000/"),
        ])
        .config;
        let origins: Vec<_> = config.origins.iter().map(Origin::as_str).collect();
        assert_eq!(origins, ["https://a.com", "https://b.com", "http://c:3000"]);
    }

    #[test]
    fn empty_is_unset() {
        let loading = read_all(&[("REDIS_URL", ""), ("SWITCHBOARD_LISTEN", ""), ("PORT", "9")]);
        assert!(loading.mistakes.is_empty() && loading.config.redis.url.is_none());
        assert_eq!(loading.config.listen.port(), 9);
    }

    #[test]
    fn an_empty_secret_is_a_mistake_under_its_long_name() {
        for name in [
            "SWITCHBOARD_AUTH__JWT__SECRET",
            "SWITCHBOARD_CLUSTER__KEY",
            "SWITCHBOARD_ADMIN__TOKEN",
            "SWITCHBOARD_REDIS__URL",
        ] {
            let told = mistakes(&[(name, "")]);
            assert_eq!(told.len(), 1, "{told:?}");
            assert!(
                told[0].starts_with(&format!("{name}: is empty")),
                "{told:?}"
            );
        }
        assert_eq!(mistakes(&[("JWT_SECRET", "")]), Vec::<String>::new());
    }

    #[test]
    fn an_unknown_name_is_a_mistake_with_a_suggestion() {
        assert_eq!(
            mistakes(&[("SWITCHBOARD_REDIS_URL", "redis://x")]),
            ["SWITCHBOARD_REDIS_URL: no key has this name; did you mean `SWITCHBOARD_REDIS__URL`?"]
        );
    }

    #[test]
    fn what_kubernetes_says_about_services_is_not_for_us() {
        let told = mistakes(&[
            ("SWITCHBOARD_PORT", "tcp://10.0.0.1:8080"),
            ("SWITCHBOARD_PORT_8080_TCP_ADDR", "10.0.0.1"),
            ("SWITCHBOARD_SERVICE_HOST", "10.0.0.1"),
            ("SWITCHBOARD_OPS_SERVICE_PORT_HTTP", "80"),
        ]);
        assert_eq!(told, Vec::<String>::new());
        assert_eq!(mistakes(&[("SWITCHBOARD_PORT", "8080")]).len(), 1);
    }
}
