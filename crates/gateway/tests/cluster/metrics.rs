//! What a node counts, for Prometheus and for dashboards.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use switchboard_client::{ConnectError, Options};

use crate::support::{Peer, SECRET_SETTING, embedded, exchange, options, still_well};

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
async fn the_page_for_operators_has_every_metric_once_and_no_other() {
    const PAGE: &str = include_str!("../../../../docs/metrics.md");
    let text = embedded(&[]).get("/metrics").1;
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let families = types.filter_map(|line| line.split(' ').next()?.strip_prefix("switchboard_"));
    let mut exported: Vec<_> = families.collect();
    let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| `"));
    let names = rows.filter_map(|row| row.split(['`', '{']).next());
    let mut documented: Vec<_> = names.filter(|name| *name != "switchboard_…").collect();
    exported.sort_unstable();
    documented.sort_unstable();
    assert_eq!(documented, exported);
}

/// An alert on a counter that first appears at 1 never sees it grow.
#[tokio::test]
async fn every_series_is_there_from_the_start() {
    let gateway = embedded(&[SECRET_SETTING]);
    let names = |text: &str| -> HashSet<String> {
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        let names = samples.filter_map(|line| Some(line.rsplit_once(' ')?.0.to_owned()));
        names.collect()
    };
    let at_start = gateway.get("/metrics").1;
    let before = names(&at_start);
    for labels in [
        "closes_total{code=\"1006\"}",
        "closes_total{code=\"4401\"}",
        "errors_total{code=\"rate-limited\"}",
        "auth_total{outcome=\"accepted\"}",
        "auth_total{outcome=\"bad_signature\"}",
        "resumes_total{outcome=\"refused\"}",
        "member_leaves_total{reason=\"expired\"}",
        "sessions{dialect=\"stomp\",state=\"live\"}",
    ] {
        let sample = format!("switchboard_{labels} 0\n");
        assert!(at_start.contains(&sample), "no {sample} in {at_start}");
    }
    let stranger = Options {
        token: Some("garbage".into()),
        ..options(&gateway)
    };
    let refused = Peer::open(&stranger).await;
    assert!(matches!(refused, Err(ConnectError::Closed(_))));
    let after = names(&gateway.get("/metrics").1);
    let new: Vec<_> = after.difference(&before).collect();
    assert!(new.is_empty(), "{new:?}");
}

#[tokio::test]
async fn metrics_as_json_list_rooms_for_the_admin_alone() {
    let gateway = embedded(&["admin.token=0123456789abcdef"]);
    let _alice = Peer::in_room(&gateway, "study-1").await;
    let _bob = Peer::in_room(&gateway, "study-1").await;
    let accept = "Accept: application/json";
    for more in [
        &[accept][..],
        &[accept, "Authorization: Bearer 0123456789abcdeg"],
    ] {
        let answer = exchange(&gateway, "GET /metrics", more);
        assert!(answer.contains("\"roomDetails\":[]"), "{answer}");
    }
    let admin = "Authorization: Bearer 0123456789abcdef";
    let answer = exchange(&gateway, "GET /metrics", &[accept, admin]);
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
