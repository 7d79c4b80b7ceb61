//! Where the project's things are, and its programs as commands that start there.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

/// The repository's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("this crate lies in <root>/crates/xtask")
}

/// `cargo …` in the repository's root.
pub(crate) fn cargo<const N: usize>(arguments: [&str; N]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()).args(arguments);
    // `cargo run` describes this crate to us in its environment. Build scripts that watch such variables (ring's
    // does) would see them change between `cargo xtask test` and `cargo test`, and half the tree be built again.
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(describes_a_package) {
            command.env_remove(name);
        }
    }
    command
}

/// `cargo build` of the gateway and of the package that runs it, in one go.
pub(crate) fn build_with_gateway(package: &str, release: bool) -> Command {
    let mut build = cargo(["build", "-p", "switchboard-gateway", "--bin", "switchboard"]);
    build.args(["-p", package, "--bin", package]);
    build.args(profile(release));
    build
}

/// `cargo run` of a package that has been built; the arguments of its program follow.
pub(crate) fn run_built(package: &str, release: bool) -> Command {
    let mut run = cargo(["run", "--quiet", "-p", package]);
    run.args(profile(release)).arg("--");
    run
}

fn profile(release: bool) -> &'static [&'static str] {
    if release { &["--release"] } else { &[] }
}

/// Whether cargo sets this variable to describe the package that it runs.
fn describes_a_package(variable: &str) -> bool {
    variable.starts_with("CARGO_PKG_") || variable.starts_with("CARGO_MANIFEST_")
}

/// Where `cargo build` puts the gateway: beside this program, which cargo built in the same profile.
pub(crate) fn switchboard_binary() -> Result<PathBuf> {
    let this = env::current_exe().context("cannot tell where this program lies")?;
    Ok(this.with_file_name(format!("switchboard{}", env::consts::EXE_SUFFIX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_holds_the_lock_file() {
        assert!(root().join("Cargo.lock").is_file());
    }

    #[test]
    fn only_variables_about_a_package_are_kept_from_cargo() {
        assert!(describes_a_package("CARGO_PKG_NAME"));
        assert!(describes_a_package("CARGO_MANIFEST_DIR"));
        assert!(!describes_a_package("CARGO_HOME"));
        assert!(!describes_a_package("CARGO_TARGET_DIR"));
    }
}
