//! The gateway of another revision of this repository.

use std::env;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::step;
use crate::workspace::{self, cargo};

/// What was built, kept for the next time: a program for each revision, the sources of the last one, and a target
/// directory that all of them share.
const FOLDER: &str = "target/revisions";

/// In a git hook these name the caller's repository, whatever the folder is.
const GIT_PLACES: [&str; 4] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
];

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
    let commit = resolve(workspace::root(), revision)?;
    let folder = workspace::root().join(FOLDER);
    let profile = if release { "release" } else { "debug" };
    let suffix = env::consts::EXE_SUFFIX;
    let binary = folder.join(format!("switchboard-{commit}-{profile}{suffix}"));
    let name = revision.to_owned();
    fs::create_dir_all(&folder)?;
    // The sources and the target directory are one run's at a time.
    let lock = File::create(folder.join("lock"))?;
    lock.lock().context("cannot lock the folder of revisions")?;
    if binary.is_file() {
        println!("{revision} is built already: {}", binary.display());
        return Ok(Built { name, binary });
    }
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
    keep(&built, &binary).with_context(|| format!("cannot keep {}", built.display()))?;
    Ok(Built { name, binary })
}

/// Copies it completely or not at all, because a file with this name is used without a check from then on.
fn keep(built: &Path, binary: &Path) -> io::Result<()> {
    let part = binary.with_extension("part");
    fs::copy(built, &part)?;
    fs::rename(&part, binary)
}

/// The commit that a revision is.
fn resolve(repository: &Path, revision: &str) -> Result<String> {
    let commit = format!("{revision}^{{commit}}");
    let output = git(
        repository,
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

/// `git` in the repository of this folder, also when a git hook runs this.
fn git(folder: &Path, arguments: &[&str]) -> Command {
    let mut git = Command::new("git");
    git.current_dir(folder).args(arguments);
    for variable in GIT_PLACES {
        git.env_remove(variable);
    }
    git
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn a_revision_that_is_not_there_is_named() {
        let error = build("no-such-revision", false).expect_err("not there");
        assert!(error.to_string().contains("«no-such-revision»"), "{error}");
    }

    #[test]
    fn a_branch_is_a_revision() {
        let folder = TempDir::new().expect("a temporary folder");
        let git = |arguments: &[&str]| {
            let status = git(folder.path(), arguments).status();
            assert!(status.expect("git runs").success());
        };
        git(&["init", "--quiet", "--initial-branch", "trunk"]);
        let author = [
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@b",
            "-c",
            "commit.gpgsign=false",
        ];
        let commit = ["commit", "--quiet", "--allow-empty", "-m", "first"];
        git(&[&author[..], &commit[..]].concat());
        let commit = resolve(folder.path(), "trunk").expect("there is one");
        assert_eq!(commit.len(), 12);
        assert_eq!(resolve(folder.path(), &commit).expect("the same"), commit);
    }

    #[test]
    fn a_program_is_kept_as_a_whole() {
        let folder = TempDir::new().expect("a temporary folder");
        let (built, kept) = (folder.path().join("built"), folder.path().join("kept"));
        keep(&built, &kept).expect_err("nothing was built");
        assert!(!kept.exists());
        fs::write(&built, "program").expect("written");
        keep(&built, &kept).expect("copied");
        assert_eq!(fs::read_to_string(&kept).expect("there"), "program");
        let files = fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(files, 2, "the copy has one name only");
    }
}
