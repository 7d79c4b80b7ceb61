//! npm, which runs the tests of what is written in JavaScript.

use std::env;
use std::path::Path;
use std::process::Command;

use super::NODE;
use crate::workspace;

/// The authorities that a Debian system trusts. A Node that is not Debian's own knows only those that it was built with, and
/// so not those of a company's proxy.
const AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// `npm …` in a folder of the repository. What it runs finds the Node that is new enough, where the `PATH` has another.
pub(crate) fn npm<const N: usize>(folder: &str, arguments: [&str; N]) -> Command {
    let mut command = Command::new("npm");
    command
        .current_dir(workspace::root().join(folder))
        .args(arguments);
    let node = NODE.path();
    let node_folder = node.as_deref().and_then(|node| node.parent());
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = node_folder.map(Into::into).into_iter();
    if let Ok(path) = env::join_paths(folders.chain(env::split_paths(&path))) {
        command.env("PATH", path);
    }
    if env::var_os("NODE_EXTRA_CA_CERTS").is_none() && Path::new(AUTHORITIES).is_file() {
        command.env("NODE_EXTRA_CA_CERTS", AUTHORITIES);
    }
    command
}
