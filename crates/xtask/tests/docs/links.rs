use std::path::{Component, Path, PathBuf};

use crate::markdown::Page;
use crate::{pages, root};

#[test]
fn every_link_between_pages_leads_somewhere() {
    let pages = pages();
    assert!(pages.len() > 40, "only {} pages were found", pages.len());
    let broken: Vec<_> = pages
        .iter()
        .flat_map(|page| page.links.iter().map(move |link| (page, link)))
        .filter(|(_, link)| !link.contains("://") && !link.starts_with("mailto:"))
        .filter_map(|(page, link)| {
            let why = why_broken(&pages, page, link)?;
            Some(format!("{}: {link}: {why}", page.path.display()))
        })
        .collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

fn why_broken(pages: &[Page], page: &Page, link: &str) -> Option<&'static str> {
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = match file {
        "" => page.path.clone(),
        file => simplified(&page.path.parent().unwrap_or(Path::new("")).join(file)),
    };
    if !root().join(&target).exists() {
        return Some("no such file");
    }
    if anchor.is_empty() {
        return None;
    }
    let Some(target) = pages.iter().find(|page| page.path == target) else {
        return Some("an anchor in what is no page");
    };
    let known = target.anchors.iter().any(|known| known == anchor);
    (!known).then_some("no such heading")
}

/// Without `..`.
fn simplified(path: &Path) -> PathBuf {
    let mut simple = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => assert!(simple.pop(), "{path:?} leaves the repository"),
            Component::CurDir => {}
            part => simple.push(part),
        }
    }
    simple
}

#[test]
fn every_page_of_docs_can_be_reached_from_the_readme() {
    let pages = pages();
    let mut reached = vec![PathBuf::from("README.md")];
    let mut next = 0;
    while let Some(path) = reached.get(next).cloned() {
        next += 1;
        let Some(page) = pages.iter().find(|page| page.path == path) else {
            continue;
        };
        for link in &page.links {
            let file = link.split('#').next().unwrap_or_default();
            if file.is_empty() || file.contains("://") {
                continue;
            }
            let mut target = simplified(&page.path.parent().unwrap_or(Path::new("")).join(file));
            if root().join(&target).is_dir() {
                target.push("README.md");
            }
            if !reached.contains(&target) {
                reached.push(target);
            }
        }
    }
    let lost: Vec<_> = pages
        .iter()
        .map(|page| &page.path)
        .filter(|path| path.starts_with("docs") && !reached.contains(path))
        .collect();
    assert!(lost.is_empty(), "nothing leads to {lost:?}");
}
