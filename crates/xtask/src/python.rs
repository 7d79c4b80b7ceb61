//! Packages for Python, from PyPI into a folder of `target`: exactly as a requirements file says, and only when that has changed.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::{step, workspace};

/// Where the packages lie, below the root.
const FOLDER: &str = "target/python";
const STAMP: &str = ".installed-from";

/// Brings the packages of this requirements file (relative to the root) up to date.
///
/// A folder of their own needs no virtual environment, for which Debian would want one package more.
pub(crate) fn install(requirements: &str) -> Result<()> {
    let folder = workspace::root().join(FOLDER);
    let requirements = workspace::root().join(requirements);
    let wanted = requirements_and_interpreter(&requirements)?;
    if fs::read(folder.join(STAMP)).is_ok_and(|installed| installed == wanted) {
        println!("{FOLDER} is up to date with {}", requirements.display());
        return Ok(());
    }
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {FOLDER}"))?;
    }
    step::succeed(pip_install(&requirements, &folder))?;
    fs::write(folder.join(STAMP), wanted).with_context(|| format!("cannot write to {FOLDER}"))
}

/// `python3 …`, which finds the packages that are [installed](install) and the programs that came with them.
pub(crate) fn python() -> Result<Command> {
    let packages = workspace::root().join(FOLDER);
    let mut command = Command::new("python3");
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = [packages.join("bin")];
    let path = env::join_paths(folders.into_iter().chain(env::split_paths(&path)));
    command
        .current_dir(workspace::root())
        .env(
            "PATH",
            path.context("the path of this repository has a colon")?,
        )
        .env("PYTHONPATH", packages)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    Ok(command)
}

/// What an installation follows from: wheels with machine code are for one version of Python.
fn requirements_and_interpreter(requirements: &Path) -> Result<Vec<u8>> {
    let mut both = fs::read(requirements)
        .with_context(|| format!("cannot read {}", requirements.display()))?;
    let version = Command::new("python3").arg("--version").output();
    let version = version.context("cannot start python3")?;
    ensure!(version.status.success(), "python3 --version failed");
    both.extend(version.stdout);
    Ok(both)
}

fn pip_install(requirements: &Path, folder: &Path) -> Command {
    let mut pip = Command::new("python3");
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ])
    .args(["--require-hashes", "--only-binary=:all:", "--no-deps"])
    .args(["--root-user-action=ignore", "--target"])
    .arg(folder)
    .arg("--requirement")
    .arg(requirements);
    pip
}
