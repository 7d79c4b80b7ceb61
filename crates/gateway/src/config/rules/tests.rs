//! Each rule, by the names an operator would have typed.

mod ice;
mod listening;
mod media;

use std::collections::BTreeMap;

use crate::config::{Flag, Loaded, Mistakes, Sources, load};

const SECRET: (&str, &str) = ("JWT_SECRET", "0123456789abcdef0123456789abcdef");

fn load_from(variables: &[(&str, &str)], set: &[&str]) -> Result<Loaded, Mistakes> {
    load(&sources(variables, set))
}

fn sources(variables: &[(&str, &str)], set: &[&str]) -> Sources {
    let environment: BTreeMap<_, _> = variables
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect();
    let flags = set.iter().map(|assignment| {
        let (path, value) = assignment.split_once('=').expect("key=value");
        Flag {
            name: format!("--set {path}"),
            path: path.into(),
            value: value.into(),
        }
    });
    Sources {
        environment,
        flags: flags.collect(),
        ..Sources::default()
    }
}

fn mistakes(variables: &[(&str, &str)], set: &[&str]) -> Vec<String> {
    let told = load_from(variables, set)
        .err()
        .map(|mistakes| mistakes.0)
        .unwrap_or_default();
    told.iter().map(ToString::to_string).collect()
}

#[test]
fn the_defaults_are_without_mistakes() {
    let loaded = load(&Sources::default()).expect("no mistakes");
    assert!(loaded.warnings.is_empty());
}

#[test]
fn sizes_must_fit_into_one_another() {
    for (set, told) in [
        (
            "room.capacity=1001",
            "--set room.capacity: room.capacity_max (1000) may not be below room.capacity (1001)",
        ),
        (
            "limits.outbox_bytes=2000",
            "--set limits.outbox_bytes: limits.outbox_bytes (2000) may not be below limits.max_message_bytes (262144)",
        ),
        (
            "limits.bytes_per_second=65535",
            "--set limits.bytes_per_second: limits.bytes_per_second (65535) may not be below a quarter of limits.max_message_bytes (262144): 65536",
        ),
        (
            "limits.in_flight_bytes=2000",
            "--set limits.in_flight_bytes: limits.in_flight_bytes (2000) may not be below limits.max_message_bytes (262144)",
        ),
        (
            "limits.node_in_flight_bytes=2000",
            "--set limits.node_in_flight_bytes: limits.node_in_flight_bytes (2000) may not be below limits.in_flight_bytes (1048576)",
        ),
    ] {
        assert_eq!(mistakes(&[], &[set]), [told]);
    }
}

#[test]
fn times_must_follow_one_another() {
    assert_eq!(
        mistakes(&[("SWITCHBOARD_SESSION__HEARTBEAT_MS", "25001")], &[]),
        [
            "SWITCHBOARD_SESSION__HEARTBEAT_MS: session.resume_window_ms (60000) may not be below twice (session.heartbeat_ms + 5000): 60002"
        ]
    );
    assert_eq!(
        mistakes(&[], &["session.delivery_deadline_ms=74999"]),
        [
            "--set session.delivery_deadline_ms: session.delivery_deadline_ms (74999) may not be below session.resume_window_ms + 15000: 75000"
        ]
    );
    assert_eq!(
        mistakes(&[], &["session.resume_window_ms=120000"]),
        Vec::<String>::new(),
        "the deadline follows"
    );
    assert_eq!(
        mistakes(
            &[("SWITCHBOARD_SESSION__HEARTBEAT_MS", "40000")],
            &["session.resume_window_ms=90000"]
        ),
        [
            "SWITCHBOARD_SESSION__HEARTBEAT_MS: session.heartbeat_timeout_ms (40000) must exceed session.heartbeat_ms (40000)"
        ]
    );
    assert_eq!(
        mistakes(&[], &["drain.grace_ms=50000"]),
        [
            "--set drain.grace_ms: drain.deadline_ms (60000) may not be below drain.grace_ms + drain.window_ms (80000)"
        ]
    );
    assert_eq!(
        mistakes(&[], &["drain.grace_ms=0", "drain.window_ms=0"]),
        Vec::<String>::new()
    );
}

#[test]
fn zero_is_refused_by_name_except_where_it_means_off() {
    for path in [
        "limits.burst",
        "limits.requests_per_second",
        "limits.sessions",
        "limits.in_flight",
        "room.capacity",
        "drain.deadline_ms",
        "session.heartbeat_ms",
    ] {
        let told = mistakes(&[], &[&format!("{path}=0")]);
        assert!(
            told.len() == 1
                && told[0].starts_with(&format!("--set {path}: 0 is not allowed: 1 to ")),
            "{told:?}"
        );
    }
    assert!(
        mistakes(
            &[],
            &[
                "limits.sessions_per_address=0",
                "limits.connects_per_second=0",
                "limits.connects_per_second_per_address=0",
                "limits.http_per_second_per_address=0",
                "limits.http_per_second_per_user=0",
                "limits.wrong_tokens_per_second_per_address=0",
                "routing.linger_max_us=0"
            ]
        )
        .is_empty()
    );
    assert_eq!(
        mistakes(&[], &["routing.linger_max_us=1001"]),
        ["--set routing.linger_max_us: 1001 is not allowed: 0 to 1000"]
    );
}

#[test]
fn a_value_that_cannot_be_read_breaks_no_rule_as_well() {
    let told = mistakes(
        &[],
        &[
            "session.heartbeat_ms=soon",
            "session.heartbeat_timeout_ms=1",
        ],
    );
    assert_eq!(
        told,
        ["--set session.heartbeat_ms: `soon` is not a whole number of 0 or more"]
    );
}

#[test]
fn beyond_loopback_somebody_must_decide_who_may_connect() {
    let beyond = ("SWITCHBOARD_LISTEN", "0.0.0.0:8080");
    let told = mistakes(&[beyond], &[]);
    assert!(
        told.len() == 1 && told[0].starts_with("SWITCHBOARD_LISTEN: 0.0.0.0:8080 can be reached"),
        "{told:?}"
    );
    assert!(mistakes(&[beyond, SECRET], &[]).is_empty());
    assert!(mistakes(&[beyond], &["auth.mode=open"]).is_empty());
}

#[test]
fn required_needs_a_key_that_is_no_public_one() {
    let told = mistakes(&[], &["auth.mode=required"]);
    assert_eq!(
        told,
        [
            "--set auth.mode: required tokens need a key to check them: set auth.jwt.secret (JWT_SECRET), auth.jwt.public_key_file or auth.jwt.jwks_url"
        ]
    );
    let told = mistakes(&[("JWT_SECRET", "-----BEGIN PUBLIC KEY-----\nMIIB")], &[]);
    assert!(
        told.len() == 1
            && told[0].starts_with("JWT_SECRET: is a PEM key")
            && !told[0].contains("MIIB"),
        "{told:?}"
    );
}

#[test]
fn an_old_secret_has_an_end() {
    const OLD: &str = "auth.jwt.secret_old=0123456789abcdef0123456789abcdee";
    let until = "auth.jwt.secret_old_until=2026-12-31T00:00:00Z";
    assert!(mistakes(&[SECRET], &[OLD, until]).is_empty());
    for half in [OLD, until] {
        let told = mistakes(&[SECRET], &[half]);
        assert!(
            told.len() == 1 && told[0].contains("an old secret has an end"),
            "{told:?}"
        );
    }
    let told = mistakes(&[SECRET], &[OLD, "auth.jwt.secret_old_until=tomorrow"]);
    assert!(
        told[0].contains("`tomorrow` is not a time in UTC"),
        "{told:?}"
    );
}

#[test]
fn a_public_key_is_read_and_a_file_that_holds_none_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("it can be written");
        format!("auth.jwt.public_key_file={}", path.display())
    };
    let good = file(
        "good.pem",
        include_str!("../../../../auth/testdata/p256.pub.pem"),
    );
    assert!(mistakes(&[("SWITCHBOARD_LISTEN", "0.0.0.0:8080")], &[&good]).is_empty());
    for (setting, words) in [
        (
            file(
                "own.pem",
                include_str!("../../../../auth/testdata/rsa-2048.pem"),
            ),
            "own.pem: this is a private key",
        ),
        (
            file("odd.pem", "nonsense"),
            "odd.pem: this is not the PEM of a public key",
        ),
        (
            "auth.jwt.public_key_file=/not/there.pem".into(),
            "/not/there.pem: ",
        ),
    ] {
        let told = mistakes(&[], &[&setting]);
        assert!(told.len() == 1 && told[0].contains(words), "{told:?}");
    }
}

#[test]
fn algorithms_go_by_their_names() {
    assert!(mistakes(&[], &["auth.jwt.algorithms=RS256,EdDSA"]).is_empty());
    let told = mistakes(&[], &["auth.jwt.algorithms=RS256,none"]);
    assert!(
        told.len() == 1
            && told[0].contains("`none` is none of the algorithms that are taken: HS256"),
        "{told:?}"
    );
}

#[test]
fn a_short_secret_and_an_unused_one_are_warned_of() {
    let warnings = load_from(&[("JWT_SECRET", "dev-secret")], &[])
        .expect("usable")
        .warnings;
    assert!(
        warnings.len() == 1 && warnings[0].contains("10 bytes"),
        "{warnings:?}"
    );
    let warnings = load_from(&[SECRET], &["auth.mode=open"])
        .expect("said outright")
        .warnings;
    assert!(
        warnings.len() == 1 && warnings[0].contains("not used"),
        "{warnings:?}"
    );
}

#[test]
fn with_redis_beyond_loopback_others_must_know_where_this_node_is() {
    let beyond = [
        ("SWITCHBOARD_LISTEN", "0.0.0.0:8080"),
        ("REDIS_URL", "redis://cache"),
        SECRET,
    ];
    let told = mistakes(&beyond, &[]);
    assert!(
        told.len() == 1 && told[0].contains("node.ops_address is missing"),
        "{told:?}"
    );
    assert!(mistakes(&beyond, &["node.ops_address=10.0.0.5:8080"]).is_empty());
    for wrong in ["10.0.0.5", "10.0.0.5:0", "http://a:1", ":80"] {
        assert_eq!(
            mistakes(&beyond, &[&format!("node.ops_address={wrong}")]).len(),
            1,
            "{wrong}"
        );
    }
    for host in ["10.0.0.5", "fd00::5", "[fd00::5]", "gw-a.internal"] {
        let told = mistakes(&beyond, &[&format!("node.ops_host={host}")]);
        assert!(told.is_empty(), "{host}: {told:?}");
    }
    for wrong in [
        "10.0.0.5:9090",
        "[fd00::5]:9090",
        "http://a",
        "[gw-a]",
        "10.0.0",
        "999.1.1.1",
        "0.0.0.0",
        "::",
        "$(POD_IP)",
    ] {
        let told = mistakes(&beyond, &[&format!("node.ops_host={wrong}")]);
        assert!(
            told.len() == 1 && told[0].contains(wrong),
            "{wrong}: {told:?}"
        );
        assert_eq!(told[0].contains("listed before"), wrong == "$(POD_IP)");
    }
    let both = ["node.ops_host=10.0.0.5", "node.ops_address=10.0.0.5:9090"];
    assert_eq!(mistakes(&beyond, &both).len(), 1);
}

#[test]
fn texts_must_look_right_and_secrets_are_never_repeated() {
    for set in [
        "redis.key_prefix={a}",
        "log.filter=a=b=c",
        "auth.jwt.user_claims=,",
        "admin.token=hunter2",
        "cluster.key=hunter2",
    ] {
        let told = mistakes(&[], &[set]);
        assert!(
            told.len() == 1 && !told[0].contains("hunter2"),
            "{set}: {told:?}"
        );
    }
}

#[test]
fn files_and_folders_have_to_be_there_and_be_what_they_are_named_for() {
    let (folder, file) = (env!("CARGO_MANIFEST_DIR"), "Cargo.toml");
    for (key, value, words) in [
        ("static_dir", format!("{folder}/{file}"), "is not a folder"),
        (
            "static_dir",
            "/nowhere/at/all".into(),
            "there is no /nowhere/at/all",
        ),
        (
            "socketio.client_file",
            folder.into(),
            "is a folder, not a file",
        ),
        (
            "socketio.client_file",
            "/nowhere/x.js".into(),
            "there is no /nowhere/x.js",
        ),
        (
            "redis.url",
            format!("rediss://h?caFile={folder}"),
            "caFile: ",
        ),
        (
            "redis.url",
            "rediss://h?caFile=/nowhere/ca.pem".into(),
            "there is no /nowhere/ca.pem",
        ),
        (
            "redis.url",
            format!("rediss-cluster://h?certFile={folder}/{file}&keyFile=/nowhere/key.pem"),
            "keyFile: there is no /nowhere/key.pem",
        ),
    ] {
        let told = mistakes(&[], &[&format!("{key}={value}")]);
        let is_told = told.len() == 1
            && told[0].starts_with(&format!("--set {key}: "))
            && told[0].contains(words);
        assert!(is_told, "{key}={value}: {told:?}");
    }
}

#[test]
fn two_listeners_are_not_on_one_port() {
    for (listen, ops, is_wrong) in [
        ("127.0.0.1:8080", "127.0.0.1:8080", true),
        ("127.0.0.1:8080", "0.0.0.0:8080", true),
        ("127.0.0.1:8080", "127.0.0.2:8080", false),
        ("127.0.0.1:8080", "127.0.0.1:9090", false),
        ("127.0.0.1:0", "127.0.0.1:0", false),
    ] {
        let told = mistakes(
            &[],
            &[&format!("listen={listen}"), &format!("ops_listen={ops}")],
        );
        assert_eq!(
            told.len(),
            usize::from(is_wrong),
            "{listen} {ops}: {told:?}"
        );
    }
}

#[test]
fn sessions_give_way_to_the_limit_of_open_files() {
    let sources = |set: Option<&str>| Sources {
        open_files_max: Some(1024),
        flags: set
            .map(|value| Flag {
                name: "--set".into(),
                path: "limits.sessions".into(),
                value: value.into(),
            })
            .into_iter()
            .collect(),
        ..Sources::default()
    };
    let loaded = load(&sources(None)).expect("no mistakes");
    assert_eq!(
        (loaded.config.limits.sessions, loaded.warnings.len()),
        (928, 0)
    );
    assert!(
        loaded
            .to_toml()
            .contains("sessions = 928  # the open-file limit, 1024")
    );
    let loaded = load(&sources(Some("5000"))).expect("no mistakes");
    assert_eq!(
        (loaded.config.limits.sessions, loaded.warnings.len()),
        (5000, 1)
    );
}
