//! The folder in which one cluster runs.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

/// Marks the folder of a cluster, which may be emptied. Locked while a cluster runs in it.
const MARKER: &str = ".switchboard-cluster";

/// No other cluster uses the folder while this is held.
pub(crate) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes the folder, or empties that of an earlier cluster.
    ///
    /// # Errors
    ///
    /// A cluster runs in it, or it holds other things. Then nothing in it is changed.
    pub(crate) fn take(path: &Path) -> Result<Self> {
        let make = || {
            fs::create_dir_all(path)?;
            fs::canonicalize(path)
        };
        let path = make().with_context(|| format!("cannot make the folder {}", path.display()))?;
        let lock = lock(&path)?;
        empty(&path).with_context(|| format!("cannot empty the folder {}", path.display()))?;
        Ok(Self { path, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

fn lock(path: &Path) -> Result<File> {
    let marker = path.join(MARKER);
    let is_ours = marker.is_file() || fs::read_dir(path)?.next().is_none();
    ensure!(
        is_ours,
        "{} holds what no cluster wrote: empty it, or name another one (--folder)",
        path.display()
    );
    let file = File::create(&marker)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!(
            "a cluster runs in {}: end it, or name another folder (--folder)",
            path.display()
        ),
        Err(TryLockError::Error(error)) => Err(error).context("cannot lock the folder"),
    }
}

fn empty(path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_name() == MARKER {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn refused(path: &Path) -> String {
        let taken = Folder::take(path).err();
        taken.expect("it is refused").to_string()
    }

    #[test]
    fn the_folder_of_an_earlier_cluster_is_emptied() {
        let parent = TempDir::new().expect("a temporary folder");
        let path = parent.path().join("made/for/it");
        let folder = Folder::take(&path).expect("made");
        fs::create_dir(folder.path().join("data")).expect("made");
        fs::write(folder.path().join("data/kept"), "").expect("written");
        fs::write(folder.path().join("gw-1.log"), "").expect("written");
        drop(folder);
        let folder = Folder::take(&path).expect("taken again");
        let left = fs::read_dir(folder.path()).expect("a folder");
        let left: Vec<_> = left.map(|entry| entry.expect("one").file_name()).collect();
        assert_eq!(left, [MARKER]);
    }

    #[test]
    fn a_folder_of_somebody_else_is_left_as_it_is() {
        let folder = TempDir::new().expect("a temporary folder");
        let letter = folder.path().join("letter");
        fs::write(&letter, "dear").expect("written");
        let error = refused(folder.path());
        assert!(error.contains("no cluster wrote"), "{error}");
        assert_eq!(fs::read_to_string(&letter).expect("still there"), "dear");
        assert!(!folder.path().join(MARKER).exists());
    }

    #[test]
    fn the_folder_of_a_cluster_that_runs_is_left_to_it() {
        let parent = TempDir::new().expect("a temporary folder");
        let folder = Folder::take(parent.path()).expect("empty");
        let log = folder.path().join("gw-1.log");
        fs::write(&log, "").expect("written");
        let error = refused(parent.path());
        assert!(error.starts_with("a cluster runs in"), "{error}");
        assert!(log.exists());
    }
}
