//! A public key in a file.

use std::fs;
use std::path::PathBuf;

use switchboard_auth::Key;

use super::setting::Word;

/// The file, and the key that it held when the configuration was read.
#[derive(Debug, Clone)]
pub struct PublicKeyFile {
    path: PathBuf,
    key: Key,
}

impl PublicKeyFile {
    /// The key.
    pub fn key(&self) -> Key {
        self.key.clone()
    }
}

impl Word for PublicKeyFile {
    fn read(text: &str) -> Result<Self, String> {
        let path = PathBuf::read(text)?;
        let pem = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let key = Key::from_pem(&pem).map_err(|wrong| format!("{}: {wrong}", path.display()))?;
        Ok(Self { path, key })
    }

    fn write(&self) -> String {
        self.path.write()
    }
}
