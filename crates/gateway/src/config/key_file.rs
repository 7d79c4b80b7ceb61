//! A public key in a file.

use std::fs;
use std::path::Path;

use switchboard_auth::Key;

/// The key in the file, or what is wrong with it.
pub(crate) fn public_key(file: &Path) -> Result<Key, String> {
    let pem = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    Key::from_pem(&pem).map_err(|wrong| format!("{}: {wrong}", file.display()))
}
