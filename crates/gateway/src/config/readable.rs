//! Files and folders that a configuration names: whether this node can read them, and what to do where it cannot.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;

use rustix::process::getuid;

/// The text of a file.
pub(super) fn text(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| in_words(path, &error))
}

/// The bytes of a file.
pub(super) fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| in_words(path, &error))
}

/// Whether it is a file that can be read.
pub(super) fn file(path: &Path) -> Result<(), String> {
    // A folder can be opened, too.
    let is_folder = |file: File| file.metadata().map(|metadata| metadata.is_dir());
    match File::open(path).and_then(is_folder) {
        Ok(false) => Ok(()),
        Ok(true) => Err(in_words(path, &ErrorKind::IsADirectory.into())),
        Err(error) => Err(in_words(path, &error)),
    }
}

/// Whether it is a folder that can be read.
pub(super) fn folder(path: &Path) -> Result<(), String> {
    match fs::read_dir(path) {
        Ok(_) => Ok(()),
        Err(error) => Err(in_words(path, &error)),
    }
}

fn in_words(path: &Path, error: &io::Error) -> String {
    let path = path.display();
    match error.kind() {
        ErrorKind::NotFound => format!("there is no {path}: mount it there, or name another one"),
        ErrorKind::IsADirectory => format!(
            "{path} is a folder, not a file: name the file. (A container gets a folder where the file on the host, or the key \
             of a `subPath`, is missing)"
        ),
        ErrorKind::NotADirectory => format!("{path} is not a folder: name the folder itself"),
        ErrorKind::PermissionDenied => format!(
            "{path} may not be read by this process (user {}): change its owner or mode, in Kubernetes `fsGroup` or \
             `defaultMode`",
            getuid().as_raw()
        ),
        ErrorKind::InvalidData => format!("{path} is no text in UTF-8"),
        _ => format!("{path} cannot be read: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_named_with_what_to_do() {
        let folder_there = tempfile::tempdir().expect("a temporary directory");
        let path = folder_there.path();
        let binary = path.join("binary");
        fs::write(&binary, b"\xff\xfe").expect("a file can be written");
        let missing = path.join("missing");
        for (told, words) in [
            (text(&missing).map(drop), "there is no "),
            (text(path).map(drop), "is a folder, not a file"),
            (text(&binary).map(drop), "is no text in UTF-8"),
            (file(&missing), "there is no "),
            (file(path), "is a folder, not a file"),
            (folder(&missing), "there is no "),
            (folder(&binary), "is not a folder"),
        ] {
            let told = told.expect_err("it cannot be read");
            assert!(told.contains(words), "{told}");
            assert!(told.contains(&*path.display().to_string()), "{told}");
        }
        let denied = in_words(path, &ErrorKind::PermissionDenied.into());
        let user = format!("(user {})", getuid().as_raw());
        assert!(
            denied.contains("may not be read") && denied.contains(&user),
            "{denied}"
        );
        assert_eq!((file(&binary), folder(path)), (Ok(()), Ok(())));
    }
}
