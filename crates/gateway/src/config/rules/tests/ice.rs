use super::*;

const URL: &str = "ice.fetch.url=https://turn.example/keys";
const TURN: [&str; 2] = [
    "ice.turn_urls=turn:turn.example",
    "ice.turn_secret=0123456789abcdef",
];

#[test]
fn credentials_have_one_origin() {
    for good in [
        &[URL, "ice.fetch.headers=A: b", "ice.fetch.body={}"][..],
        &TURN,
    ] {
        assert_eq!(mistakes(&[], good), Vec::<String>::new());
    }
    let told = mistakes(&[], &[URL, TURN[0], TURN[1]]);
    assert_eq!(
        told,
        [
            "--set ice.fetch.url, --set ice.turn_secret: credentials come from a provider (ice.fetch.url) or are made here \
             (ice.turn_secret): leave one of them out"
        ]
    );
    for alone in ["ice.fetch.headers=A: b", "ice.fetch.body={}"] {
        let told = mistakes(&[], &[alone]);
        assert!(
            told.len() == 1
                && told[0].ends_with("headers and a body go to a provider: set ice.fetch.url"),
            "{told:?}"
        );
    }
}

#[test]
fn what_is_asked_over_plain_http_on_another_machine_is_warned_about() {
    for (key, others) in [
        ("ice.fetch.url", &[][..]),
        ("auth.jwt.jwks_url", &[]),
        ("auth.jwt.discovery_url", &["auth.jwt.issuer=i"]),
    ] {
        for (url, warns) in [
            ("http://10.0.0.1/x", true),
            ("https://10.0.0.1/x", false),
            ("http://127.0.0.1:1/x", false),
        ] {
            let said = format!("{key}={url}");
            let set = [&[said.as_str()], others].concat();
            let warnings = load_from(&[], &set).expect("no mistakes").warnings;
            let warned = warnings
                .iter()
                .any(|warning| warning.starts_with(key) && warning.contains("plain http"));
            assert_eq!(warned, warns, "{said}: {warnings:?}");
        }
    }
}
