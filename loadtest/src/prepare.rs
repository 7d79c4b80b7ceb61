//! What has to be there before anything can be measured: built and installed if it is not.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value};

/// The gateway's program, in the same profile as this one; built, so that it is never an older one that is measured.
pub(crate) fn gateway() -> Result<PathBuf> {
    let mut build = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build.args(["build", "-p", "switchboard-gateway", "--bin", "switchboard"]);
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    // `cargo run` describes this crate to us so; build scripts that watch such variables would run again.
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            build.env_remove(&*name);
        }
    }
    succeed(build.current_dir(env!("CARGO_MANIFEST_DIR")))?;
    let this = env::current_exe().context("cannot tell where this program lies")?;
    Ok(this.with_file_name(format!("switchboard{}", env::consts::EXE_SUFFIX)))
}

/// npm's packages of this folder, as its lock file says.
pub(crate) fn npm_packages(folder: &Path) -> Result<()> {
    if is_installed(folder) {
        return Ok(());
    }
    let mut install = Command::new("npm");
    install.args(["ci", "--no-audit", "--no-fund"]);
    succeed(install.current_dir(folder))
}

/// npm leaves a copy of the lock file in `node_modules`, without the entry of the folder itself.
fn is_installed(folder: &Path) -> bool {
    let locked = packages(&folder.join("package-lock.json"));
    let installed = packages(&folder.join("node_modules/.package-lock.json"));
    locked.is_some() && locked == installed
}

fn packages(lock: &Path) -> Option<Map<String, Value>> {
    let lock: Value = serde_json::from_slice(&fs::read(lock).ok()?).ok()?;
    let mut packages = lock.get("packages")?.as_object()?.clone();
    packages.remove("");
    Some(packages)
}

fn succeed(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command
        .status()
        .with_context(|| format!("{program} cannot be started"))?;
    ensure!(status.success(), "{command:?} failed: {status}");
    Ok(())
}
