//! Where values come from, by the names operators know.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use crate::open_files;

/// Everything a configuration is read from.
#[derive(Debug, Default)]
pub struct Sources {
    /// `--config`. Without it the variable `SWITCHBOARD_CONFIG` may name a file.
    pub file: Option<PathBuf>,
    /// The environment.
    pub environment: BTreeMap<String, String>,
    /// The command line, in order.
    pub flags: Vec<Flag>,
    /// How many files this process may have open, once it has raised its own limit. `None`: as many as it likes.
    pub open_files_max: Option<u64>,
}

impl Sources {
    /// This process's environment and limits, with what its command line said.
    pub fn of_process(file: Option<PathBuf>, flags: Vec<Flag>) -> Self {
        let text = |part: std::ffi::OsString| part.to_string_lossy().into_owned();
        Self {
            file,
            environment: std::env::vars_os()
                .map(|(name, value)| (text(name), text(value)))
                .collect(),
            flags,
            open_files_max: open_files::most(),
        }
    }
}

/// A value from the command line.
#[derive(Debug)]
pub struct Flag {
    /// As typed: `--listen`, or `--set room.capacity`.
    pub name: String,
    /// The key it sets.
    pub path: String,
    /// The value as text.
    pub value: String,
}

/// Where one value came from.
#[derive(Debug, Clone)]
pub(super) enum Provenance {
    File {
        file: String,
        line: usize,
    },
    Variable(String),
    Flag(String),
    /// Nobody said it: the system's limit of open files is below the default.
    OpenFiles(u64),
}

impl Provenance {
    /// What the operator typed to set the key `path` from here.
    pub(super) fn typed(&self, path: &str) -> String {
        match self {
            Self::File { .. } => format!("{self}: {path}"),
            Self::Variable(_) | Self::Flag(_) => self.to_string(),
            Self::OpenFiles(_) => path.into(),
        }
    }
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { file, line } => write!(f, "{file}:{line}"),
            Self::Variable(name) | Self::Flag(name) => f.write_str(name),
            Self::OpenFiles(most) => write!(f, "the open-file limit, {most}"),
        }
    }
}
