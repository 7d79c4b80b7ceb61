//! What a node shows over HTTP.

use std::fs;

use serde_json::Value;

use crate::support::{Peer, embedded, exchange};

#[tokio::test]
async fn health_has_both_spellings() {
    let gateway = embedded(&[]);
    let _peer = Peer::in_room(&gateway, "study-1").await;
    let (status, body) = gateway.get("/health");
    let health: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(status, 200);
    assert_eq!(health["status"], "ok");
    assert_eq!(health["draining"], false);
    for (field, count) in [
        ("connections", 1),
        ("activeConnections", 1),
        ("rooms", 1),
        ("activeRooms", 1),
    ] {
        assert_eq!(health[field], count, "{field}: {health}");
    }
    assert!(
        health["node"].is_string() && health["uptime"].is_f64(),
        "{health}"
    );
    assert!(
        health["timestamp"]
            .as_str()
            .is_some_and(|time| time.ends_with('Z')),
        "{health}"
    );
    assert_eq!(gateway.get("/healthz").0, 200);
    let (status, body) = gateway.get("/readyz");
    assert_eq!(
        (status, body.as_str()),
        (200, r#"{"ready":true,"redis":"embedded"}"#)
    );
}

#[tokio::test]
async fn allowed_origins_may_read_the_answers_and_others_may_not() {
    let gateway = embedded(&["origins=https://app.example.com"]);
    let answer = exchange(
        &gateway,
        "GET /health",
        &["Origin: https://app.example.com"],
    );
    assert!(
        answer.contains("access-control-allow-origin: https://app.example.com\r\n"),
        "{answer}"
    );
    assert!(
        answer.contains("access-control-allow-credentials: true\r\n"),
        "{answer}"
    );
    let answer = exchange(
        &gateway,
        "GET /health",
        &["Origin: https://evil.example.com"],
    );
    assert!(!answer.contains("access-control-allow-origin"), "{answer}");
    // How the node is, is no page's business.
    for path in ["/metrics", "/healthz", "/readyz", "/v1/nodes/x"] {
        let answer = exchange(
            &gateway,
            &format!("GET {path}"),
            &["Origin: https://app.example.com"],
        );
        assert!(!answer.contains("access-control-"), "{path}: {answer}");
    }
    let preflight = [
        "Origin: https://app.example.com",
        "Access-Control-Request-Method: GET",
        "Access-Control-Request-Headers: authorization",
    ];
    let answer = exchange(&gateway, "OPTIONS /health", &preflight);
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("access-control-allow-headers: "),
        "{answer}"
    );
}

#[tokio::test]
async fn the_demo_page_and_everything_it_loads_are_served() {
    let gateway = embedded(&[]);
    let page = exchange(&gateway, "GET /", &[]);
    assert!(
        page.contains("content-type: text/html; charset=utf-8\r\n")
            && page.contains("<!doctype html>")
            || page.contains("<!DOCTYPE html>"),
        "{page}"
    );
    let quoted = page
        .split('"')
        .filter(|part| part.ends_with(".js") || part.ends_with(".css") || part.ends_with(".svg"));
    let files: Vec<_> = quoted
        .map(|path| format!("/{}", path.trim_start_matches("./").trim_start_matches('/')))
        .collect();
    assert!(
        files.iter().any(|file| file.ends_with(".js"))
            && files.iter().any(|file| file.ends_with(".css")),
        "{files:?}"
    );
    for file in files
        .iter()
        .map(String::as_str)
        .chain(["/", "/sdk/index.js"])
    {
        let answer = exchange(&gateway, &format!("GET {file}"), &[]);
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        assert!(
            head.starts_with("HTTP/1.1 200") && !body.is_empty(),
            "{file}: {head}"
        );
        let kind = match file.rsplit_once('.') {
            Some((_, "js")) => "text/javascript",
            Some((_, "css")) => "text/css",
            Some((_, "svg")) => "image/svg+xml",
            _ => "text/html",
        };
        assert!(
            head.contains(&format!("content-type: {kind}")),
            "{file}: {head}"
        );
        assert!(
            head.contains("content-security-policy: default-src 'self'")
                && head.contains("x-content-type-options: nosniff"),
            "{head}"
        );
    }
    for path in [
        "/demo/nothing.js",
        "/sdk/../Cargo.toml",
        "/demo/%2e%2e/src/index.js",
    ] {
        assert_eq!(gateway.get(path).0, 404, "{path}");
    }
}

#[tokio::test]
async fn a_folder_of_pages_takes_the_place_of_the_demo_page_and_nothing_beside_it_is_served() {
    let parent = tempfile::tempdir().expect("a folder");
    let folder = parent.path().join("pages");
    fs::create_dir(&folder).expect("a folder");
    let write = |path: &str, text: &str| fs::write(parent.path().join(path), text).expect(path);
    write("secret", "not for the public");
    write("pages/index.html", "<p>own page");
    write("pages/app.js", "own()");
    write("pages/healthz", "a file of this name");
    let gateway = embedded(&[&format!("static_dir={}", folder.display())]);

    for (path, kind, body) in [
        ("/", "text/html", "<p>own page"),
        ("/app.js", "text/javascript", "own()"),
    ] {
        let answer = exchange(&gateway, &format!("GET {path}"), &[]);
        assert!(
            answer.starts_with("HTTP/1.1 200")
                && answer.contains(&format!("content-type: {kind}\r\n"))
                && answer.contains("x-content-type-options: nosniff\r\n")
                && answer.ends_with(body),
            "{answer}"
        );
    }
    assert_eq!(gateway.get("/healthz"), (200, "ok\n".into()));
    for path in [
        "/nothing.js",
        "/../secret",
        "/%2e%2e/secret",
        "/..%2fsecret",
        "/app.js/../../secret",
        "//etc/passwd",
    ] {
        let (status, body) = gateway.get(path);
        assert!(
            status == 404 && !body.contains("public"),
            "{path}: {status} {body}"
        );
    }
}
