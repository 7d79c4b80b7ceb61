//! Installing what is missing, or saying how.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::platform::Platform;
use super::{Lack, Lacking, NPM};
use crate::{packages, step};

/// Packages that bring a service of the same name, which they start.
const DAEMONS: [&str; 4] = ["redis-server", "haproxy", "nginx", "prometheus"];

/// Installs missing tools where that needs no question: with apt, as root. Returns whether it was tried.
///
/// A failure is only printed, because the tools are looked for again afterwards.
pub(super) fn with_apt(lacking: &[Lacking]) -> bool {
    let platform = Platform::here();
    let packages = packages_of_missing(lacking, platform);
    if packages.is_empty() || !platform.installs_with_apt() || !is_root() {
        return false;
    }
    println!("installing {}", packages.join(" "));
    if let Err(error) = apt_get_install(&packages) {
        println!("apt-get failed: {error:#}");
    }
    stop_daemons(&packages);
    true
}

/// Stops the services that packages start: tests start these programs themselves, and some services are open to the
/// network.
fn stop_daemons(packages: &[&str]) {
    let daemons = packages.iter().filter(|package| DAEMONS.contains(package));
    for daemon in daemons.filter(|_| Path::new("/run/systemd/system").exists()) {
        let mut stop = Command::new("systemctl");
        stop.args(["disable", "--now", daemon]);
        if let Err(error) = step::succeed(stop) {
            println!("{daemon} may be running now: {error:#}");
        }
    }
}

/// Installs from npm what the system does not have, or not new enough. Returns whether it was tried.
pub(super) fn with_npm(lacking: &[Lacking]) -> bool {
    let programs = lacking.iter().filter_map(|lacking| lacking.tool.npm);
    let mut tried = false;
    for program in programs.filter(|_| NPM.path().is_some()) {
        tried = true;
        if let Err(error) = packages::install(program.folder) {
            println!("npm failed: {error:#}");
        }
    }
    tried
}

fn apt_get_install(packages: &[&str]) -> Result<()> {
    step::succeed(apt_get(&["update"]))?;
    let install = ["install", "-y", "--no-install-recommends"];
    step::succeed(apt_get(&[&install, packages].concat()))
}

fn apt_get(arguments: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command
        .env("DEBIAN_FRONTEND", "noninteractive")
        // A machine that has just started may be updating itself.
        .args(["-o", "DPkg::Lock::Timeout=120"])
        .args(arguments);
    command
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}

/// What cannot be used and what to do about it; the first line suits a summary.
pub(super) fn advice(lacking: &[Lacking]) -> String {
    let names: Vec<_> = lacking.iter().map(|lacking| lacking.tool.name).collect();
    let mut lines = vec![format!("cannot use {}", names.join(", "))];
    for lacking in lacking {
        lines.push(format!("  {lacking} ({})", lacking.tool.otherwise));
    }
    let commands = install_commands(lacking, Platform::here());
    if !commands.is_empty() {
        lines.push("install what is missing with".to_owned());
    }
    lines.extend(commands);
    lines.join("\n")
}

/// The command for this platform, or one for each where the platform is not known.
fn install_commands(lacking: &[Lacking], platform: Platform) -> Vec<String> {
    let platforms = match platform {
        Platform::Unknown => &Platform::KNOWN[..],
        _ => &[platform],
    };
    platforms
        .iter()
        .filter_map(|&platform| {
            let packages = packages_of_missing(lacking, platform);
            let packages = (!packages.is_empty()).then(|| packages.join(" "))?;
            let install = platform.install_command()?;
            Some(format!("  {platform}: {install} {packages}"))
        })
        .collect()
}

/// Only of missing tools: an old or broken tool may be from these packages already.
fn packages_of_missing(lacking: &[Lacking], platform: Platform) -> Vec<&'static str> {
    let mut packages = Vec::new();
    for lacking in lacking {
        if matches!(lacking.lack, Lack::Missing) {
            packages.extend(lacking.tool.packages.on(platform));
        }
    }
    packages.sort_unstable();
    packages.dedup();
    packages
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::{CHROMIUM, CLIPPY, NODE, REDIS, Tool};
    use super::*;

    fn missing(tool: &Tool) -> Lacking<'_> {
        Lacking {
            tool,
            lack: Lack::Missing,
        }
    }

    #[test]
    fn one_command_installs_all_that_is_missing() {
        assert_eq!(
            install_commands(&[missing(&REDIS), missing(&CHROMIUM)], Platform::Debian),
            [
                "  Debian: sudo apt-get update && sudo apt-get install -y --no-install-recommends \
              chromium fonts-noto-cjk redis-server"
            ]
        );
        assert_eq!(
            install_commands(&[missing(&NODE), missing(&NPM)], Platform::MacOs),
            ["  macOS: brew install node"]
        );
    }

    #[test]
    fn an_unknown_system_is_shown_the_known_ones() {
        let commands = install_commands(&[missing(&REDIS)], Platform::Unknown);
        assert_eq!(commands.len(), Platform::KNOWN.len());
    }

    #[test]
    fn what_no_package_brings_is_not_in_a_command() {
        assert!(install_commands(&[missing(&CLIPPY)], Platform::Debian).is_empty());
        assert!(install_commands(&[missing(&CHROMIUM)], Platform::Ubuntu).is_empty());
    }

    #[test]
    fn a_broken_tool_is_told_but_not_installed() {
        let broken = Lacking {
            tool: &CHROMIUM,
            lack: Lack::Broken(PathBuf::from("/somewhere/chromium")),
        };
        let advice = advice(&[broken]);
        assert!(advice.starts_with("cannot use chromium\n"));
        assert!(advice.contains("/somewhere/chromium --version tells no version"));
        assert!(!advice.contains("install what is missing"));
    }
}
