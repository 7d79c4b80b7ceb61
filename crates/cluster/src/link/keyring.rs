//! The key that all nodes of a cluster share: what authenticates frames and resume secrets.

use parking_lot::RwLock;

/// 32 secret bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct ClusterKey([u8; 32]);

impl ClusterKey {
    /// The key itself, as kept in Redis.
    pub fn from_bytes(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// A key from an operator's secret text.
    pub fn derive(secret: &str) -> Self {
        Self(blake3::derive_key(
            "switchboard 2026 cluster key from configuration",
            secret.as_bytes(),
        ))
    }

    /// A new random key.
    pub fn random() -> Self {
        let mut key = [0; 32];
        getrandom::fill(&mut key).expect("the operating system gives random bytes");
        Self(key)
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The key that is in force, and those before it: what was made with one of them is still good.
#[derive(Default)]
pub(crate) struct Keyring(RwLock<ClusterKeys>);

#[derive(Default)]
struct ClusterKeys {
    present: Option<ClusterKey>,
    /// The one that this node had before.
    former: Option<ClusterKey>,
    /// The one that others had before, where that is another.
    former_of_others: Option<ClusterKey>,
}

impl Keyring {
    /// From now on this one is used.
    pub(crate) fn set(&self, key: ClusterKey) {
        let mut keys = self.0.write();
        if keys.present.as_ref() != Some(&key) {
            keys.former = keys.present.replace(key);
        }
    }

    /// Accepts what was made with a key that others had before they agreed on the present one.
    pub(crate) fn accept(&self, former: ClusterKey) {
        self.0.write().former_of_others = Some(former);
    }

    /// The key, if one was agreed on.
    pub(crate) fn get(&self) -> Option<ClusterKey> {
        self.0.read().present.clone()
    }

    /// The key of a node that is in the cluster.
    pub(crate) fn agreed(&self) -> ClusterKey {
        self.get()
            .expect("links and sessions exist only after a key was agreed on")
    }

    /// Whether one of the keys is the right one.
    pub(crate) fn any(&self, is_right: impl Fn(&ClusterKey) -> bool) -> bool {
        let keys = self.0.read();
        [&keys.present, &keys.former, &keys.former_of_others]
            .into_iter()
            .flatten()
            .any(is_right)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_from_a_secret_is_the_same_everywhere() {
        let derived = |text| ClusterKey::derive(text).0;
        assert_eq!(
            derived("a secret of an operator"),
            derived("a secret of an operator")
        );
        assert_ne!(derived("a"), derived("b"));
    }

    #[test]
    fn the_same_key_again_does_not_push_the_former_one_out() {
        let (old, new) = (ClusterKey::random(), ClusterKey::random());
        let keyring = Keyring::default();
        for key in [&old, &new, &new] {
            keyring.set(key.clone());
        }
        assert!(keyring.any(|key| *key == old));
    }

    #[test]
    fn beside_its_own_former_key_a_node_accepts_that_of_others() {
        let keys: Vec<_> = (0..4).map(|_| ClusterKey::random()).collect();
        let keyring = Keyring::default();
        keyring.set(keys[0].clone());
        keyring.set(keys[1].clone());
        let accepted = |key: &ClusterKey| keyring.any(|known| known == key);
        keyring.accept(keys[2].clone());
        assert!(keys[..3].iter().all(accepted));
        keyring.accept(keys[3].clone());
        assert!(keys[..2].iter().all(accepted) && !accepted(&keys[2]));
    }
}
