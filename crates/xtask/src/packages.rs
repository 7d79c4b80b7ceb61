//! npm's packages of one folder: installed exactly as its lock file says, and only when that has changed.
//!
//! After `npm ci` a stamp inside `node_modules` keeps a copy of what was installed from. `npm ci` begins by removing
//! `node_modules`, and the stamp with it, so an installation that was cut short is never taken for a whole one.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::tools::{self, NpmProgram};
use crate::{step, workspace};

const STAMP: &str = "node_modules/.installed-from";

/// Brings `node_modules` of this folder (relative to the root) up to date.
pub(crate) fn install(folder: &str) -> Result<()> {
    let path = workspace::root().join(folder);
    let wanted = manifest_and_lock(&path)?;
    if is_up_to_date(&path, &wanted) {
        println!("{folder}/node_modules is up to date with package-lock.json");
        return Ok(());
    }
    step::succeed(tools::npm(folder, ["ci", "--no-audit", "--no-fund"]))?;
    write_stamp(&path, &wanted)
}

/// Where this program lies, if its packages have been installed.
pub(crate) fn program(program: NpmProgram) -> Option<PathBuf> {
    let packages = workspace::root().join(program.folder).join("node_modules");
    let mut paths = program.paths.iter().map(|path| packages.join(path));
    paths.find(|path| path.is_file())
}

/// What an installation follows from. The manifest counts because `npm ci` refuses a lock that disagrees with it:
/// such a mistake should show here, not first on a clean machine.
fn manifest_and_lock(folder: &Path) -> Result<Vec<u8>> {
    let mut both = read(folder, "package.json")?;
    both.extend(read(folder, "package-lock.json")?);
    Ok(both)
}

fn read(folder: &Path, name: &str) -> Result<Vec<u8>> {
    let path = folder.join(name);
    if !path.is_file() {
        bail!(
            "{} is missing: it belongs in the repository",
            path.display()
        );
    }
    fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
}

fn is_up_to_date(folder: &Path, wanted: &[u8]) -> bool {
    fs::read(folder.join(STAMP)).is_ok_and(|installed| installed == wanted)
}

fn write_stamp(folder: &Path, installed: &[u8]) -> Result<()> {
    // A folder without dependencies gets no `node_modules` from npm.
    fs::create_dir_all(folder.join("node_modules"))
        .and_then(|()| fs::write(folder.join(STAMP), installed))
        .with_context(|| format!("cannot write {} in {}", STAMP, folder.display()))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn folder_with(manifest: &str, lock: &str) -> TempDir {
        let folder = TempDir::new().expect("a temporary folder");
        fs::write(folder.path().join("package.json"), manifest).expect("write");
        fs::write(folder.path().join("package-lock.json"), lock).expect("write");
        folder
    }

    fn installed(folder: &TempDir) {
        let wanted = manifest_and_lock(folder.path()).expect("both are there");
        write_stamp(folder.path(), &wanted).expect("write");
    }

    fn up_to_date(folder: &TempDir) -> bool {
        is_up_to_date(
            folder.path(),
            &manifest_and_lock(folder.path()).expect("both are there"),
        )
    }

    #[test]
    fn a_folder_never_installed_is_not_up_to_date() {
        assert!(!up_to_date(&folder_with("{}", "{}")));
    }

    #[test]
    fn a_folder_just_installed_is_up_to_date() {
        let folder = folder_with("{}", "{}");
        installed(&folder);
        assert!(up_to_date(&folder));
    }

    #[test]
    fn a_changed_lock_is_installed_again() {
        let folder = folder_with("{}", "{}");
        installed(&folder);
        fs::write(folder.path().join("package-lock.json"), "{ }").expect("write");
        assert!(!up_to_date(&folder));
    }

    #[test]
    fn a_changed_manifest_is_installed_again() {
        let folder = folder_with("{}", "{}");
        installed(&folder);
        fs::write(folder.path().join("package.json"), "{ }").expect("write");
        assert!(!up_to_date(&folder));
    }

    #[test]
    fn removed_packages_are_installed_again() {
        let folder = folder_with("{}", "{}");
        installed(&folder);
        fs::remove_dir_all(folder.path().join("node_modules")).expect("remove");
        assert!(!up_to_date(&folder));
    }

    #[test]
    fn a_missing_lock_is_named() {
        let folder = folder_with("{}", "{}");
        fs::remove_file(folder.path().join("package-lock.json")).expect("remove");
        let error = manifest_and_lock(folder.path()).expect_err("no lock");
        assert!(error.to_string().contains("package-lock.json is missing"));
    }
}
