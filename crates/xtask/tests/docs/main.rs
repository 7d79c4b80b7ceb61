//! The pages of this repository agree with one another and with the code.

mod links;
mod markdown;
mod readme;
mod runbooks;
mod tables;

use std::fs;
use std::path::{Path, PathBuf};

use markdown::Page;

fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize()
        .expect("the repository is two folders up")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every page that people read, by its path from the root.
fn pages() -> Vec<Page> {
    let folders = ["docs", "deploy", "helm", "clients/js", "loadtest", "e2e"];
    let inside = folders
        .iter()
        .flat_map(|folder| files(&root().join(folder), "md"));
    let mut paths: Vec<_> = ["README.md", "README.ko.md", "CHANGELOG.md"]
        .map(|name| root().join(name))
        .into_iter()
        .chain(inside)
        .collect();
    paths.sort();
    let pages = paths.iter().map(|path| {
        let text = fs::read_to_string(path).expect("a page is text");
        let path = path.strip_prefix(root()).expect("it is below the root");
        Page::new(path.to_path_buf(), &text)
    });
    pages.collect()
}

/// The files in a folder, and in those inside it that are ours.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    const OF_OTHERS: [&str; 3] = ["node_modules", "target", "artifacts"];
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.expect("a folder can be listed").path());
    let paths = paths.filter(|path| !OF_OTHERS.iter().any(|name| path.ends_with(name)));
    let found = paths.flat_map(|path| match path.is_dir() {
        true => files(&path, extension),
        false if path.extension().is_some_and(|found| found == extension) => vec![path],
        false => Vec::new(),
    });
    found.collect()
}
