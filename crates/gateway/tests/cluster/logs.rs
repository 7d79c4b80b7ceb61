//! Lines of the log name sessions, rooms and nodes in fields of one name each, and tell nothing that is a client's own.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use switchboard_protocol::{Connection, PeerId};
use switchboard_testkit::GatewayProcess;

use crate::support::{Cluster, Peer, SECRET_SETTING, hear, options, token};

const ROOM: &str = "private-study-1";
const SDP: &str = r#"{"type":"offer","sdp":"v=0 192.0.2.77 a=ice-pwd:asd88fgpdd777uzjYhagZg"}"#;
const ALL: &str = "log.filter=info,switchboard_cluster=debug,switchboard_connection=debug,switchboard_gateway=debug";

/// The lines of a gateway, each of which is JSON; not one of which it has written only a part.
fn lines(gateway: &GatewayProcess) -> Vec<Value> {
    let log = gateway.log();
    let line = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let whole = log.rfind('\n').map_or("", |end| &log[..end]);
    whole.lines().map(line).collect()
}

/// Whether a line with this message has these fields.
fn says(gateway: &GatewayProcess, message: &str, fields: &[(&str, &str)]) -> bool {
    lines(gateway).iter().any(|line| {
        let says = line["message"]
            .as_str()
            .is_some_and(|said| said.starts_with(message));
        says && fields.iter().all(|(field, value)| line[*field] == *value)
    })
}

fn node_id(gateway: &GatewayProcess) -> String {
    let (_, health) = gateway.get("/health");
    let health: Value = serde_json::from_str(&health).expect("JSON");
    health["node"]
        .as_str()
        .expect("a node has an id")
        .to_owned()
}

async fn enter(gateway: &GatewayProcess, user: &str) -> (Peer, String) {
    let token = token(user, serde_json::json!({ "rooms": [ROOM] }));
    let mut options = options(gateway);
    options.token = Some(token.clone());
    let mut peer = Peer::open(&options).await.expect("it is let in");
    peer.join(ROOM).await;
    (peer, token)
}

#[tokio::test]
async fn a_line_about_a_session_a_room_or_a_node_names_it_in_its_field() {
    let settings = [
        ALL,
        SECRET_SETTING,
        "cluster.lease_ms=2000",
        "drain.grace_ms=0",
        "drain.window_ms=100",
    ];
    let mut cluster = Cluster::start(3, &settings);
    let ids: Vec<_> = cluster.nodes.iter().map(node_id).collect();
    let (mut alice, alices) = enter(&cluster.nodes[0], "alice").await;
    let (mut bob, bobs) = enter(&cluster.nodes[1], "bob").await;
    let (carol, carols) = enter(&cluster.nodes[2], "carol").await;
    let (mut dave, daves) = enter(&cluster.nodes[1], "dave").await;
    hear!(bob, MemberJoined, |joined| joined.member.peer == dave.id);
    alice.signal(ROOM, Some(bob.id), "offer", SDP);
    hear!(bob, Signal);
    dave.leave(ROOM).await;
    let secrets = [&alice, &bob, &carol, &dave].map(|peer| peer.welcome.resume.secret.clone());
    let secrets = [&secrets[..], &[alices, bobs, carols, daves]].concat();

    let [a, b, d] = [&alice, &bob, &dave].map(|peer| peer.id.to_string());
    let [a, b, d] = [&a, &b, &d].map(|id| ("session.id", id.as_str()));
    let room = ("room.id", ROOM);
    let [first, second] = [&cluster.nodes[0], &cluster.nodes[1]];
    wait_for_line(first, "this node serves", &[("node.id", &ids[0])]);
    wait_for_line(first, "a session came", &[a]);
    wait_for_line(first, "a session joined a room", &[a, room]);
    wait_for_line(second, "a session left a room", &[d, room]);
    let bob = bob.lose();
    wait_for_line(second, "a session lost its connection", &[b]);
    hear!(alice, MemberUpdated, |updated| updated.peer == bob.peer);

    cluster.nodes[2].kill();
    let gone = hear!(alice, MemberUpdated, |updated| updated.peer == carol.id);
    assert_eq!(gone.connection, Some(Connection::Away));
    let is_said = |node: &GatewayProcess| says(node, "a node is gone", &[("node.id", &ids[2])]);
    cluster.nodes[0].wait_until("the reaper, or the other one", |node| {
        is_said(node) || is_said(&cluster.nodes[1])
    });

    cluster.nodes[1].terminate();
    let told = "a session was told to go on at another node";
    wait_for_line(&cluster.nodes[1], told, &[d]);
    drop(dave);
    cluster.nodes[1].wait();

    let sessions = [alice.id, bob.peer, carol.id];
    for line in cluster.nodes.iter().flat_map(lines) {
        only_as_fields(&line, &sessions, &ids);
    }
    nothing_private(&cluster, &secrets);
}

fn wait_for_line(node: &GatewayProcess, message: &str, fields: &[(&str, &str)]) {
    node.wait_until(message, |node| says(node, message, fields));
}

/// No line has a client's address, what a signal carries, or one of these.
fn nothing_private(cluster: &Cluster, secrets: &[String]) {
    let nodes = cluster.nodes.iter();
    let ports = nodes.clone().map(|node| node.address().port());
    let ports: Vec<_> = ports.chain([cluster.redis.port()]).collect();
    let secrets = secrets.iter().map(String::as_str);
    let private: Vec<_> = secrets.chain(["192.0.2.77", "ice-pwd"]).collect();
    for line in nodes.flat_map(lines) {
        let text = line.to_string();
        let clients = ports_in(&text).find(|port| !ports.contains(port));
        assert_eq!(clients, None, "the address of a client: {text}");
        for private in &private {
            assert!(!text.contains(private), "{text}");
        }
    }
}

/// Of this machine, wherever they stand.
fn ports_in(text: &str) -> impl Iterator<Item = u16> {
    text.split("127.0.0.1:").skip(1).filter_map(|rest| {
        let digits = rest.split(|letter: char| !letter.is_ascii_digit()).next()?;
        digits.parse().ok()
    })
}

/// What the words of a line name, its fields name as well.
fn only_as_fields(line: &Value, sessions: &[PeerId], nodes: &[String]) {
    let words = line["message"].as_str().unwrap_or_default();
    let names_in = |field: &str, id: &str| !words.contains(id) || line[field] == *id;
    assert!(
        sessions
            .iter()
            .all(|id| names_in("session.id", id.as_str())),
        "{line}"
    );
    assert!(nodes.iter().all(|id| names_in("node.id", id)), "{line}");
    assert!(names_in("room.id", ROOM), "{line}");
}

/// Every Rust file below.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let below = folders.iter().flat_map(|folder| sources(folder));
    let rust = files
        .into_iter()
        .filter(|path| path.extension().is_some_and(|ext| ext == "rs"));
    rust.chain(below.collect::<Vec<_>>()).collect()
}

/// The arguments of each call that logs, up to its words.
fn fields_of_calls(source: &str) -> Vec<String> {
    let levels = ["error!(", "warn!(", "info!(", "debug!(", "trace!("];
    let calls = source.match_indices("tracing::").filter_map(|(at, found)| {
        let rest = &source[at + found.len()..];
        let call = levels.iter().find_map(|level| rest.strip_prefix(level))?;
        Some(call[..call.find('"').unwrap_or(call.len())].to_owned())
    });
    calls.collect()
}

/// A new line that names a session `peer`, or a node `%node`, is one that nobody finds.
#[test]
fn no_call_names_a_session_a_room_or_a_node_by_another_field() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut calls = 0;
    for path in ["gateway/src", "cluster/src"]
        .iter()
        .flat_map(|path| sources(&crates.join(path)))
    {
        let source = fs::read_to_string(&path).expect("a source");
        for fields in fields_of_calls(&source) {
            calls += 1;
            for field in fields
                .split(',')
                .map(str::trim)
                .filter(|field| !field.is_empty())
            {
                let name = field.split('=').next().unwrap_or_default().trim();
                let name = name.trim_start_matches(['%', '?']);
                let words = name.split(['.', '_']).collect::<Vec<_>>();
                let names_somebody = [
                    "session", "room", "node", "peer", "dead", "from", "to", "who",
                ];
                let is_named = words.iter().any(|word| names_somebody.contains(word));
                let is_right = ["session.id", "room.id", "node.id"].contains(&name);
                assert!(!is_named || is_right, "{}: `{name}`", path.display());
            }
        }
    }
    assert!(calls > 40, "only {calls} calls were found");
}
