//! Reading everything and gathering every mistake.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::keys::{KEYS, Key};
use super::mistake::did_you_mean;
use super::raw::Raw;
use super::session::DEADLINE_MARGIN;
use super::source::{Provenance, Sources};
use super::{Config, Mistake, Mistakes, environment, file, otel, rules};
use crate::capacity;

/// A configuration without mistakes.
#[derive(Debug)]
pub struct Loaded {
    /// What the node runs with.
    pub config: Config,
    /// What is allowed but should be known; to be logged at the start.
    pub warnings: Vec<String>,
    /// Where each value came from that is not a default.
    pub(super) said: BTreeMap<&'static str, Provenance>,
}

/// Reads defaults, file, environment and flags, each winning over the one before, and checks the rules across keys, and
/// whether the files that it names can be read.
pub fn load(sources: &Sources) -> Result<Loaded, Mistakes> {
    load_with(sources, rules::check_files)
}

/// The same for what asks a node something: the files that only a node needs may be missing. A healthcheck must not call a
/// node ill because a file has gone that was read long ago.
pub fn load_to_ask(sources: &Sources) -> Result<Loaded, Mistakes> {
    load_with(sources, |_| ())
}

fn load_with(sources: &Sources, check_files: fn(&mut Loading)) -> Result<Loaded, Mistakes> {
    let mut loading = Loading::default();
    if let Some((path, named_by)) = file_of(sources) {
        file::read(&mut loading, &path, named_by);
    }
    otel::read(&mut loading, &sources.environment);
    environment::read(&mut loading, &sources.environment);
    for flag in &sources.flags {
        loading.set_named(
            &flag.path,
            Raw::Text(&flag.value),
            Provenance::Flag(flag.name.clone()),
        );
    }
    loading.fit_sessions(sources.open_files_max);
    loading.fit_deadline();
    otel::check(&mut loading, &sources.environment);
    rules::check(&mut loading);
    check_files(&mut loading);
    if !loading.mistakes.is_empty() {
        return Err(Mistakes(loading.mistakes));
    }
    Ok(Loaded {
        config: loading.config,
        warnings: loading.warnings,
        said: loading.said,
    })
}

fn file_of(sources: &Sources) -> Option<(PathBuf, &'static str)> {
    let variable = || {
        sources
            .environment
            .get(environment::FILE)
            .filter(|path| !path.is_empty())
    };
    match &sources.file {
        Some(path) => Some((path.clone(), "--config")),
        None => variable().map(|path| (path.into(), environment::FILE)),
    }
}

/// A configuration while it is being read.
#[derive(Debug, Default)]
pub(super) struct Loading {
    pub(super) config: Config,
    pub(super) said: BTreeMap<&'static str, Provenance>,
    pub(super) mistakes: Vec<Mistake>,
    pub(super) warnings: Vec<String>,
    /// Keys whose value could not be read: a rule about them would only add noise.
    pub(super) unread: BTreeSet<&'static str>,
}

impl Loading {
    /// Unless it was said, the deadline of a signal follows the resume window.
    fn fit_deadline(&mut self) {
        if !self.said.contains_key("session.delivery_deadline_ms") {
            let session = &mut self.config.session;
            session.delivery_deadline = session.resume_window + DEADLINE_MARGIN;
        }
    }

    /// Sets the key `path`, if there is one.
    pub(super) fn set_named(&mut self, path: &str, raw: Raw<'_>, source: Provenance) {
        match Key::named(path) {
            Some(key) => self.set(key, raw, source),
            None => {
                let meant = did_you_mean(path, KEYS.iter().map(|key| key.path));
                self.mistake(
                    source.typed(path),
                    format!("there is no key `{path}`{meant}"),
                );
            }
        }
    }

    /// Sets `key`, or notes why not.
    pub(super) fn set(&mut self, key: &'static Key, raw: Raw<'_>, source: Provenance) {
        match (key.setting)(&mut self.config).set(raw) {
            Ok(()) => self.came_from(key.path, source),
            Err(problem) => self.unread(key.path, &source, problem),
        }
    }

    /// Notes that `path` now has the value given in `source`.
    pub(super) fn came_from(&mut self, path: &'static str, source: Provenance) {
        self.unread.remove(path);
        self.said.insert(path, source);
    }

    /// Notes that the value given in `source` cannot be read.
    pub(super) fn unread(&mut self, path: &'static str, source: &Provenance, problem: String) {
        self.unread.insert(path);
        self.mistake(source.typed(path), problem);
    }

    /// Notes a mistake.
    pub(super) fn mistake(&mut self, name: impl Into<String>, problem: impl Into<String>) {
        self.mistakes.push(Mistake {
            name: name.into(),
            problem: problem.into(),
        });
    }

    /// Every session is an open file. The default gives way to the system's limit; a number that was said stays.
    fn fit_sessions(&mut self, open_files_max: Option<u64>) {
        let Some(open_files) = open_files_max else {
            return;
        };
        let fitting = capacity::sessions_within(open_files);
        let sessions = &mut self.config.limits.sessions;
        if *sessions <= fitting {
            return;
        }
        if self.said.contains_key("limits.sessions") {
            self.warnings.push(format!(
                "limits.sessions is {sessions}, but only {open_files} files may be open (`ulimit -Hn`), \
                 which is enough for {fitting}"
            ));
        } else {
            *sessions = fitting;
            self.said
                .insert("limits.sessions", Provenance::OpenFiles(open_files));
        }
    }
}
