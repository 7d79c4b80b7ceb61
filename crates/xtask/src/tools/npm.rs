//! npm, which runs the tests of what is written in JavaScript.

use std::env;
use std::ffi::OsString;
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
    put_node_on_the_path(&mut command);
    if env::var_os("NODE_EXTRA_CA_CERTS").is_none() && Path::new(AUTHORITIES).is_file() {
        command.env("NODE_EXTRA_CA_CERTS", AUTHORITIES);
    }
    command
}

/// Puts the Node that is new enough before those that the command's `PATH` has.
pub(crate) fn put_node_on_the_path(command: &mut Command) {
    let node = NODE.path();
    let node_folder = node.as_deref().and_then(|node| node.parent());
    let folders = node_folder.map(Into::into).into_iter();
    let path = path_of(command);
    if let Ok(path) = env::join_paths(folders.chain(env::split_paths(&path))) {
        command.env("PATH", path);
    }
}

/// The `PATH` that this command will have.
fn path_of(command: &Command) -> OsString {
    let own = command.get_envs().find(|(name, _)| *name == "PATH");
    let own = own.and_then(|(_, value)| value).map(OsString::from);
    own.or_else(|| env::var_os("PATH")).unwrap_or_default()
}
