//! Certificates for tests of TLS, made by openssl.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// A new authority (`ca.pem`) and two certificates that it signed, `server.pem` and `client.pem`, with their keys
/// `server.key` and `client.key`, as files in a temporary directory.
pub struct Certificates(TempDir);

impl Certificates {
    /// Both are for `127.0.0.1`.
    pub fn make() -> Self {
        Self::for_name("IP:127.0.0.1")
    }

    /// Both are for this subject alternative name, such as `DNS:gw.example`.
    pub fn for_name(name: &str) -> Self {
        let these = Self(tempfile::tempdir().expect("a directory"));
        these.openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.pem");
        std::fs::write(
            these.0.path().join("names"),
            format!("subjectAltName={name}"),
        )
        .expect("a file can be written");
        for owner in ["server", "client"] {
            these.openssl(&format!("req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN={owner} -keyout {owner}.key -out {owner}.csr"));
            these.openssl(&format!("x509 -req -in {owner}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out {owner}.pem"));
        }
        these
    }

    /// Where one of the files is.
    pub fn path(&self, file: &str) -> String {
        let path: &Path = self.0.path();
        path.join(file).to_str().expect("a plain path").to_owned()
    }

    /// Runs openssl in that directory with these words, and gives what it says.
    pub fn openssl(&self, arguments: &str) -> String {
        let output = Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(self.0.path())
            .output()
            .expect("this test needs openssl in the PATH");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {arguments}: {said}");
        String::from_utf8(output.stdout).expect("openssl says text")
    }
}
