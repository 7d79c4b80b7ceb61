//! Records of members, as scripts write them.

use serde_json::{Value, json};

use super::samples::{all_flags, member, profiles, unread_member};
use super::set::Set;
use super::text::{assert_says, meant, shown, text};
use crate::backend::record::{Flags, MemberRecord};
use crate::backend::redis::keys::encode_user;
use crate::backend::redis::record::{ScriptRecord, read};

/// Every flag, every profile, and one that another release wrote.
fn samples() -> Vec<MemberRecord> {
    let flagged = all_flags().map(|flags| member(flags, profiles()[3].clone()));
    let profiled = profiles().map(|profile| member(Flags::default(), profile));
    flagged.chain(profiled).chain([unread_member()]).collect()
}

pub(super) fn made() -> Vec<Value> {
    let entry = |member: MemberRecord| {
        let record = record(&member);
        let peer = member.peer;
        json!({ "peer": peer, "record": shown(&record), "member": readable(&member) })
    };
    samples().into_iter().map(entry).collect()
}

/// As `scripts/room.lua` puts it together.
fn record(member: &MemberRecord) -> Vec<u8> {
    let ScriptRecord {
        version,
        flags,
        rest,
    } = ScriptRecord::of(member);
    let (epoch, node, order, joined_at) =
        (member.epoch, &member.node, member.order, member.joined_at);
    let user = encode_user(&member.user);
    let head = format!("{version} {epoch} {node} {order} {flags} {user} {joined_at} ");
    [head.as_bytes(), &rest].concat()
}

pub(super) fn readable(member: &MemberRecord) -> Value {
    serde_json::to_value(member).expect("it can be written as JSON")
}

#[test]
fn records_of_every_release_say_what_they_said() {
    for set in Set::all() {
        let entries = set.json("records.json");
        for entry in entries.as_array().expect("a list") {
            let record = meant(&entry["record"]);
            let peer = text(entry, "peer").parse().expect("a peer id");
            let member = read(peer, &record).expect("its head is readable");
            assert_says(
                &readable(&member),
                &entry["member"],
                &entry["record"].to_string(),
            );
        }
    }
}

/// New samples go behind those that are there.
#[test]
fn records_are_written_as_by_the_last_release() {
    let (entries, made) = (Set::latest().json("records.json"), made());
    for (entry, now) in entries.as_array().expect("a list").iter().zip(&made) {
        assert_eq!(now["record"], entry["record"], "{}", entry["member"]);
    }
}

/// Whoever moves such a member writes it again as it was.
#[test]
fn of_a_version_that_this_build_does_not_know_the_tail_is_kept() {
    for entry in made() {
        let mut later = meant(&entry["record"]);
        later[0] = b'8';
        let peer = text(&entry, "peer").parse().expect("a peer id");
        let member = read(peer, &later).expect("its head is readable");
        assert_eq!(member.profile, Default::default());
        assert_eq!(self::record(&member), later);
    }
}
