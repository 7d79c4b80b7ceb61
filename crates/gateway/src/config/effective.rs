//! What `check-config` prints.

use super::file::ISSUERS;
use super::keys::KEYS;
use super::load::Loaded;
use super::{Config, JwtConfig};

const HEAD: &str = "# Secrets are masked. A comment says where a value came from; without one it is the default.\n";

impl Loaded {
    /// The whole configuration as a file, secrets masked, with a comment on each value that is not the default.
    pub fn to_toml(&self) -> String {
        let mut shown = self.config.clone();
        shown.auth.said = Some(shown.auth.mode());
        let mut text = String::from(HEAD);
        let mut current_group = "";
        for key in KEYS {
            let (group, name) = key.path.rsplit_once('.').unwrap_or(("", key.path));
            if group != current_group {
                text += &format!("\n[{group}]\n");
                current_group = group;
            }
            text += &match ((key.setting)(&mut shown).show(), self.said.get(key.path)) {
                (Some(value), Some(source)) => format!("{name} = {value}  # {source}\n"),
                (Some(value), None) if key.path == "auth.mode" => {
                    format!("{name} = {value}  # by rule\n")
                }
                (Some(value), None) => format!("{name} = {value}\n"),
                (None, _) => format!("# {name} is unset\n"),
            };
        }
        for issuer in &self.config.auth.issuers {
            text += &self.issuer(issuer);
        }
        text
    }

    /// One of the tables that only a file has.
    fn issuer(&self, issuer: &JwtConfig) -> String {
        let mut shown = Config::default();
        shown.auth.jwt = issuer.clone();
        let source = self.said.get(ISSUERS);
        let source = source.map_or_else(String::new, |source| format!("  # {source}"));
        let mut text = format!("\n[[{ISSUERS}]]{source}\n");
        for key in KEYS {
            let name = key.path.strip_prefix("auth.jwt.");
            if let Some((name, value)) = name.zip((key.setting)(&mut shown).show()) {
                text += &format!("{name} = {value}\n");
            }
        }
        text
    }
}
