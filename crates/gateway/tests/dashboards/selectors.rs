//! The series that an expression looks at: `up{job="a"}` in `up{job="a"} == 0`.

/// Each selector in this expression whose metric is one of ours, recorded or scraped.
pub(crate) fn selectors(expression: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = expression;
    while let Some(start) = rest.find(begins_a_name) {
        rest = &rest[start..];
        let name = rest.find(|c| !is_of_a_name(c)).unwrap_or(rest.len());
        let mut end = name;
        if is_ours(&rest[..name]) {
            if rest[name..].starts_with('{') {
                end += rest[name..].find('}').expect("braces come in pairs") + 1;
            }
            found.push(rest[..end].to_owned());
        } else if rest[name..].starts_with('=') || rest[name..].starts_with("!=") {
            // A label: its value is no name.
            end += after_quotes(&rest[name..]);
        }
        rest = &rest[end..];
    }
    found
}

fn begins_a_name(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

fn is_of_a_name(c: char) -> bool {
    begins_a_name(c) || c.is_ascii_digit() || c == ':'
}

fn is_ours(name: &str) -> bool {
    name == "up" || name.starts_with("switchboard_") || name.starts_with("job:")
}

/// How far it is to the end of the first text in quotes.
fn after_quotes(text: &str) -> usize {
    let mut quotes = text.match_indices('"').map(|(at, _)| at + 1);
    quotes.nth(1).unwrap_or(text.len())
}

#[test]
fn what_an_alert_looks_at_is_found() {
    let expression = r#"switchboard_ready == 0 unless on (job) max by (job) (rate(up{job=~"a|up"}[5m])) > job:a:b
        and sum(foo{x="switchboard_not"}) < 1"#;
    assert_eq!(
        selectors(expression),
        ["switchboard_ready", r#"up{job=~"a|up"}"#, "job:a:b"]
    );
}
