use serde_json::json;

use super::*;

fn read(answer: &Value) -> Option<Answer> {
    Answer::read(answer.to_string().as_bytes())
}

fn server(urls: &[&str], user: Option<&str>) -> IceServer {
    IceServer {
        urls: urls.iter().map(ToString::to_string).collect(),
        username: user.map(Into::into),
        credential: user.map(|_| "secret".into()),
    }
}

/// As in Cloudflare's documentation of `generate-ice-servers`.
#[test]
fn an_answer_of_cloudflare_is_read_without_what_browsers_block() {
    let answer = json!({"iceServers": [
        {"urls": ["stun:stun.cloudflare.com:3478", "stun:stun.cloudflare.com:53"]},
        {"urls": ["turn:turn.cloudflare.com:3478?transport=udp", "turn:turn.cloudflare.com:53?transport=udp",
                  "turns:turn.cloudflare.com:5349?transport=tcp"],
         "username": "bc91b63e", "credential": "secret"},
    ]});
    let servers = vec![
        server(&["stun:stun.cloudflare.com:3478"], None),
        server(
            &[
                "turn:turn.cloudflare.com:3478?transport=udp",
                "turns:turn.cloudflare.com:5349?transport=tcp",
            ],
            Some("bc91b63e"),
        ),
    ];
    assert_eq!(read(&answer), Some(Answer { servers, ttl: None }));
}

/// As of its older endpoint.
#[test]
fn one_server_may_stand_without_a_list() {
    let answer =
        json!({"iceServers": {"urls": "turn:t.example", "username": "u", "credential": "secret"}});
    let servers = vec![server(&["turn:t.example"], Some("u"))];
    assert_eq!(read(&answer), Some(Answer { servers, ttl: None }));
}

/// As in Twilio's documentation of its Network Traversal Service.
#[test]
fn an_answer_of_twilio_is_read_with_how_long_it_is_good() {
    let answer = json!({
        "username": "dc2d2894", "password": "secret", "ttl": "86400", "account_sid": "AC",
        "ice_servers": [
            {"url": "stun:global.stun.twilio.com:3478", "urls": "stun:global.stun.twilio.com:3478"},
            {"url": "turn:global.turn.twilio.com:3478?transport=udp", "username": "dc2d2894", "credential": "secret"},
        ],
    });
    let servers = vec![
        server(&["stun:global.stun.twilio.com:3478"], None),
        server(
            &["turn:global.turn.twilio.com:3478?transport=udp"],
            Some("dc2d2894"),
        ),
    ];
    let ttl = Some(Duration::from_secs(86_400));
    assert_eq!(read(&answer), Some(Answer { servers, ttl }));
}

#[test]
fn what_a_browser_would_refuse_is_left_out_and_nothing_left_is_no_answer() {
    let long = "x".repeat(TEXT_BYTES_MAX + 1);
    for entry in [
        json!({"urls": "turn:t.example"}),
        json!({"urls": "turn:t.example", "username": "u"}),
        json!({"urls": "turn:t.example", "username": "u", "credential": long}),
        json!({"urls": "turn:t.example", "username": long, "credential": "secret"}),
        json!({"urls": "turn:t.example", "username": "", "credential": "secret"}),
        json!({"urls": "turn:t.example", "username": "u", "credential": ""}),
        json!({"urls": "turn:t.example", "username": "u", "credential": 7}),
        json!({"urls": "turn:t.example:0", "username": "u", "credential": "secret"}),
        json!({"urls": "turn:u@t.example", "username": "u", "credential": "secret"}),
        json!({"urls": "turn:[::1", "username": "u", "credential": "secret"}),
        json!({"urls": "stun:s.example?transport=udp"}),
        json!({"urls": 5}),
        json!({"urls": [5, null]}),
        json!(1),
        json!("stun:s.example"),
        json!(null),
        json!({"urls": "https://t.example"}),
        json!({"urls": "stun:t.example:53"}),
        json!({"urls": []}),
        json!({}),
    ] {
        assert_eq!(read(&json!({"iceServers": [entry]})), None, "{entry}");
        let with = json!({"iceServers": [entry, {"urls": "stun:s.example"}]});
        let servers = vec![server(&["stun:s.example"], None)];
        assert_eq!(read(&with), Some(Answer { servers, ttl: None }), "{entry}");
    }
    for nonsense in [
        &b""[..],
        b"null",
        b"[]",
        b"{\"iceServers\": null}",
        b"{\"iceServers\": [1]}",
        b"\xff",
    ] {
        assert_eq!(Answer::read(nonsense), None, "{nonsense:?}");
    }
    assert_eq!(Answer::read(&[b'['; 100_000]), None);
}

#[test]
fn of_very_many_servers_some_are_enough() {
    let many: Vec<_> = (0..1000)
        .map(|n| json!({"urls": format!("stun:s{n}.example")}))
        .collect();
    let answer = read(&json!({ "iceServers": many })).expect("some");
    assert_eq!(answer.servers.len(), SERVERS_MAX);
    let many: Vec<_> = (0..1000).map(|n| format!("stun:s{n}.example")).collect();
    let answer = read(&json!({"iceServers": {"urls": many}})).expect("some");
    assert_eq!(answer.servers[0].urls.len(), URLS_MAX);
}

#[test]
fn how_long_is_read_as_a_number_and_as_text_and_within_bounds() {
    let ttl = |ttl: Value| {
        read(&json!({"iceServers": {"urls": "stun:s"}, "ttl": ttl})).map(|read| read.ttl)
    };
    assert_eq!(ttl(json!(600)), Some(Some(Duration::from_secs(600))));
    assert_eq!(ttl(json!("600")), Some(Some(Duration::from_secs(600))));
    assert_eq!(ttl(json!(3600.0)), Some(Some(Duration::from_secs(3600))));
    assert_eq!(ttl(json!(60)), Some(Some(TTL_MIN)));
    assert_eq!(ttl(json!(null)), Some(None));
    assert_eq!(ttl(json!(u64::MAX)), Some(Some(TTL_MAX)));
    for wrong in [
        json!(59),
        json!(0),
        json!(-1),
        json!(61.5),
        json!([600]),
        json!("soon"),
        json!(""),
    ] {
        assert_eq!(ttl(wrong.clone()), None, "{wrong}");
    }
    assert_eq!(ttl_asked_for("{\"ttl\": 86400}"), Some(TTL_MAX));
    assert_eq!(ttl_asked_for("{\"ttl\": 60.0}"), Some(TTL_MIN));
    assert_eq!(ttl_asked_for("Ttl=60"), None);
    assert_eq!(ttl_asked_for("{\"ttl\": 1}"), None);
}
