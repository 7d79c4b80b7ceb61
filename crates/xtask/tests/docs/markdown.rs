//! As much of Markdown as these tests look at.

use std::collections::HashMap;
use std::path::PathBuf;

/// A page.
pub(crate) struct Page {
    /// From the root of the repository.
    pub(crate) path: PathBuf,
    /// Targets of links and images.
    pub(crate) links: Vec<String>,
    /// What its headings are called in links (as GitHub does it), and places with an id.
    pub(crate) anchors: Vec<String>,
    /// Fenced blocks: language and content.
    pub(crate) blocks: Vec<(String, String)>,
    /// Lines outside of fenced blocks.
    pub(crate) prose: Vec<String>,
}

impl Page {
    pub(crate) fn new(path: PathBuf, text: &str) -> Self {
        let (mut blocks, mut prose) = (Vec::new(), Vec::new());
        let mut open: Option<(String, String)> = None;
        for line in text.lines() {
            match (&mut open, line.trim_start().strip_prefix("```")) {
                (None, Some(language)) => open = Some((language.trim().into(), String::new())),
                (Some(_), Some(_)) => blocks.extend(open.take()),
                (Some((_, content)), None) => *content += &format!("{line}\n"),
                (None, None) => prose.push(line.to_owned()),
            }
        }
        assert!(open.is_none(), "{path:?}: a fenced block does not end");
        Self {
            links: links(&prose),
            anchors: anchors(&prose),
            path,
            blocks,
            prose,
        }
    }
}

fn links(prose: &[String]) -> Vec<String> {
    // Lines are joined: a link's text may be broken over two of them.
    let text = without_code(&prose.join("\n"));
    let parts = text.split("](").skip(1);
    let targets = parts.filter_map(|part| Some(part.split_once(')')?.0.to_owned()));
    targets.collect()
}

/// Without `code`.
fn without_code(text: &str) -> String {
    text.split('`').step_by(2).collect()
}

/// What is `code` in a line.
pub(crate) fn code(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

fn anchors(prose: &[String]) -> Vec<String> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let headings = prose
        .iter()
        .filter(|line| line.starts_with('#'))
        .map(|line| line.trim_start_matches('#').trim());
    let anchors = headings.map(|heading| {
        let anchor = anchor(heading);
        let before = seen.entry(anchor.clone()).or_default();
        *before += 1;
        match *before {
            1 => anchor,
            more => format!("{anchor}-{}", more - 1),
        }
    });
    let placed = prose.iter().filter_map(|line| {
        let (_, rest) = line.split_once("<a id=\"")?;
        Some(rest.split_once('"')?.0.to_owned())
    });
    anchors.chain(placed).collect()
}

fn anchor(heading: &str) -> String {
    let kept = heading
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    let lower = kept.flat_map(char::to_lowercase);
    lower.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn a_page_is_taken_apart() {
    let text = "# A `b` – c, d\n[x](y.md#z) and `[no](link)`\n```sh\n[no](link)\n```\n## Twice\n## Twice\n<a id=\"here\"></a>x\n";
    let page = Page::new("x.md".into(), text);
    assert_eq!(page.links, ["y.md#z"]);
    assert_eq!(page.anchors, ["a-b--c-d", "twice", "twice-1", "here"]);
    assert_eq!(page.blocks, [("sh".to_owned(), "[no](link)\n".to_owned())]);
    assert_eq!(code("a `b` and `c d`").collect::<Vec<_>>(), ["b", "c d"]);
}
