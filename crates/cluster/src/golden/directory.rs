//! A directory on a real Redis: filled by one release, and read, changed and resumed by another.

use fred::clients::Client;
use fred::interfaces::ClientLike;
use fred::types::Builder;
use fred::types::config::Config;
use serde_json::{Value, json};
use switchboard_testkit::RedisServer;

use super::calls::{ask, kept, make};
use super::monitor::Monitor;
use super::set::{Set, pretty};
use super::story::{change, fill};
use super::text::text;
use crate::Backend;
use crate::backend::redis::{RedisConfig, connect, script};

/// An empty Redis, a node's way to it, and somebody else's.
struct Stage {
    redis: RedisServer,
    backend: Backend,
    client: Client,
}

async fn stage() -> Stage {
    let redis = RedisServer::start_empty();
    let backend = connect(&RedisConfig::new(redis.url())).expect("the URL is right");
    let mut reach = backend.reach.clone();
    let reached = reach.wait_for(crate::Reach::is_reached).await;
    reached.expect("the backend lives");
    let config = Config::from_url(&redis.url()).expect("a URL");
    let client = Builder::from_config(config).build().expect("a client");
    client.init().await.expect("Redis is there");
    Stage {
        redis,
        backend,
        client,
    }
}

/// The present scripts, by name.
fn scripts() -> Vec<(String, String)> {
    let all = script::all().into_iter();
    all.filter_map(|script| Some((script.name.to_owned(), script.source.lua()?.to_string())))
        .collect()
}

async fn overheard(stage: &Stage, part: impl AsyncFnOnce(&Backend)) -> Vec<Value> {
    let monitor = Monitor::start(&stage.redis);
    part(&stage.backend).await;
    let name_of = |sha: &str| {
        let known = script::all()
            .into_iter()
            .find(|script| **script.source.sha1() == *sha);
        known.map(|script| script.name.to_owned())
    };
    let heard = monitor.heard(&stage.redis);
    heard
        .iter()
        .filter_map(|words| kept(words, name_of))
        .collect()
}

/// `calls.json`, `directory.json`, `answers.txt` and the scripts.
pub(super) async fn made() -> Vec<(String, String)> {
    let overhearing = stage().await;
    for (_, source) in scripts() {
        overhearing.redis.call(&["SCRIPT", "LOAD", &source]);
    }
    let mut answers = String::new();
    let mut calls = [("fill", Vec::new()), ("change", Vec::new())];
    calls[0].1 = overheard(&overhearing, fill).await;
    calls[1].1 = overheard(&overhearing, async |backend| {
        answers = change(backend).await
    })
    .await;

    let answering = stage().await;
    let mut directory = Vec::new();
    for (half, calls) in &mut calls {
        for call in calls.iter_mut() {
            call["answer"] = make(&answering.client, call, &scripts()).await;
            call["half"] = json!(half);
        }
        if *half == "fill" {
            directory = held(&answering.client).await;
        }
    }
    let calls: Vec<_> = calls.into_iter().flat_map(|(_, calls)| calls).collect();
    let scripts = scripts().into_iter();
    let files = scripts.map(|(name, source)| (format!("scripts/{name}.lua"), source));
    let others = [
        ("calls.json".to_owned(), pretty(&calls)),
        ("directory.json".to_owned(), pretty(&directory)),
        ("answers.txt".to_owned(), answers),
    ];
    files.chain(others).collect()
}

/// Every key, with the command that writes it.
async fn held(client: &Client) -> Vec<Value> {
    let say = async |words: &[&str]| {
        let words = words.iter().map(|word| word.as_bytes().to_vec());
        match ask(client, words.collect()).await {
            Value::Array(answers) => answers,
            one => vec![one],
        }
    };
    let mut keys: Vec<String> = say(&["KEYS", "*"]).await.iter().map(plain).collect();
    keys.sort_unstable();
    let mut held = Vec::new();
    for key in keys {
        let kind = say(&["TYPE", &key]).await;
        let (write, read) = match &*plain(&kind[0]) {
            "hash" => ("HSET", "HGETALL"),
            "set" => ("SADD", "SMEMBERS"),
            _ => ("SET", "GET"),
        };
        let words = [vec![json!(write), json!(key)], say(&[read, &key]).await].concat();
        held.push(json!({ "command": words }));
    }
    held
}

fn plain(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

async fn replay(client: &Client, set: &Set, half: &str) {
    let (calls, scripts) = (set.json("calls.json"), set.scripts());
    let of_half = calls
        .as_array()
        .expect("a list")
        .iter()
        .filter(|call| text(call, "half") == half);
    for call in of_half {
        let answer = make(client, call, &scripts).await;
        assert_eq!(answer, call["answer"], "{call}");
    }
}

#[tokio::test]
async fn what_a_node_of_every_release_writes_is_read_changed_and_resumed() {
    for set in Set::all() {
        let stage = stage().await;
        replay(&stage.client, &set, "fill").await;
        assert_eq!(change(&stage.backend).await, set.text("answers.txt"));
    }
}

#[tokio::test]
async fn what_this_build_writes_is_read_changed_and_resumed_by_a_node_of_every_release() {
    for set in Set::all() {
        let stage = stage().await;
        fill(&stage.backend).await;
        replay(&stage.client, &set, "change").await;
    }
}

#[tokio::test]
async fn a_directory_that_a_release_left_behind_is_read_changed_and_resumed() {
    for set in Set::all() {
        let stage = stage().await;
        let held = set.json("directory.json");
        for write in held.as_array().expect("a list") {
            make(&stage.client, write, &[]).await;
        }
        assert_eq!(change(&stage.backend).await, set.text("answers.txt"));
    }
}

/// But for the one that tries what a Redis can do, under keys of its own. Scripts that no release has yet are held by the
/// conformance suite alone.
#[test]
fn the_story_calls_every_script_of_the_last_release() {
    let set = Set::latest();
    let calls = set.json("calls.json");
    let calls = calls.as_array().expect("a list");
    for (name, _) in set.scripts() {
        let is_called = |call: &Value| call["script"] == *name;
        assert!(name == "probe" || calls.iter().any(is_called), "{name}");
    }
}
