//! The sets: which there are, that they stay as they are, and how a new one is made.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{directory, frames, records, secrets};

/// Every release whose format is not below [`Format::OWN`](crate::Format)'s oldest, with the hash of all files of its set.
const RELEASES: [(&str, &str); 1] = [("v0.2.0", "494b68c3b352ad82fc9bc95ed298a191")];

/// The set of one release.
pub(super) struct Set(PathBuf);

impl Set {
    /// Those of all releases.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        RELEASES.iter().map(|(release, _)| Self::of(release))
    }

    /// Of the release that is the last one.
    pub(super) fn latest() -> Self {
        Self::all().last().expect("there is a release")
    }

    fn of(release: &str) -> Self {
        Self(folder().join(release))
    }

    pub(super) fn text(&self, file: &str) -> String {
        let path = self.0.join(file);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    pub(super) fn json(&self, file: &str) -> Value {
        serde_json::from_str(&self.text(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
    }

    /// Its scripts, by name.
    pub(super) fn scripts(&self) -> Vec<(String, String)> {
        let name = |path: &PathBuf| path.file_stem()?.to_str().map(str::to_owned);
        let files = files(&self.0.join("scripts"));
        let script = |path: PathBuf| Some((name(&path)?, fs::read_to_string(path).ok()?));
        files.into_iter().filter_map(script).collect()
    }

    fn hash(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for path in files(&self.0) {
            let name = path.strip_prefix(&self.0).expect("it is in there");
            let bytes = fs::read(&path).expect("a file can be read");
            hasher.update(name.to_string_lossy().as_bytes());
            hasher.update(&bytes.len().to_le_bytes()).update(&bytes);
        }
        hasher.finalize().to_hex()[..32].to_owned()
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// Every file below, sorted.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let (folders, mut found): (Vec<_>, Vec<_>) = paths.partition(|path| path.is_dir());
    found.extend(folders.iter().flat_map(|folder| files(folder)));
    found.sort_unstable();
    found
}

/// Writes the set of the present code into a folder that must not be there yet.
async fn make_in(folder: &Path) -> io::Result<()> {
    fs::create_dir(folder)?;
    let mut written = vec![
        ("frames.json".to_owned(), pretty(&frames::made())),
        ("records.json".to_owned(), pretty(&records::made())),
        ("secrets.json".to_owned(), pretty(&secrets::made())),
    ];
    written.extend(directory::made().await);
    fs::create_dir(folder.join("scripts"))?;
    for (name, text) in written {
        fs::write(folder.join(name), text)?;
    }
    Ok(())
}

/// One entry to a line.
pub(super) fn pretty(entries: &[Value]) -> String {
    let lines: Vec<_> = entries.iter().map(Value::to_string).collect();
    format!("[\n{}\n]\n", lines.join(",\n"))
}

#[tokio::test]
#[ignore = "makes the set of a new release"]
async fn make() {
    let release =
        std::env::var("SWITCHBOARD_GOLDEN").expect("SWITCHBOARD_GOLDEN names the release");
    let set = Set::of(&release);
    match make_in(&set.0).await {
        Ok(()) => println!(
            "add to RELEASES in {}: (\"{release}\", \"{}\")",
            file!(),
            set.hash()
        ),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            panic!("{release} has its set: what a release wrote never changes")
        }
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_set_that_is_there_is_not_written_again() {
    let parent = tempfile::tempdir().expect("a temporary directory");
    let folder = parent.path().join("v1");
    make_in(&folder).await.expect("it is new");
    let set = Set(folder);
    let before = set.hash();
    let again = make_in(&set.0).await.map_err(|error| error.kind());
    assert_eq!(again, Err(ErrorKind::AlreadyExists));
    assert_eq!(set.hash(), before);
}

#[test]
fn what_a_release_left_stays_as_it_is() {
    for (release, hash) in RELEASES {
        assert_eq!(
            Set::of(release).hash(),
            hash,
            "the set of {release} has changed; take your change back: what a release wrote is out"
        );
    }
}
