//! The binary as operators meet it: what it prints, where, and how it ends.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

use switchboard_testkit::GatewayProcess;
use tempfile::TempDir;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// The binary in an environment that holds nothing but `variables`.
fn switchboard(variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_switchboard"))
        .env_clear()
        .envs(variables.iter().copied())
        .args(arguments)
        .output()
        .expect("the binary starts")
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).expect("text on standard output")
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).expect("text on standard error")
}

fn file(text: &str) -> (TempDir, String) {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("switchboard.toml");
    std::fs::write(&path, text).expect("a file");
    (folder, path.to_string_lossy().into_owned())
}

#[test]
fn each_source_wins_over_the_one_before_and_is_named() {
    let (_folder, path) = file("[room]\ncapacity = 2\ncapacity_max = 20\nmax_per_session = 4\n");
    let output = switchboard(
        &[
            ("SWITCHBOARD_ROOM__CAPACITY", "3"),
            ("SWITCHBOARD_ROOM__CAPACITY_MAX", "30"),
        ],
        &[
            "check-config",
            "--config",
            &path,
            "--set",
            "room.capacity=5",
        ],
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    for line in [
        "capacity = 5  # --set room.capacity",
        "capacity_max = 30  # SWITCHBOARD_ROOM__CAPACITY_MAX",
        "max_per_session = 4  # switchboard.toml:4",
        "hello_timeout_ms = 10000",
        "mode = \"open\"  # by rule",
        "# ops_listen is unset",
    ] {
        assert!(
            stdout(&output).lines().any(|printed| printed == line),
            "{line} in {}",
            stdout(&output)
        );
    }
}

#[test]
fn what_check_config_prints_is_a_configuration_again() {
    let printed = switchboard(
        &[
            ("PORT", "9000"),
            ("ALLOWED_ORIGINS", "https://a.com,https://b.com"),
        ],
        &["check-config"],
    );
    let (_folder, path) = file(stdout(&printed));
    let output = switchboard(&[("SWITCHBOARD_CONFIG", &path)], &["check-config"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("listen = \"127.0.0.1:9000\""));
    assert!(stdout(&output).contains("origins = [\"https://a.com\", \"https://b.com\"]"));
}

#[test]
fn secrets_are_masked() {
    let output = switchboard(
        &[
            ("JWT_SECRET", SECRET),
            ("REDIS_URL", "redis://app:redis-password@cache:6379"),
            ("SWITCHBOARD_CLUSTER__KEY", "cluster-key-cluster-key"),
            ("SWITCHBOARD_ADMIN__TOKEN", "admin-token-admin-token"),
            ("SWITCHBOARD_ICE__FETCH__URL", "https://turn.example/keys"),
            (
                "SWITCHBOARD_ICE__FETCH__HEADERS",
                "Authorization: Bearer turn-key\nX-Account: other-key",
            ),
            ("SWITCHBOARD_ICE__FETCH__BODY", "key=body-key"),
        ],
        &["check-config"],
    );
    let printed = format!("{}{}", stdout(&output), stderr(&output));
    for secret in [
        SECRET,
        "redis-password",
        "cluster-key-cluster-key",
        "admin-token-admin-token",
        "turn-key",
        "other-key",
        "body-key",
    ] {
        assert!(!printed.contains(secret), "{printed}");
    }
    assert!(
        printed.contains("url = \"redis://app:********@cache:6379\"  # REDIS_URL"),
        "{printed}"
    );
}

#[test]
fn every_mistake_is_told_at_once_by_the_name_that_was_typed() {
    let (_folder, path) = file("[sesion]\nheartbeat_ms = 1\n[limits]\nburst = 0\n");
    let variables = [
        ("SWITCHBOARD_REDIS_URL", "redis://x"),
        ("REDIS_URL", "redis-clusters://secret@x"),
        ("PORT", "http"),
    ];
    let arguments = [
        "--config",
        &path,
        "--listen",
        "everywhere",
        "--set",
        "room.capacty=1",
        "--origin",
        "a.com",
    ];
    for command in ["serve", "check-config"] {
        let output = switchboard(&variables, &[&[command], &arguments[..]].concat());
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(stdout(&output), "");
        let told = stderr(&output);
        for name in [
            "8 mistakes",
            "switchboard.toml:1: sesion: there is no table `sesion`; did you mean `session`?",
            "switchboard.toml:4: limits.burst: 0 is not allowed",
            "PORT: a port is a number",
            "REDIS_URL: the Redis URL must begin with",
            "SWITCHBOARD_REDIS_URL: no key has this name; did you mean `SWITCHBOARD_REDIS__URL`?",
            "--listen: `everywhere` is not an address",
            "--origin: `a.com` is not an origin",
            "--set room.capacty: there is no key `room.capacty`; did you mean `room.capacity`?",
        ] {
            assert!(told.contains(name), "{name} in {told}");
        }
        assert!(!told.contains("secret@"), "{told}");
    }
}

#[test]
fn a_file_that_is_missing_is_told_by_what_named_it() {
    let output = switchboard(&[], &["check-config", "--config", "/nowhere/x.toml"]);
    assert!(
        stderr(&output).contains("--config: there is no /nowhere/x.toml"),
        "{}",
        stderr(&output)
    );
    let output = switchboard(
        &[("SWITCHBOARD_CONFIG", "/nowhere/x.toml")],
        &["check-config"],
    );
    assert!(
        stderr(&output).contains("SWITCHBOARD_CONFIG: there is no /nowhere/x.toml"),
        "{}",
        stderr(&output)
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_short_secret_works_with_a_warning() {
    let output = switchboard(&[("JWT_SECRET", "dev-secret")], &["check-config"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(
        stderr(&output).starts_with("warning: auth.jwt.secret has 10 bytes"),
        "{}",
        stderr(&output)
    );
    assert!(stdout(&output).contains("mode = \"required\"  # by rule"));
}

#[test]
fn token_prints_the_token_and_nothing_else() {
    let arguments = [
        "token",
        "--user",
        "alice",
        "--room",
        "study-*",
        "--can",
        "join,signal",
        "--ttl",
        "7d",
    ];
    let output = switchboard(&[("JWT_SECRET", SECRET)], &arguments);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let (token, rest) = stdout(&output).split_once('\n').expect("a line");
    assert!(token.split('.').count() == 3 && rest.is_empty() && stderr(&output).is_empty());
}

#[test]
fn token_without_a_secret_says_what_is_missing() {
    let output = switchboard(&[], &["token", "--user", "alice"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("set JWT_SECRET"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_command_line_that_is_not_understood_ends_with_2() {
    for arguments in [
        &["--lisen", "x"][..],
        &["check-config", "--set", "room.capacity"],
        &["token", "--user", "alice", "--can", "fly"],
        &["token", "--user", "alice", "--room", "a*b"],
        &["token", "--user", "alice", "--ttl", "soon"],
        &["token"],
        &["drain", "--share", "20"],
        &["drain", "--share", "0"],
        &["drain", "--window-ms", "soon"],
    ] {
        assert_eq!(
            switchboard(&[("JWT_SECRET", SECRET)], arguments)
                .status
                .code(),
            Some(2),
            "{arguments:?}"
        );
    }
}

#[test]
fn help_teaches_by_example() {
    let output = switchboard(&[], &["--help"]);
    assert_eq!(output.status.code(), Some(0));
    for part in [
        "Examples:",
        "--redis-url redis://127.0.0.1:6379",
        "switchboard token --user alice",
        "check-config",
        "switchboard drain --share 20%",
    ] {
        assert!(stdout(&output).contains(part), "{part}");
    }
    let output = switchboard(&[], &["drain", "--help"]);
    for part in [
        "Examples:",
        "switchboard drain --share 20% --config switchboard.toml",
        "--no-wait",
        "[default: move all and stop]",
    ] {
        assert!(stdout(&output).contains(part), "{part}");
    }
}

#[test]
fn healthcheck_asks_at_the_configured_address() {
    let node = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = node.local_addr().expect("an address").to_string();
    let answering = std::thread::spawn(move || {
        ["200 OK", "503 Service Unavailable"].map(|status| {
            let (mut socket, _) = node.accept().expect("a connection");
            let mut request = [0; 512];
            let length = socket.read(&mut request).expect("a request");
            write!(socket, "HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n")
                .expect("an open socket");
            String::from_utf8_lossy(&request[..length]).into_owned()
        })
    });
    // A mount that has gone meanwhile does not make a node ill.
    let gone = "rediss://redis:6379?caFile=/nowhere/ca.crt";
    let mounts = [
        ("SWITCHBOARD_REDIS__URL", gone),
        ("SWITCHBOARD_STATIC_DIR", "/nowhere"),
    ];
    let well = switchboard(&mounts, &["healthcheck", "--listen", &address]);
    assert_eq!(well.status.code(), Some(0), "{}", stderr(&well));
    let unwell = switchboard(&[], &["healthcheck", "--ready", "--listen", &address]);
    assert_eq!(unwell.status.code(), Some(1));
    assert_eq!(
        stderr(&unwell),
        format!("http://{address}/readyz answered 503\n")
    );
    let requests = answering.join().expect("the answers");
    assert!(
        requests[0].starts_with("GET /healthz HTTP/1.1\r\n")
            && requests[1].starts_with("GET /readyz ")
    );

    let nobody = switchboard(
        &[],
        &["healthcheck", "--url", &format!("http://{address}/healthz")],
    );
    assert_eq!(nobody.status.code(), Some(1));
    assert!(
        stderr(&nobody).starts_with("no answer from http://"),
        "{}",
        stderr(&nobody)
    );
}

const ADMIN: &str = "admin-token-admin-token";

#[test]
fn drain_stops_a_node_and_says_what_became_of_its_clients() {
    let setting = format!("admin.token={ADMIN}");
    let mut node = GatewayProcess::start_ready(env!("CARGO_BIN_EXE_switchboard"), &[&setting]);
    let url = format!("http://{}/", node.address());
    let admin = [("SWITCHBOARD_ADMIN__TOKEN", ADMIN)];
    // It is alone: a share has nowhere to go.
    let refused = switchboard(&admin, &["drain", "--url", &url, "--share", "20%"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        stderr(&refused).contains("answered 409: this node is alone"),
        "{}",
        stderr(&refused)
    );
    let output = switchboard(&admin, &["drain", "--url", &url]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let lines: Vec<_> = stdout(&output).lines().collect();
    assert!(
        lines.len() == 2
            && lines[0].ends_with(" moves its 0 connections and stops")
            && lines[1].ends_with(
                " has stopped; when last asked: 0 moved, 0 closed, 0 left by themselves"
            ),
        "{lines:?}"
    );
    assert_eq!(node.wait().code(), Some(0), "{}", node.log());

    let nobody = switchboard(&admin, &["drain", "--url", &url]);
    assert_eq!(nobody.status.code(), Some(1));
    assert!(
        stderr(&nobody).starts_with("no answer from http://"),
        "{}",
        stderr(&nobody)
    );
}

#[test]
fn drain_says_which_token_is_missing_and_where() {
    let output = switchboard(&[], &["drain"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("set SWITCHBOARD_ADMIN__TOKEN"),
        "{}",
        stderr(&output)
    );
    let node = GatewayProcess::start_ready(env!("CARGO_BIN_EXE_switchboard"), &[]);
    let url = format!("http://{}", node.address());
    let output = switchboard(&[], &["drain", "--url", &url, "--token", ADMIN]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("answered 403: the server API is closed: set admin.token"),
        "{}",
        stderr(&output)
    );
    let output = switchboard(
        &[],
        &["drain", "--url", "ftp://gw.example", "--token", ADMIN],
    );
    assert!(
        stderr(&output).contains("only http:// and https:// are understood here"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn an_answer_that_nobody_wants_is_no_failure_and_one_that_cannot_be_written_is() {
    let answer = |out: Stdio, err: Stdio| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_switchboard"));
        command.env_clear().env("JWT_SECRET", SECRET);
        let command = command.args(["token", "--user", "alice"]);
        let ended = command.stdout(out).stderr(err).output();
        let ended = ended.expect("the binary starts");
        (ended.status.code(), stderr(&ended).to_owned())
    };
    let full = || {
        let full = std::fs::File::options().write(true).open("/dev/full");
        full.expect("Linux has one").into()
    };
    let unread = || {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        writer.into()
    };
    let piped = Stdio::piped;
    assert_eq!(answer(unread(), piped()), (Some(0), String::new()));
    let (code, words) = answer(full(), piped());
    assert_eq!(code, Some(1));
    assert!(
        words.contains("cannot write to standard output: "),
        "{words}"
    );
    assert_eq!(answer(full(), full()).0, Some(1));
}

#[test]
fn the_last_line_of_a_node_that_cannot_start_says_why() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let output = switchboard(&[], &["--listen", &address]);
    assert_eq!(output.status.code(), Some(1));
    let last = stderr(&output).lines().last().unwrap_or_default();
    assert!(
        last.contains(&format!("cannot listen on {address}")),
        "{last}"
    );
}
