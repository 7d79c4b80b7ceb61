//! The programs that tests need from the machine: finding them, judging their versions, installing what is missing.

use std::env;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::packages;

mod catalogue;
mod install;
mod npm;
mod platform;
pub(crate) mod servers;
mod version;

#[cfg(target_os = "linux")]
pub(crate) use catalogue::SYSTEMD;
pub(crate) use catalogue::{
    CHROMIUM, CLIPPY, COTURN, HAPROXY, NGINX, NODE, NPM, NpmProgram, OPENSSL, PIP, PROMETHEUS,
    PROMTOOL, REDIS, RUSTFMT, Tool,
};
pub(crate) use npm::{npm, put_node_on_the_path};
use version::Version;

/// A tool that can be used.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    version: Version,
}

/// Why a tool cannot be used.
#[derive(Debug)]
enum Lack {
    Missing,
    /// A variable names a program that does not exist.
    Misnamed(&'static str, PathBuf),
    /// It is there, but `--version` fails or tells none.
    Broken(PathBuf),
    TooOld(Found),
}

/// A tool that cannot be used, and why.
struct Lacking<'a> {
    tool: &'a Tool,
    lack: Lack,
}

/// Makes sure that all these tools are there, installing what is missing where that is possible.
///
/// # Errors
///
/// Says what is still missing and which command brings it.
pub(crate) fn require(tools: &[&Tool]) -> Result<()> {
    let mut lacking = survey(tools);
    for install in [install::with_apt, install::with_npm] {
        if install(&lacking) {
            lacking = survey(tools);
        }
    }
    if !lacking.is_empty() {
        bail!(install::advice(&lacking));
    }
    Ok(())
}

/// Tells of each tool that it is there, and returns those that are not.
fn survey<'a>(tools: &[&'a Tool]) -> Vec<Lacking<'a>> {
    let mut lacking = Vec::new();
    for &tool in tools {
        match tool.find() {
            Ok(Found { path, version }) => {
                println!("{:<14}{version:<8}{}", tool.name, path.display());
            }
            Err(lack) => lacking.push(Lacking { tool, lack }),
        }
    }
    lacking
}

impl Tool {
    /// Where this tool is, if it can be used.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        self.find().ok().map(|found| found.path)
    }

    fn find(&self) -> Result<Found, Lack> {
        if let Some(variable) = self.variable
            && let Some(named) = env::var_os(variable)
        {
            let named = PathBuf::from(named);
            return match on_path(&named) {
                Some(path) => self.judge(path),
                None => Err(Lack::Misnamed(variable, named)),
            };
        }
        self.first_that_works()
    }

    fn first_that_works(&self) -> Result<Found, Lack> {
        let mut lack = Lack::Missing;
        let on_the_path = self.programs.iter().map(Path::new).filter_map(on_path);
        let from_npm = self.npm.and_then(packages::program);
        for path in on_the_path.chain(from_npm) {
            match self.judge(path) {
                Ok(found) => return Ok(found),
                Err(other) => lack = other,
            }
        }
        Err(lack)
    }

    fn judge(&self, path: PathBuf) -> Result<Found, Lack> {
        match self.version_of(&path) {
            None => Err(Lack::Broken(path)),
            Some(version) if version < self.at_least => Err(Lack::TooOld(Found { path, version })),
            Some(version) => Ok(Found { path, version }),
        }
    }

    fn version_of(&self, program: &Path) -> Option<Version> {
        let output = Command::new(program)
            .arg(self.version)
            .stdin(Stdio::null())
            .output()
            .ok()?;
        let told = [&output.stdout, &output.stderr].map(|told| String::from_utf8_lossy(told));
        // nginx tells it on standard error.
        let found = || told.iter().find_map(|told| Version::find_in(told));
        output.status.success().then(found)?
    }
}

impl fmt::Display for Lacking<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tool { name, at_least, .. } = self.tool;
        match &self.lack {
            Lack::Missing => write!(out, "{name}: not found on the PATH"),
            Lack::Misnamed(variable, path) => write!(
                out,
                "{name}: {variable} is {}, which does not exist",
                path.display()
            ),
            Lack::Broken(path) => {
                let asked = self.tool.version;
                write!(out, "{name}: {} {asked} tells no version", path.display())
            }
            Lack::TooOld(Found { path, version }) => write!(
                out,
                "{name}: {} is {version}, but {at_least} or newer is needed",
                path.display()
            ),
        }
    }
}

/// The whole path of a program: as given if it has a folder, else the first on the `PATH`.
fn on_path(program: &Path) -> Option<PathBuf> {
    if program.components().count() > 1 {
        return std::path::absolute(program)
            .ok()
            .filter(|path| path.is_file());
    }
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::catalogue::ANY_VERSION;
    use super::*;

    fn tool(programs: &'static [&'static str], at_least: Version) -> Tool {
        Tool {
            programs,
            at_least,
            ..RUSTFMT
        }
    }

    #[test]
    fn the_first_program_that_works_is_taken() {
        let found = tool(&["no-such-program", "false", "cargo"], ANY_VERSION).find();
        assert!(found.expect("cargo is there").path.ends_with("cargo"));
    }

    #[test]
    fn a_missing_a_broken_and_an_old_tool_are_told_apart() {
        let missing = tool(&["no-such-program"], ANY_VERSION).find();
        assert!(matches!(missing, Err(Lack::Missing)));
        let broken = tool(&["false"], ANY_VERSION).find();
        assert!(matches!(broken, Err(Lack::Broken(_))));
        let far_future = Version {
            major: u64::MAX,
            minor: 0,
        };
        let old = tool(&["cargo"], far_future).find();
        assert!(matches!(old, Err(Lack::TooOld(_))));
    }
}
