//! Configuration files of the repository, in which the lines about other machines are replaced.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// A file of the repository that is adapted to this machine.
pub(crate) struct Template {
    path: PathBuf,
    lines: Vec<String>,
}

impl Template {
    /// Reads a file; `path` is relative to the repository's root.
    pub(crate) fn read(path: &str) -> Result<Self> {
        let path = root().join(path);
        let text = fs::read_to_string(&path);
        let text = text.with_context(|| format!("cannot read {}", path.display()))?;
        let lines = text.lines().map(str::to_owned).collect();
        Ok(Self { path, lines })
    }

    /// Replaces the lines that begin with this. Spaces in front are ignored and kept.
    ///
    /// # Errors
    ///
    /// There is no such line: the file has changed, and this code has to follow.
    pub(crate) fn replace(&mut self, beginning: &str, with: &[String]) -> Result<()> {
        let is_it = |line: &String| line.trim_start().starts_with(beginning);
        let first = self.lines.iter().position(is_it);
        let first = first.with_context(|| {
            format!(
                "{} has no line that begins with «{beginning}»",
                self.path.display()
            )
        })?;
        let line = &self.lines[first];
        let indent = " ".repeat(line.len() - line.trim_start().len());
        self.lines.retain(|line| !is_it(line));
        let with = with.iter().map(|line| format!("{indent}{line}"));
        self.lines.splice(first..first, with);
        Ok(())
    }

    /// The first line that begins with this, without the spaces in front.
    pub(crate) fn first(&self, beginning: &str) -> Result<&str> {
        let mut lines = self.lines.iter().map(|line| line.trim_start());
        let first = lines.find(|line| line.starts_with(beginning));
        first.with_context(|| {
            let path = self.path.display();
            format!("{path} has no line that begins with «{beginning}»")
        })
    }

    /// Replaces a piece that must be there.
    pub(crate) fn replace_piece(&mut self, piece: &str, with: &str) -> Result<()> {
        let path = self.path.display();
        let mut found = self.lines.iter_mut().filter(|line| line.contains(piece));
        let line = found.next();
        let line = line.with_context(|| format!("{path} does not say «{piece}»"))?;
        ensure!(found.next().is_none(), "{path} says «{piece}» twice");
        *line = line.replace(piece, with);
        Ok(())
    }

    /// Adds lines at its end.
    pub(crate) fn append(&mut self, lines: &[String]) {
        self.lines.extend_from_slice(lines);
    }

    /// Adds lines after the one that says this.
    pub(crate) fn add_after(&mut self, line: &str, added: &[String]) -> Result<()> {
        let with: Vec<_> = [line.to_owned()]
            .into_iter()
            .chain(added.to_vec())
            .collect();
        self.replace(line, &with)
    }

    /// Writes it where a program reads it.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        fs::write(path, self.text()).with_context(|| format!("cannot write {}", path.display()))
    }

    pub(crate) fn text(&self) -> String {
        self.lines.iter().map(|line| format!("{line}\n")).collect()
    }
}

/// The repository's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("this crate lies in <root>/crates/local")
}
