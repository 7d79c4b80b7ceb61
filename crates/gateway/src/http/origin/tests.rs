use axum::http::HeaderName;

use super::*;

struct Request {
    headers: HeaderMap,
    uri: Uri,
    schemes: Vec<String>,
}

fn request(host: Option<&str>, origin: Option<&str>) -> Request {
    let lines = [(header::HOST, host), (header::ORIGIN, origin)];
    let lines = lines
        .into_iter()
        .filter_map(|(name, value): (HeaderName, _)| {
            Some((name, HeaderValue::from_str(value?).expect("a header value")))
        });
    Request {
        headers: lines.collect(),
        uri: Uri::from_static("/v1/connect"),
        schemes: Vec::new(),
    }
}

fn check(origins: &Origins, request: &Request) -> Result<(), OriginRefusal> {
    origins.check_handshake(RequestHead {
        headers: &request.headers,
        uri: &request.uri,
        schemes: &request.schemes,
    })
}

#[track_caller]
fn may(origins: &Origins, host: &str, origin: &str) {
    let checked = check(origins, &request(Some(host), Some(origin)));
    assert_eq!(checked, Ok(()), "{origin} at {host}");
}

#[track_caller]
fn may_not(origins: &Origins, host: &str, origin: &str, why: OriginRefusal) {
    let checked = check(origins, &request(Some(host), Some(origin)));
    assert_eq!(checked, Err(why), "{origin} at {host}");
}

#[test]
fn on_loopback_pages_of_this_machine_connect_at_any_port() {
    for origin in [
        "http://127.0.0.1:8080",
        "http://localhost:3000",
        "https://localhost",
        "http://LOCALHOST:3000",
        "http://app.localhost:5173",
        "http://[::1]:9000",
        "http://127.8.9.10",
        "capacitor://localhost",
    ] {
        may(&Origins::Loopback, "127.0.0.1:8080", origin);
        may(&Origins::Loopback, "localhost:8080", origin);
    }
    for host in [
        "localhost",
        "Localhost.:80",
        "[::1]:8080",
        "[::ffff:127.0.0.1]",
        "127.1.2.3:1",
        "a.b.localhost",
    ] {
        assert_eq!(
            check(&Origins::Loopback, &request(Some(host), None)),
            Ok(()),
            "{host}"
        );
    }
    assert_eq!(
        check(&Origins::Loopback, &request(None, None)),
        Ok(()),
        "no browser"
    );
}

#[test]
fn on_loopback_nobody_else_does() {
    for origin in [
        "https://evil.example",
        "http://localhost.evil.example",
        "http://evillocalhost",
        "http://127.0.0.1.evil.example",
        "http://128.0.0.1",
        "http://[::2]",
        "file://",
        "http://user@localhost",
        "localhost",
        "",
    ] {
        may_not(&Origins::Loopback, "127.0.0.1:8080", origin, FOREIGN);
    }
    may_not(&Origins::Loopback, "127.0.0.1:8080", "null", FILE);
}

#[test]
fn on_loopback_another_name_is_refused_whoever_asks() {
    for host in [
        "evil.example:8080",
        "127.0.0.1.evil.example",
        "10.0.0.1",
        "a@localhost",
        "localhost, evil.example",
        "",
    ] {
        assert_eq!(
            check(&Origins::Loopback, &request(Some(host), None)),
            Err(FOREIGN_HOST),
            "{host}"
        );
    }
    may_not(
        &Origins::Loopback,
        "evil.example:8080",
        "http://evil.example:8080",
        FOREIGN_HOST,
    );
    let mut two = request(Some("localhost"), None);
    two.headers
        .append(header::HOST, HeaderValue::from_static("evil.example"));
    assert_eq!(check(&Origins::Loopback, &two), Err(FOREIGN_HOST));
    let mut absolute = request(Some("localhost"), None);
    absolute.uri = Uri::from_static("http://evil.example/v1/connect");
    assert_eq!(check(&Origins::Loopback, &absolute), Err(FOREIGN_HOST));
}

#[test]
fn a_listed_origin_comes_under_any_host() {
    let listed = Origins::Listed(vec![
        Origin::of_page("https://app.example").expect("an origin"),
    ]);
    may(&listed, "gw.internal:8080", "https://app.example");
    may(&listed, "gw.internal:8080", "https://App.example:443");
    may_not(&listed, "gw.internal:8080", "http://app.example", FOREIGN);
    may_not(&listed, "gw.internal:8080", "null", FILE);
    may(&Origins::Any, "gw.internal:8080", "https://evil.example");
    may(&Origins::Any, "gw.internal:8080", "null");
}

#[test]
fn the_same_origin_is_so_with_or_without_its_default_port_and_in_any_case() {
    for (host, origin) in [
        ("call.example:8080", "http://call.example:8080"),
        ("call.example:443", "https://call.example"),
        ("call.example", "https://call.example"),
        ("call.example", "http://call.example"),
        ("call.example:80", "http://call.example"),
        ("Call.Example", "https://call.example:443"),
        ("[2001:db8::1]:8080", "http://[2001:DB8:0::1]:8080"),
    ] {
        may(&Origins::Same, host, origin);
    }
    for (host, origin) in [
        ("call.example:443", "http://call.example"),
        ("call.example:8080", "http://call.example"),
        ("call.example", "https://evil.example"),
        ("call.example", "https://call.example.evil.example"),
        ("call.example", "ftp://call.example"),
        ("", "http://"),
    ] {
        may_not(&Origins::Same, host, origin, FOREIGN);
    }
    may_not(&Origins::Same, "call.example", "null", FILE);
    assert_eq!(
        check(&Origins::Same, &request(None, Some("http://call.example"))),
        Err(FOREIGN)
    );
    assert_eq!(
        check(&Origins::Same, &request(Some("call.example"), None)),
        Ok(()),
        "no browser"
    );
}

#[test]
fn where_a_proxy_tells_the_scheme_the_page_has_it_too() {
    let mut asked = request(Some("call.example"), Some("http://call.example"));
    asked.schemes = vec!["https".into()];
    assert_eq!(check(&Origins::Same, &asked), Err(FOREIGN));
    asked.schemes = vec!["http".into()];
    assert_eq!(check(&Origins::Same, &asked), Ok(()));
}

#[test]
fn every_refusal_fits_a_close_frame_and_names_the_key() {
    for words in [FOREIGN, FILE, FOREIGN_HOST] {
        assert!(words.len() <= 123 && words.contains("`origins`"), "{words}");
    }
    assert!(FILE.contains("`static_dir`"));
}

#[test]
fn names_are_guarded_where_a_listener_is_on_loopback_and_nothing_was_said() {
    let guards = |listener: &str, origins: &[&str]| {
        let origins = origins.iter().map(|origin| Origin::of_page(origin));
        let config = Config {
            origins: origins.map(|origin| origin.expect("an origin")).collect(),
            ..Config::default()
        };
        guards_names(&config, listener.parse().expect("an address"))
    };
    for loopback in ["127.0.0.1:80", "[::1]:80", "[::ffff:127.0.0.1]:80"] {
        assert!(guards(loopback, &[]), "{loopback}");
        assert!(!guards(loopback, &["https://app.example"]), "{loopback}");
    }
    assert!(!guards("0.0.0.0:80", &[]) && !guards("[::]:80", &[]));
}
