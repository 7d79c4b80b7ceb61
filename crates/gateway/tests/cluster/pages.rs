//! What a node shows over HTTP.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::support::{Peer, embedded, exchange, still_well};

#[tokio::test]
async fn health_has_both_spellings() {
    let gateway = embedded(&[]);
    let _peer = Peer::in_room(&gateway, "study-1").await;
    let (status, body) = gateway.get("/health");
    let health: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(status, 200);
    assert_eq!(health["status"], "ok");
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
async fn every_metric_has_a_help_text_a_type_and_a_prefix() {
    let gateway = embedded(&[]);
    still_well(&gateway).await;
    let (status, text) = gateway.get("/metrics");
    assert_eq!(status, 200);
    let (mut help, mut kinds, mut samples) = (HashSet::new(), HashMap::new(), HashSet::new());
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, words) = rest.split_once(' ').expect("a help text");
            assert!(!words.is_empty() && help.insert(name), "{line}");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a type");
            assert!(kinds.insert(name, kind).is_none(), "{line}");
        } else {
            let (series, value) = line
                .rsplit_once(' ')
                .unwrap_or_else(|| panic!("no sample: {line}"));
            value
                .parse::<f64>()
                .unwrap_or_else(|error| panic!("{line}: {error}"));
            assert!(samples.insert(series), "twice: {series}");
        }
    }
    for series in &samples {
        let name = series.split('{').next().expect("a name");
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| {
            name.strip_suffix(suffix)
                .filter(|family| kinds.contains_key(family))
        });
        let family = family.unwrap_or(name);
        assert!(
            help.contains(family) && kinds.contains_key(family),
            "{series} has no family"
        );
        assert!(
            family.starts_with("switchboard_") || family.starts_with("process_"),
            "{series}"
        );
        assert_eq!(
            kinds[family] == "counter",
            family.ends_with("_total"),
            "{family}"
        );
    }
    for (name, value) in [
        ("switchboard_ready", 1.0),
        ("switchboard_backend_up", 1.0),
        (
            "switchboard_signals_total{kind=\"offer\",outcome=\"delivered\"}",
            2.0,
        ),
    ] {
        assert!(
            (gateway.metric(name) - value).abs() < f64::EPSILON,
            "{name} in {text}"
        );
    }
}

#[tokio::test]
async fn metrics_as_json_list_rooms() {
    let gateway = embedded(&[]);
    let _alice = Peer::in_room(&gateway, "study-1").await;
    let _bob = Peer::in_room(&gateway, "study-1").await;
    let answer = exchange(&gateway, "GET /metrics", &["Accept: application/json"]);
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    assert!(head.contains("content-type: application/json"), "{head}");
    let metrics: Value = serde_json::from_str(body).expect("JSON");
    assert_eq!(
        (&metrics["connections"], &metrics["rooms"]),
        (&2.into(), &1.into()),
        "{metrics}"
    );
    assert_eq!(
        metrics["roomDetails"],
        serde_json::json!([{ "name": "study-1", "participants": 2 }])
    );
    assert!(
        metrics["memory"]["rss"]
            .as_u64()
            .is_some_and(|bytes| bytes > 1 << 20)
            && metrics["uptime"].is_f64(),
        "{metrics}"
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
