//! npm, which runs the tests of what is written in JavaScript.

use std::env;
use std::process::Command;

use super::NODE;
use crate::workspace;

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
    command
}
