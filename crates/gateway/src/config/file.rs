//! `switchboard.toml`.

use std::mem;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::keys::{KEYS, Key, is_group};
use super::load::Loading;
use super::mistake::did_you_mean;
use super::raw::Raw;
use super::readable;
use super::source::Provenance;

/// Further issuers. A list of tables is written in a file or not at all: no variable and no flag has it.
pub(super) const ISSUERS: &str = "auth.issuers";

/// Sets what the file says. `named_by` is the flag or variable that named it, for when it cannot be read.
pub(super) fn read(loading: &mut Loading, path: &Path, named_by: &str) {
    match readable::text(path) {
        Ok(text) => {
            let name = path.file_name().unwrap_or(path.as_os_str());
            parse(loading, &text, &name.to_string_lossy());
        }
        Err(problem) => loading.mistake(named_by, problem),
    }
}

fn parse(loading: &mut Loading, text: &str, name: &str) {
    let file = File { name, text };
    let (root, mut broken) = DeTable::parse_recoverable(text);
    broken.sort_by_key(|error| error.span().map(|span| span.start));
    for error in &broken {
        let at = error.span().map_or(0, |span| span.start);
        loading.mistake(
            file.at(at).to_string(),
            format!("not TOML: {}", error.message()),
        );
    }
    // What is left of a broken file would be judged by values that nobody wrote.
    if broken.is_empty() {
        file.table(loading, root.get_ref(), "");
    } else {
        loading.unread.extend(KEYS.iter().map(|key| key.path));
    }
}

const IS_A_LIST: &str =
    "is a list of tables: write [[auth.issuers]] for each, and the keys of auth.jwt below it";

struct File<'a> {
    name: &'a str,
    text: &'a str,
}

impl File<'_> {
    fn table(&self, loading: &mut Loading, table: &DeTable<'_>, prefix: &str) {
        // As written: the map has them by the alphabet.
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in entries {
            let path = format!("{prefix}{}", key.get_ref());
            self.entry(loading, &path, value.get_ref(), self.at(key.span().start));
        }
    }

    fn entry(&self, loading: &mut Loading, path: &str, value: &DeValue<'_>, source: Provenance) {
        if let Some(key) = Key::named(path) {
            return loading.set(key, Raw::Toml(value), source);
        }
        if path == ISSUERS {
            return self.issuers(loading, value, &source);
        }
        match value {
            DeValue::Table(inner) if is_group(path) => {
                self.table(loading, inner, &format!("{path}."));
            }
            DeValue::Table(_) => {
                let groups = KEYS
                    .iter()
                    .filter_map(|key| Some(key.path.rsplit_once('.')?.0));
                let meant = did_you_mean(path, groups);
                loading.mistake(
                    source.typed(path),
                    format!("there is no table `{path}`{meant}"),
                );
            }
            _ if is_group(path) => loading.mistake(
                source.typed(path),
                format!("is a table of keys: write [{path}] and the keys below it"),
            ),
            _ => loading.set_named(path, Raw::Toml(value), source),
        }
    }

    /// Each table has the keys of `auth.jwt`.
    fn issuers(&self, loading: &mut Loading, value: &DeValue<'_>, source: &Provenance) {
        let DeValue::Array(tables) = value else {
            return loading.mistake(source.typed(ISSUERS), IS_A_LIST);
        };
        for table in tables.iter() {
            let DeValue::Table(keys) = table.get_ref() else {
                loading.mistake(source.typed(ISSUERS), IS_A_LIST);
                continue;
            };
            let said = loading.said.clone();
            let own = mem::take(&mut loading.config.auth.jwt);
            self.table(loading, keys, "auth.jwt.");
            let issuer = mem::replace(&mut loading.config.auth.jwt, own);
            loading.said = said;
            loading.config.auth.issuers.push(issuer);
        }
        loading.said.insert(ISSUERS, source.clone());
    }

    fn at(&self, byte: usize) -> Provenance {
        let before = self.text.as_bytes().iter().take(byte);
        Provenance::File {
            file: self.name.into(),
            line: 1 + before.filter(|b| **b == b'\n').count(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn mistakes(text: &str) -> Vec<String> {
        let mut loading = Loading::default();
        parse(&mut loading, text, "switchboard.toml");
        loading.mistakes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_mistake_has_its_line() {
        let text = "lisen = \"127.0.0.1:1\"\nredis = 3\n\n[session]\nheartbeat_ms = \"soon\"\n\
                    hello_timeout_ms = -1\n[sesion]\nx = 1\n[room]\ncapacity = 1.5\n";
        assert_eq!(
            mistakes(text),
            [
                "switchboard.toml:1: lisen: there is no key `lisen`; did you mean `listen`?",
                "switchboard.toml:2: redis: is a table of keys: write [redis] and the keys below it",
                "switchboard.toml:5: session.heartbeat_ms: expected a whole number, found text",
                "switchboard.toml:6: session.hello_timeout_ms: `-1` is not a whole number of 0 or more",
                "switchboard.toml:7: sesion: there is no table `sesion`; did you mean `session`?",
                "switchboard.toml:10: room.capacity: expected a whole number, found a fraction",
            ]
        );
    }

    #[test]
    fn what_is_not_toml_is_told_by_line() {
        let told = mistakes("listen = \"127.0.0.1:1\"\nredis.url = redis://x\nroom = [\n");
        assert!(
            told.len() >= 2 && told[0].starts_with("switchboard.toml:2: not TOML: "),
            "{told:?}"
        );
    }

    #[test]
    fn numbers_may_be_written_as_toml_allows() {
        let mut loading = Loading::default();
        parse(
            &mut loading,
            "limits.burst = 1_000\nlimits.in_flight = 0x10\nroom.capacity = 8.0\nlimits.sessions = 2e+06\n",
            "t",
        );
        let Config { limits, room, .. } = &loading.config;
        assert_eq!((limits.burst, limits.in_flight), (1000, 16));
        assert_eq!((room.capacity, limits.sessions), (8, 2_000_000));
        assert_eq!(loading.mistakes.len(), 0);
        for wrong in ["8.5", "-1.0", "1e300", "nan", "inf"] {
            let told = mistakes(&format!("room.capacity = {wrong}\n"));
            assert!(
                told.len() == 1 && told[0].contains("whole number"),
                "{told:?}"
            );
        }
    }

    #[test]
    fn each_table_of_issuers_is_one_and_has_the_keys_of_auth_jwt() {
        let mut loading = Loading::default();
        let text = "[[auth.issuers]]\nissuer = \"https://one/\"\njwks_url = \"https://one/jwks.json\"\n\
                    [[auth.issuers]]\nissuer = \"https://two/\"\nuser_claims = [\"email\"]\n\
                    [auth.jwt]\nissuer = \"own\"\n";
        parse(&mut loading, text, "t");
        let auth = &loading.config.auth;
        assert_eq!(loading.mistakes.len(), 0);
        assert_eq!(auth.jwt.issuer.as_deref(), Some("own"));
        let names = auth.issuers.iter().map(|jwt| jwt.issuer.as_deref());
        assert_eq!(
            names.collect::<Vec<_>>(),
            [Some("https://one/"), Some("https://two/")]
        );
        assert_eq!(auth.issuers[1].user_claims, ["email"]);
        assert_eq!(
            mistakes("[[auth.issuers]]\nisuer = \"a\"\n"),
            ["t:2: auth.jwt.isuer: there is no key `auth.jwt.isuer`; did you mean `auth.jwt.issuer`?"
                .replace("t:", "switchboard.toml:")]
        );
        assert_eq!(
            mistakes("auth.issuers = 3\n"),
            [
                "switchboard.toml:1: auth.issuers: is a list of tables: write [[auth.issuers]] for each, and the keys of auth.jwt below it"
            ]
        );
    }
}
