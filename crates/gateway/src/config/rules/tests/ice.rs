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

#[test]
fn a_key_in_a_url_is_not_repeated_by_what_is_said_about_it() {
    for (key, url) in [
        ("ice.fetch.url", "https://ada:s3cret@turn.example/"),
        ("ice.fetch.url", "https//turn.example/?key=s3cret"),
        ("ice.fetch.url", "ftp://turn.example/?key=s3cret"),
        ("auth.jwt.jwks_url", "https://issuer example/?key=s3cret"),
        ("media.url", "wss://ada:s3cret@livekit.example"),
        ("media.url", "https://livekit.example/?key=s3cret"),
        ("ice.turn_urls", "turn:ada:s3cret@turn.example"),
    ] {
        let told = mistakes(&[], &[&format!("{key}={url}")]).join("\n");
        assert!(told.contains(key) && told.contains("URL"), "{url}: {told}");
        assert!(!told.contains("s3cret"), "{told}");
    }
}

#[test]
fn check_config_shows_a_url_without_its_query() {
    let loaded = load_from(
        &[],
        &["ice.fetch.url=https://turn.example/keys?apiKey=s3cret"],
    );
    let shown = loaded.expect("no mistakes").to_toml();
    assert!(shown.contains("https://turn.example/keys?"), "{shown}");
    assert!(!shown.contains("s3cret"), "{shown}");
}
