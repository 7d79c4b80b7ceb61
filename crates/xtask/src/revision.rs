//! The gateway of another revision of this repository.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::step;
use crate::workspace::{self, cargo};

/// What was built, kept for the next time: a program for each revision, the sources of the last one, and a target directory
/// that all of them share.
const FOLDER: &str = "target/revisions";

/// A gateway's program.
#[derive(Debug)]
pub(crate) struct Built {
    /// What the revision is called: as it was given, and the commit where that is not the same.
    pub(crate) name: String,
    pub(crate) binary: PathBuf,
}

/// Builds the gateway of a revision: a tag, a branch, a commit.
///
/// # Errors
///
/// There is no such revision, or it does not build.
pub(crate) fn build(revision: &str, release: bool) -> Result<Built> {
    let commit = resolve(revision)?;
    let folder = workspace::root().join(FOLDER);
    let profile = if release { "release" } else { "debug" };
    let suffix = env::consts::EXE_SUFFIX;
    let binary = folder.join(format!("switchboard-{commit}-{profile}{suffix}"));
    let name = revision.to_owned();
    if binary.is_file() {
        println!("{revision} is built already: {}", binary.display());
        return Ok(Built { name, binary });
    }
    fs::create_dir_all(&folder)?;
    let sources = check_out(&folder, &commit)?;
    let target = folder.join("target");
    let mut cargo = cargo([
        "build",
        "--locked",
        "-p",
        "switchboard-gateway",
        "--bin",
        "switchboard",
    ]);
    cargo.current_dir(&sources).env("CARGO_TARGET_DIR", &target);
    if release {
        cargo.arg("--release");
    }
    step::succeed(cargo).with_context(|| format!("{revision} does not build"))?;
    let built = target.join(profile).join(format!("switchboard{suffix}"));
    fs::copy(&built, &binary).with_context(|| format!("{} was not built", built.display()))?;
    Ok(Built { name, binary })
}

/// The commit that a revision is.
fn resolve(revision: &str) -> Result<String> {
    let commit = format!("{revision}^{{commit}}");
    let output = git(
        workspace::root(),
        &[
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            &commit,
        ],
    )
    .output()?;
    ensure!(
        output.status.success(),
        "there is no revision «{revision}» here (git fetch --tags brings those of others)"
    );
    let commit = String::from_utf8(output.stdout)?;
    Ok(commit.trim().chars().take(12).collect())
}

/// A worktree is kept from revision to revision: what did not change between them is not built again.
fn check_out(folder: &Path, commit: &str) -> Result<PathBuf> {
    let sources = folder.join("sources");
    let is_there = sources.join(".git").exists();
    let command = if is_there {
        git(
            &sources,
            &["checkout", "--quiet", "--force", "--detach", commit],
        )
    } else {
        let path = sources.to_string_lossy();
        // Forced: git may still know one that was removed with target/.
        git(
            workspace::root(),
            &[
                "worktree", "add", "--quiet", "--force", "--detach", &path, commit,
            ],
        )
    };
    step::succeed(command)?;
    Ok(sources)
}

fn git(folder: &Path, arguments: &[&str]) -> Command {
    let mut git = Command::new("git");
    git.current_dir(folder).args(arguments);
    git
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_that_is_not_there_is_named() {
        let error = build("no-such-revision", false).expect_err("not there");
        assert!(error.to_string().contains("«no-such-revision»"), "{error}");
    }

    #[test]
    fn the_present_commit_is_a_revision() {
        let commit = resolve("HEAD").expect("this is a git repository");
        assert_eq!(commit.len(), 12);
    }
}
