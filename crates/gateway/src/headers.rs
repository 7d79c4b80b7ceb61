//! Reading headers that are lists.

use std::str;

use http::{HeaderMap, HeaderName};

/// The elements of a list that may come on several lines, with several elements on each (RFC 9110, 5.6.1). An element
/// that is not text is left out.
pub(crate) fn listed<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(name).into_iter();
    lines
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .filter_map(|element| str::from_utf8(element.trim_ascii()).ok())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use http::header::ACCEPT;

    use super::*;

    #[test]
    fn a_list_is_read_over_lines_and_without_what_is_no_text() {
        let mut headers = HeaderMap::new();
        for line in [&b"a,b ; q=1"[..], b" \xFF, c\t,", b"d"] {
            let line = HeaderValue::from_bytes(line).expect("a value");
            headers.append(ACCEPT, line);
        }
        let elements: Vec<_> = listed(&headers, &ACCEPT).collect();
        assert_eq!(elements, ["a", "b ; q=1", "c", "", "d"]);
    }
}
