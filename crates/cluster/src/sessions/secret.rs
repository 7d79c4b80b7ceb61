//! What proves that a session is a client's own: a MAC over peer, user and epoch under the cluster key. Any node can check
//! it, also when the directory has forgotten the session.
//!
//! ```text
//! secret = base64url( epoch (8 bytes, big endian) · keyed BLAKE3 over peer, epoch and user (32 bytes) )
//! mark   = base64url( keyed BLAKE3 over peer and token (32 bytes) )
//! ```
//!
//! The mark of a token proves that a node of this cluster has found it good for that session. It lies beside the session in the
//! directory, for a node that cannot check the token itself.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use switchboard_protocol::{PeerId, UserId};

use crate::backend::record::Epoch;
use crate::backend::revocation::TokenMark;
use crate::link::keyring::{ClusterKey, Keyring};

const EPOCH_BYTES: usize = 8;
const BYTES: usize = EPOCH_BYTES + blake3::OUT_LEN;
/// Frames are authenticated under the cluster key itself; this keeps the two uses apart.
const CONTEXT: &str = "switchboard 2026 resume secret";
const MARK_CONTEXT: &str = "switchboard 2026 verified token";

/// The secret of a session in that epoch.
pub(crate) fn issue(key: &ClusterKey, peer: &PeerId, user: &UserId, epoch: Epoch) -> String {
    let mut secret = Vec::with_capacity(BYTES);
    secret.extend_from_slice(&epoch.to_be_bytes());
    secret.extend_from_slice(mac(key, peer, user, epoch).as_bytes());
    URL_SAFE_NO_PAD.encode(secret)
}

/// The epoch of a secret, if it is the session's. Takes the same time whatever is wrong with the MAC.
pub(crate) fn check(
    keyring: &Keyring,
    secret: &str,
    peer: &PeerId,
    user: &UserId,
) -> Option<Epoch> {
    let bytes = URL_SAFE_NO_PAD.decode(secret).ok()?;
    let (epoch, shown) = bytes.split_first_chunk::<EPOCH_BYTES>()?;
    let epoch = Epoch::from_be_bytes(*epoch);
    let shown: [u8; blake3::OUT_LEN] = shown.try_into().ok()?;
    // blake3::Hash compares in constant time.
    keyring
        .any(|key| mac(key, peer, user, epoch) == shown)
        .then_some(epoch)
}

/// The mark of a token that is good, for the session that was begun or resumed with it.
pub(crate) fn mark(key: &ClusterKey, peer: &PeerId, token: &str) -> TokenMark {
    let mark = mark_of(key, peer, token);
    TokenMark(URL_SAFE_NO_PAD.encode(mark.as_bytes()).into())
}

/// Whether that is the mark of this token and this session. Takes the same time whatever is wrong with it.
pub(crate) fn is_mark(keyring: &Keyring, mark: &TokenMark, peer: &PeerId, token: &str) -> bool {
    let shown = URL_SAFE_NO_PAD.decode(&*mark.0).ok();
    let shown: Option<[u8; blake3::OUT_LEN]> = shown.and_then(|bytes| bytes.try_into().ok());
    // blake3::Hash compares in constant time.
    shown.is_some_and(|shown| keyring.any(|key| mark_of(key, peer, token) == shown))
}

fn mark_of(key: &ClusterKey, peer: &PeerId, token: &str) -> blake3::Hash {
    let key = blake3::derive_key(MARK_CONTEXT, key.bytes());
    blake3::Hasher::new_keyed(&key)
        .update(peer.as_str().as_bytes())
        .update(token.as_bytes())
        .finalize()
}

fn mac(key: &ClusterKey, peer: &PeerId, user: &UserId, epoch: Epoch) -> blake3::Hash {
    let key = blake3::derive_key(CONTEXT, key.bytes());
    // Peer and epoch have a fixed length, so nothing can be moved from one part to another.
    blake3::Hasher::new_keyed(&key)
        .update(peer.as_str().as_bytes())
        .update(&epoch.to_be_bytes())
        .update(user.as_str().as_bytes())
        .finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_good_for_its_peer_user_and_cluster_only() {
        let (key, peer) = (ClusterKey::random(), PeerId::random());
        let (alice, bob): (UserId, UserId) = (
            "alice".parse().expect("a user"),
            "bob".parse().expect("a user"),
        );
        let keyring = Keyring::default();
        keyring.set(key.clone());
        let secret = issue(&key, &peer, &alice, 7);
        assert_eq!(check(&keyring, &secret, &peer, &alice), Some(7));
        assert_eq!(check(&keyring, &secret, &peer, &bob), None);
        assert_eq!(check(&keyring, &secret, &PeerId::random(), &alice), None);
        keyring.set(ClusterKey::random());
        assert_eq!(
            check(&keyring, &secret, &peer, &alice),
            Some(7),
            "the key before"
        );
        keyring.set(ClusterKey::random());
        assert_eq!(check(&keyring, &secret, &peer, &alice), None);
    }

    #[test]
    fn a_secret_cannot_be_raised_to_another_epoch_or_cut() {
        let (key, peer) = (ClusterKey::random(), PeerId::random());
        let user: UserId = "alice".parse().expect("a user");
        let keyring = Keyring::default();
        keyring.set(key.clone());
        let secret = issue(&key, &peer, &user, 1);
        let mut raised = URL_SAFE_NO_PAD.decode(&secret).expect("base64");
        raised[EPOCH_BYTES - 1] = 2;
        for wrong in [
            URL_SAFE_NO_PAD.encode(raised).as_str(),
            &secret[1..],
            "",
            "한국어",
        ] {
            assert_eq!(check(&keyring, wrong, &peer, &user), None, "{wrong}");
        }
    }

    #[test]
    fn a_mark_is_good_for_its_token_session_and_cluster_only() {
        let (key, peer) = (ClusterKey::random(), PeerId::random());
        let keyring = Keyring::default();
        keyring.set(key.clone());
        let good = mark(&key, &peer, "a.b.c");
        assert!(is_mark(&keyring, &good, &peer, "a.b.c"));
        assert!(!is_mark(&keyring, &good, &peer, "a.b.d"));
        assert!(!is_mark(&keyring, &good, &PeerId::random(), "a.b.c"));
        let odd = TokenMark("한국어".into());
        assert!(!is_mark(&keyring, &odd, &peer, "a.b.c"));
        let others = mark(&ClusterKey::random(), &peer, "a.b.c");
        assert!(!is_mark(&keyring, &others, &peer, "a.b.c"));
    }
}
