use axum::http::{HeaderName, HeaderValue};

use super::*;

const TEXT: &str = "export const greeting = 'hello';\n";

fn file() -> File {
    let text = TEXT.repeat(100).into_bytes();
    File::new("greeting.js", text.leak())
}

fn request(name: HeaderName, values: &[&'static str]) -> HeaderMap {
    let values = values.iter().map(|value| HeaderValue::from_static(value));
    values.map(|value| (name.clone(), value)).collect()
}

#[test]
fn gzip_goes_to_those_who_take_it() {
    for (accepted, is_compressed) in [
        (&[] as &[_], false),
        (&["identity"], false),
        (&["gzip;q=0"], false),
        (&["gzip; q=0.000, *"], false),
        (&["br, zstd"], false),
        (&["gzip, deflate, br, zstd"], true),
        (&["br;q=1.0, GZIP;q=0.5"], true),
        (&["br", "gzip"], true),
        (&["*"], true),
    ] {
        let request = request(header::ACCEPT_ENCODING, accepted);
        assert_eq!(takes_gzip(&request), is_compressed, "{accepted:?}");
        let answer = file().answer(Freshness::Checked, &request);
        let encoding = answer.headers().get(header::CONTENT_ENCODING);
        assert_eq!(encoding.is_some(), is_compressed, "{accepted:?}");
        assert_eq!(answer.headers()[header::VARY], "accept-encoding");
    }
}

#[test]
fn a_file_that_gzip_does_not_shorten_goes_as_it_is() {
    let tiny = File::new("tiny.svg", b"<svg/>");
    let request = request(header::ACCEPT_ENCODING, &["gzip"]);
    let answer = tiny.answer(Freshness::Checked, &request);
    assert!(!answer.headers().contains_key(header::CONTENT_ENCODING));
}

#[test]
fn a_browser_that_has_the_file_is_told_so() {
    let file = file();
    let tag: &'static str = format!("W/\"{}\"", file.hash()).leak();
    let strong: &'static str = tag.trim_start_matches("W/");
    let among_others: &'static str = format!("\"a\", {tag}").leak();
    for (held, status) in [
        (&[tag] as &[_], StatusCode::NOT_MODIFIED),
        (&[strong], StatusCode::NOT_MODIFIED),
        (&[among_others], StatusCode::NOT_MODIFIED),
        (&["\"a\"", tag], StatusCode::NOT_MODIFIED),
        (&["*"], StatusCode::NOT_MODIFIED),
        (&["W/\"a\""], StatusCode::OK),
        (&["W/\"\""], StatusCode::OK),
        (&[], StatusCode::OK),
    ] {
        let answer = file.answer(Freshness::Forever, &request(header::IF_NONE_MATCH, held));
        assert_eq!(answer.status(), status, "{held:?}");
        assert_eq!(answer.headers()[header::ETAG], tag);
        assert_eq!(
            answer.headers()[header::CACHE_CONTROL],
            "public, max-age=31536000, immutable"
        );
    }
}

#[test]
fn other_contents_have_another_hash() {
    assert_ne!(
        File::new("a.js", b"1").hash(),
        File::new("a.js", b"2").hash()
    );
}
