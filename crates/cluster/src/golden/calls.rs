//! What a node said to Redis, kept and said again.
//!
//! ```text
//! {"script": name, "keys": […], "args": […], "answer": …}  or  {"command": […], "answer": …}
//! ```

use fred::clients::Client;
use fred::interfaces::ClientLike;
use fred::types::{ClusterHash, CustomCommand, Value as Reply};
use serde_json::{Value, json};
use switchboard_protocol::PeerId;

use super::text::{meant, shown};

/// Commands of the directory and the leases; all else is about connections.
const KEPT: [&str; 16] = [
    "HSET", "HSETNX", "HGET", "HMGET", "HGETALL", "HKEYS", "HDEL", "SADD", "SREM", "SMEMBERS",
    "SET", "GET", "MGET", "DEL", "EXISTS", "EVALSHA",
];

/// The call in these words, if it is one to keep. `name_of` knows scripts by their hash.
pub(super) fn kept(words: &[Vec<u8>], name_of: impl Fn(&str) -> Option<String>) -> Option<Value> {
    let text = |at: usize| {
        words
            .get(at)
            .map(|word| String::from_utf8_lossy(word).to_uppercase())
    };
    let command = text(0).filter(|command| KEPT.contains(&&**command))?;
    if command != "EVALSHA" {
        return Some(json!({ "command": list(words) }));
    }
    let sha = text(1)?.to_lowercase();
    let name = name_of(&sha).unwrap_or_else(|| panic!("a script with the hash {sha}"));
    let keys: usize = text(2)?.parse().ok()?;
    let (keys, args) = words.get(3..)?.split_at_checked(keys)?;
    // It tries what Redis can do, under keys of its own.
    (name != "probe").then(|| json!({ "script": name, "keys": list(keys), "args": list(args) }))
}

fn list(words: &[Vec<u8>]) -> Value {
    words.iter().map(|word| shown(word)).collect()
}

/// Makes the call with these scripts, by name; gives its answer, without times and in an order that is always the same.
pub(super) async fn make(client: &Client, call: &Value, scripts: &[(String, String)]) -> Value {
    let words = |field: &str| {
        let words = call[field].as_array().cloned().unwrap_or_default();
        words.iter().map(meant).collect::<Vec<_>>()
    };
    let Some(name) = call["script"].as_str() else {
        return in_order(
            call["command"][0].as_str(),
            timeless(ask(client, words("command")).await),
        );
    };
    let script = scripts.iter().find(|(known, _)| known == name);
    let (_, source) = script.unwrap_or_else(|| panic!("no script {name}"));
    let count = words("keys").len().to_string();
    let head = ["EVAL", source, &count].map(|word| word.as_bytes().to_vec());
    let all = [&head[..], &words("keys"), &words("args")].concat();
    in_order(None, timeless(ask(client, all).await))
}

/// What Redis answers to these words.
pub(super) async fn ask(client: &Client, mut words: Vec<Vec<u8>>) -> Value {
    let rest = words.split_off(1);
    let command = String::from_utf8_lossy(&words.concat()).into_owned();
    let custom = CustomCommand::new(command.clone(), ClusterHash::FirstKey, false);
    let args: Vec<Reply> = rest
        .into_iter()
        .map(|word| Reply::Bytes(word.into()))
        .collect();
    let reply: Result<Reply, _> = client.custom(custom, args).await;
    answer(reply.unwrap_or_else(|error| panic!("{command}: {error}")))
}

fn answer(reply: Reply) -> Value {
    match reply {
        Reply::Null => Value::Null,
        Reply::Integer(number) => json!(number),
        Reply::Array(replies) => replies.into_iter().map(answer).collect(),
        Reply::String(text) => shown(text.as_bytes()),
        Reply::Bytes(bytes) => shown(&bytes),
        other => panic!("an answer of another kind: {other:?}"),
    }
}

/// Hashes and sets have no order: not as answers, and not where a script lists who is in a room or on which nodes.
fn in_order(command: Option<&str>, answer: Value) -> Value {
    match (command, answer) {
        (Some("SMEMBERS" | "HKEYS"), Value::Array(words)) => sorted(words, 1),
        (Some("HGETALL"), Value::Array(words)) => sorted(words, 2),
        (None, Value::Array(answers)) => answers.into_iter().map(listed).collect(),
        (_, answer) => answer,
    }
}

/// A list within the answer of a script: of nodes, or of members with their records.
fn listed(answer: Value) -> Value {
    let Value::Array(words) = answer else {
        return answer;
    };
    let is_peer = |word: &Value| {
        word.as_str()
            .is_some_and(|word| word.parse::<PeerId>().is_ok())
    };
    let width = if words.first().is_some_and(is_peer) {
        2
    } else {
        1
    };
    sorted(words, width)
}

fn sorted(words: Vec<Value>, width: usize) -> Value {
    let mut groups: Vec<_> = words.chunks(width).map(<[_]>::to_vec).collect();
    groups.sort_unstable_by_key(|group| group[0].to_string());
    Value::Array(groups.concat())
}

/// Without what Redis's clock says: thirteen digits and more.
fn timeless(answer: Value) -> Value {
    match answer {
        Value::Array(answers) => answers.into_iter().map(timeless).collect(),
        Value::Null | Value::Number(_) => answer,
        text => shown(&without_times(&meant(&text))),
    }
}

fn without_times(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for piece in bytes.chunk_by(|one, other| one.is_ascii_digit() == other.is_ascii_digit()) {
        let is_time = piece.len() >= 13 && piece[0].is_ascii_digit();
        out.extend_from_slice(if is_time { b"<time>" } else { piece });
    }
    out
}
