//! Resume secrets.

use serde_json::{Value, json};

use super::samples::{key, peer, user};
use super::set::Set;
use super::text::text;
use crate::link::keyring::Keyring;
use crate::sessions::secret::{check, issue};

pub(super) fn made() -> Vec<Value> {
    let cases = [
        ('A', "alice", 1),
        ('B', "어머니 50% {a}", 7),
        ('C', "c", 4_000_000_000_000),
    ];
    let entry = |(letter, name, epoch): (char, &str, u64)| {
        let secret = issue(&key(), &peer(letter), &user(name), epoch);
        json!({ "peer": peer(letter), "user": name, "epoch": epoch, "secret": secret })
    };
    cases.into_iter().map(entry).collect()
}

#[test]
fn secrets_of_every_release_are_good_for_their_session_and_epoch() {
    let keyring = Keyring::default();
    keyring.set(key());
    for set in Set::all() {
        let entries = set.json("secrets.json");
        for entry in entries.as_array().expect("a list") {
            let secret = text(entry, "secret");
            let peer = text(entry, "peer").parse().expect("a peer id");
            let epoch = check(&keyring, secret, &peer, &user(text(entry, "user")));
            assert_eq!(epoch, entry["epoch"].as_u64(), "{entry}");
            assert_eq!(check(&keyring, secret, &peer, &user("mallory")), None);
        }
    }
}

#[test]
fn secrets_are_made_as_by_the_last_release() {
    assert_eq!(Value::Array(made()), Set::latest().json("secrets.json"));
}
