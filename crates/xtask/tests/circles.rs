//! No module of these crates uses one that uses it, directly or through others: a reader can begin at the leaves.
//!
//! `cargo test -p xtask --test circles -- --nocapture` prints how many modules and arrows there are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A module by its path within the crate; the root has none.
type Module = Vec<String>;

/// Crates whose modules have no circle.
const CRATES: [&str; 13] = [
    "auth",
    "client",
    "cluster",
    "connection",
    "local",
    "protocol",
    "proxy-protocol",
    "session",
    "stomp",
    "testkit",
    "traces",
    "traffic",
    "upgrade",
];

#[test]
fn no_module_uses_one_that_uses_it() {
    for name in CRATES {
        let arrows = arrows(&sources(name));
        let count: usize = arrows.values().map(BTreeSet::len).sum();
        println!("{name}: {} modules, {count} arrows", arrows.len());
        let circles = circles(&arrows);
        assert!(circles.is_empty(), "in {name}: {circles:#?}");
    }
}

#[test]
fn a_circle_is_found_and_tests_do_not_make_one() {
    let source = |module: &str, text: &str| (split(module), text.to_owned());
    let mut files = BTreeMap::from([
        source("", "mod a; mod b;"),
        source("a", "use crate::b::{B, inner::C};\n// use crate::d;"),
        source(
            "b",
            "pub mod inner;\n#[cfg(test)]\nmod tests {\n use crate::a::A;\n}",
        ),
        source("b::inner", "pub struct C;"),
    ]);
    assert_eq!(circles(&arrows(&files)), Vec::<Vec<String>>::new());
    files.insert(
        split("b::inner"),
        "fn f(_: super::super::a::A) {}".to_owned(),
    );
    assert_eq!(circles(&arrows(&files)), [["a", "b::inner"]]);
}

/// Every module of a crate that is not for tests alone, with its text.
fn sources(name: &str) -> BTreeMap<Module, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
    let root = root.join("src");
    let mut files = BTreeMap::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the crate") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source file");
                files.insert(module_of(&root, &path), text);
            }
        }
    }
    files
}

fn module_of(root: &Path, file: &Path) -> Module {
    let within: PathBuf = file.strip_prefix(root).expect("within the crate").into();
    let within = within.with_extension("");
    let names = within
        .iter()
        .map(|name| name.to_string_lossy().into_owned());
    names
        .filter(|name| name != "lib" && name != "main")
        .collect()
}

fn split(module: &str) -> Module {
    let names = module.split("::").filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

/// Which modules each module uses.
fn arrows(files: &BTreeMap<Module, String>) -> BTreeMap<Module, BTreeSet<Module>> {
    let for_tests: Vec<_> = files.iter().flat_map(test_modules).collect();
    let is_test = |module: &Module| for_tests.iter().any(|tests| module.starts_with(tests));
    let product = files.iter().filter(|(module, _)| !is_test(module));
    let arrow = |(module, text): (&Module, &String)| {
        let used = paths(&code(text)).into_iter();
        let used = used.filter_map(|path| resolve(files, module, &path));
        let used = used.filter(|used| used != module);
        (module.clone(), used.collect())
    };
    product
        .map(arrow)
        .filter(|(module, _)| !module.is_empty())
        .collect()
}

/// The modules that a file declares for tests alone.
fn test_modules((module, text): (&Module, &String)) -> Vec<Module> {
    let declared = text.split("#[cfg(test)]\n").skip(1);
    let names = declared.filter_map(|after| after.strip_prefix("mod ")?.split_once(';'));
    let names = names
        .map(|(name, _)| name.trim())
        .filter(|name| !name.contains('{'));
    names
        .map(|name| [module.as_slice(), &[name.to_owned()]].concat())
        .collect()
}

/// Without comments and tests.
fn code(text: &str) -> String {
    let product = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    let lines = product
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    // Who may see something is no use of it.
    let mut code = lines.collect::<Vec<_>>().join("\n");
    while let Some(at) = code.find("pub(in ") {
        let end = code[at..].find(')').map_or(code.len(), |end| at + end + 1);
        code.replace_range(at..end, "");
    }
    code
}

/// Every path that begins within the crate: those of `use`, with what their braces hold, and those in the code.
fn paths(code: &str) -> Vec<Module> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("::") {
        let head = code[..at]
            .rsplit(|c: char| !is_of_name(c))
            .next()
            .unwrap_or_default();
        let before = code[..at - head.len()].chars().next_back();
        if ["crate", "super", "self"].contains(&head) && before != Some(':') {
            expand(&[head.to_owned()], &code[at + 2..], &mut found);
        }
    }
    found
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Follows a path from where `rest` begins. Returns what is behind it.
fn expand<'a>(head: &[String], rest: &'a str, found: &mut Vec<Module>) -> &'a str {
    let rest = rest.trim_start();
    if let Some(mut inner) = rest.strip_prefix('{') {
        loop {
            inner = expand(head, inner, found).trim_start_matches([',', ' ', '\n']);
            if let Some(behind) = inner.strip_prefix('}') {
                return behind;
            }
            if inner.is_empty() {
                return inner;
            }
        }
    }
    let end = rest.find(|c: char| !is_of_name(c)).unwrap_or(rest.len());
    let path = [head, &[rest[..end].to_owned()]].concat();
    let behind = &rest[end..];
    match behind.strip_prefix("::") {
        Some(more) => expand(&path, more, found),
        // A macro is exported at the root, wherever it is.
        None if behind.starts_with('!') => behind,
        None => {
            found.push(path);
            // An alias of its own, or a glob, names nothing more.
            let end = behind.find([',', '}', ';', '(', ')', '<', '>', '\n']);
            &behind[end.unwrap_or(behind.len())..]
        }
    }
}

/// The module that a path leads into.
fn resolve(files: &BTreeMap<Module, String>, from: &Module, path: &[String]) -> Option<Module> {
    let mut at = Module::new();
    for (index, name) in path.iter().enumerate() {
        match name.as_str() {
            "crate" => at.clear(),
            "self" if index == 0 => at.clone_from(from),
            "super" => {
                if index == 0 {
                    at.clone_from(from);
                }
                at.pop();
            }
            name => at.push(name.to_owned()),
        }
    }
    while !at.is_empty() && !files.contains_key(&at) {
        at.pop();
    }
    (!at.is_empty()).then_some(at)
}

/// The groups of modules of which each is reached from each.
fn circles(arrows: &BTreeMap<Module, BTreeSet<Module>>) -> Vec<Vec<String>> {
    let reached = |from: &Module| {
        let mut reached = BTreeSet::new();
        let mut next = vec![from];
        while let Some(module) = next.pop() {
            for used in arrows.get(module).into_iter().flatten() {
                if reached.insert(used) {
                    next.push(used);
                }
            }
        }
        reached
    };
    let all: BTreeMap<_, _> = arrows
        .keys()
        .map(|module| (module, reached(module)))
        .collect();
    let mut groups = BTreeSet::new();
    for (module, reached) in &all {
        if reached.contains(module) {
            let is_back =
                |other: &&Module| all.get(*other).is_some_and(|back| back.contains(*module));
            let group = reached.iter().copied().filter(is_back);
            groups.insert(group.map(|module| module.join("::")).collect::<Vec<_>>());
        }
    }
    groups.into_iter().collect()
}
