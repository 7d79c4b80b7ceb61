use crate::markdown::Page;
use crate::pages;

#[test]
fn the_korean_readme_has_the_same_commands_and_tables_as_the_english_one() {
    let pages = pages();
    let page = |name: &str| -> &Page {
        let found = pages.iter().find(|page| page.path.ends_with(name));
        found.unwrap_or_else(|| panic!("there is no {name}"))
    };
    let (english, korean) = (page("README.md"), page("README.ko.md"));
    assert_eq!(korean.blocks.len(), english.blocks.len(), "fenced blocks");
    for ((_, english), (_, korean)) in english.blocks.iter().zip(&korean.blocks) {
        assert_eq!(without_comments(korean), without_comments(english));
    }
    assert_eq!(shape(korean), shape(english), "headings");
    assert_eq!(rows(korean), rows(english), "rows of tables");
}

/// How deep each heading is.
fn shape(page: &Page) -> Vec<&str> {
    let headings = page.prose.iter().filter(|line| line.starts_with('#'));
    let marks = headings.map(|line| line.split(' ').next().unwrap_or(line));
    marks.collect()
}

fn rows(page: &Page) -> usize {
    let rows = page.prose.iter().filter(|line| line.starts_with('|'));
    rows.count()
}

/// Comments may be translated.
fn without_comments(block: &str) -> String {
    let lines = block.lines().map(|line| {
        let code = line.split(" // ").next().unwrap_or(line);
        let code = code.split(" # ").next().unwrap_or(code);
        if code.trim_start().starts_with("//") {
            ""
        } else {
            code.trim_end()
        }
    });
    lines
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}
