//! The Lua scripts, each a file of its own in `scripts/`.

use std::sync::LazyLock;

use fred::types::scripts::Script as Source;

/// One script and its hash.
pub(crate) struct Script {
    /// Its file.
    pub(crate) name: &'static str,
    pub(crate) source: Source,
}

macro_rules! scripts {
    ($($(#[$doc:meta])* $constant:ident = $($file:literal)+;)*) => {
        $($(#[$doc])* pub(super) static $constant: LazyLock<Script> = LazyLock::new(|| Script {
            name: [$($file),+].last().copied().unwrap_or_default(),
            source: Source::from_lua(concat!($(include_str!(concat!("scripts/", $file, ".lua")), "\n"),+)),
        });)*

        /// All of them.
        #[cfg(test)]
        pub(crate) fn all() -> Vec<&'static Script> {
            vec![$(&$constant),*]
        }
    };
}

scripts! {
    ROOM_JOIN = "values" "room" "room_join";
    ROOM_LEAVE = "values" "room" "room_leave";
    ROOM_UPDATE = "values" "room" "room_update";
    ROOM_RENAME = "values" "room" "room_rename";
    ROOM_TAKE_OVER = "values" "room" "room_take_over";
    ROOM_ASSERT = "values" "room" "room_assert";
    ROOM_ROSTER = "values" "room" "room_roster";
    ROOM_MEMBER = "values" "room" "room_member";
    PEER_ATTACH = "values" "peer_attach";
    PEER_PROVE = "peer_prove";
    PEER_SHOWN = "peer_shown";
    PEER_HAND_OVER = "peer_hand_over";
    PEER_ASSERT = "values" "peer_assert";
    PEER_INTEND = "peer_intend";
    PEER_FORGET = "values" "peer_forget";
    PEER_AWAY = "values" "peer_away";
    PEER_EVICT = "values" "peer_evict";
    USER_ADMIT = "values" "text" "user_admit";
    USER_CUT_OFF = "values" "text" "user_cut_off";
    REVOCATION_ADD = "values" "revocation_log" "revocation_add";
    REVOCATION_RESTORE = "values" "revocation_log" "revocation_restore";
    REVOCATION_READ = "values" "revocation_log" "revocation_read";
    LEASE_RENEW = "values" "lease_renew";
    LEASE_CLAIM = "lease_claim";
    LEASE_REMOVE = "lease_remove";
    LEASE_ABANDON = "lease_abandon";
    PROBE = "probe";
    CLUSTER_KEY = "values" "cluster_key";
}
