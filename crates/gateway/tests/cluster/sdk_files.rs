//! The SDK as pages load it: one file, or its modules.

use std::fs;
use std::io::Read;

use flate2::read::GzDecoder;
use switchboard_testkit::GatewayProcess;

use crate::support::{embedded, exchange_bytes};

const ONE_FILE: &str = "/sdk/switchboard.min.js";

struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn get(gateway: &GatewayProcess, path: &str, headers: &[&str]) -> Self {
        Self::to(gateway, "GET", path, headers)
    }

    fn to(gateway: &GatewayProcess, method: &str, path: &str, headers: &[&str]) -> Self {
        let answer = exchange_bytes(gateway, &format!("{method} {path}"), headers);
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        let (head, body) = answer.split_at(end.expect("a head") + 4);
        let head = String::from_utf8(head.to_vec()).expect("a head of text");
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        Self {
            status: status.expect("a status"),
            head,
            body: body.to_vec(),
        }
    }

    /// What stands in this header, in all of its lines.
    fn header(&self, name: &str) -> String {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let values: Vec<_> = lines
            .filter(|(other, _)| *other == name)
            .map(|(_, value)| value)
            .collect();
        values.join(", ")
    }
}

/// A file as it is in the repository.
fn committed(path: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../clients/js");
    fs::read(format!("{folder}/{path}")).expect(path)
}

#[tokio::test]
async fn the_one_file_is_compressed_for_those_who_take_it() {
    let gateway = embedded(&["origins=https://app.example.com"]);
    let plain = Answer::get(&gateway, ONE_FILE, &[]);
    assert_eq!(plain.status, 200);
    assert_eq!(plain.body, committed("dist/switchboard.min.js"));
    assert_eq!(
        plain.header("content-type"),
        "text/javascript; charset=utf-8"
    );
    assert_eq!(plain.header("content-encoding"), "");
    let banner = concat!("/*! @switchboard/client ", env!("CARGO_PKG_VERSION"), " ");
    assert!(
        plain.body.starts_with(banner.as_bytes()),
        "the SDK's package.json has another version than the gateway"
    );

    let compressed = Answer::get(&gateway, ONE_FILE, &["Accept-Encoding: gzip, br"]);
    assert_eq!(compressed.header("content-encoding"), "gzip");
    assert!(compressed.body.len() * 2 < plain.body.len());
    let mut text = Vec::new();
    GzDecoder::new(compressed.body.as_slice())
        .read_to_end(&mut text)
        .expect("gzip");
    assert_eq!(text, plain.body);

    for answer in [&plain, &compressed] {
        // A proxy between keeps the two apart, and what was let in from one origin from what was not.
        let vary = answer.header("vary");
        assert!(
            vary.contains("accept-encoding") && vary.contains("origin"),
            "{vary}"
        );
        assert_eq!(answer.header("etag"), plain.header("etag"));
    }
    let head = Answer::to(&gateway, "HEAD", ONE_FILE, &[]);
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), plain.body.len().to_string());

    let origin = "Origin: https://app.example.com";
    let elsewhere = Answer::get(&gateway, ONE_FILE, &[origin]);
    assert_eq!(
        elsewhere.header("access-control-allow-origin"),
        "https://app.example.com"
    );
}

#[tokio::test]
async fn a_browser_that_has_a_file_already_does_not_get_it_again() {
    let gateway = embedded(&[]);
    for path in [
        ONE_FILE,
        "/sdk/index.js",
        "/sdk/client.js",
        "/",
        "/demo/style.css",
    ] {
        let first = Answer::get(&gateway, path, &[]);
        assert_eq!(first.status, 200, "{path}");
        assert_eq!(first.header("cache-control"), "no-cache", "{path}");
        let etag = first.header("etag");
        for (held, status) in [(etag.as_str(), 304), ("W/\"of another build\"", 200)] {
            let headers = [&format!("If-None-Match: {held}"), "Accept-Encoding: gzip"];
            let again = Answer::get(&gateway, path, &headers);
            assert_eq!(again.status, status, "{path}: {}", again.head);
            assert_eq!(again.body.is_empty(), status == 304, "{path}");
            assert_eq!(again.header("etag"), etag, "{path}");
            assert_eq!(again.header("cache-control"), "no-cache", "{path}");
        }
    }
}

#[tokio::test]
async fn under_the_name_of_its_contents_it_is_kept_without_asking() {
    let gateway = embedded(&[]);
    let plain = Answer::get(&gateway, ONE_FILE, &[]);
    let name = plain.header("content-location");
    let version = concat!("switchboard-", env!("CARGO_PKG_VERSION"), "-");
    assert!(
        name.starts_with(version) && name.ends_with(".min.js"),
        "{name}"
    );

    let kept = Answer::get(&gateway, &format!("/sdk/{name}"), &[]);
    assert_eq!((kept.status, kept.body), (200, plain.body));
    assert_eq!(
        kept.head
            .matches("cache-control: public, max-age=31536000, immutable\r\n")
            .count(),
        1
    );
    // That of another build: this node does not have it, another one may.
    let other = Answer::get(&gateway, &format!("/sdk/{version}00000000.min.js"), &[]);
    assert_eq!(other.status, 404);
    assert_eq!(other.header("cache-control"), "no-store");
}

#[tokio::test]
async fn the_modules_are_there_as_well() {
    let gateway = embedded(&[]);
    for module in ["index.js", "client.js", "call.js", "media.js"] {
        let answer = Answer::get(&gateway, &format!("/sdk/{module}"), &[]);
        assert_eq!(answer.status, 200, "{module}");
        assert_eq!(answer.body, committed(&format!("src/{module}")), "{module}");
    }
}
