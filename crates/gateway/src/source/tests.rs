use axum::http::HeaderValue;

use super::*;

fn address(text: &str) -> IpAddr {
    text.parse().expect(text)
}

fn proxies(trusted: &[&str], header: &'static str) -> Proxies {
    let trusted = trusted.iter().map(|text| Network::parse(text));
    Proxies {
        trusted: trusted.map(|network| network.expect("a network")).collect(),
        header: HeaderName::from_static(header),
    }
}

fn headers(name: &'static str, lines: &[&str]) -> HeaderMap {
    let lines = lines.iter().map(|line| {
        let value = HeaderValue::from_str(line).expect("a header value");
        (HeaderName::from_static(name), value)
    });
    lines.collect()
}

#[track_caller]
fn is_told(header: &'static str, lines: &[&str], client: &str) {
    let proxies = proxies(&["10.0.0.0/8", "fd00::/8"], header);
    let told = proxies.client(address("10.0.0.1"), &headers(header, lines));
    assert_eq!(told, address(client), "{header}: {lines:?}");
}

#[test]
fn an_ipv4_address_in_ipv6_form_is_its_own_source_and_ipv6_counts_by_64_bits() {
    let of = |text| Source::of(address(text));
    assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    assert_ne!(of("::ffff:192.0.2.1"), of("::ffff:192.0.2.2"));
    assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
    assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
}

#[test]
fn nobody_is_believed_who_is_not_trusted() {
    let said = headers("x-forwarded-for", &["203.0.113.9"]);
    let none = Proxies::from_config(&ProxyConfig::default());
    assert_eq!(
        none.client(address("127.0.0.1"), &said),
        address("127.0.0.1")
    );
    let some = proxies(&["10.0.0.0/8"], "x-forwarded-for");
    assert_eq!(
        some.client(address("127.0.0.1"), &said),
        address("127.0.0.1")
    );
    assert_eq!(
        some.client(address("::ffff:10.0.0.1"), &said),
        address("203.0.113.9")
    );
}

#[test]
fn the_list_is_read_from_the_right_up_to_the_first_who_is_not_trusted() {
    const NAME: &str = "x-forwarded-for";
    is_told(NAME, &["1.1.1.1, 203.0.113.9"], "203.0.113.9");
    is_told(NAME, &["1.1.1.1, 203.0.113.9, 10.0.0.7"], "203.0.113.9");
    is_told(NAME, &["1.1.1.1", "203.0.113.9", "10.0.0.7"], "203.0.113.9");
    is_told(NAME, &["10.0.0.9, 10.0.0.8"], "10.0.0.9");
    is_told(NAME, &[], "10.0.0.1");
    is_told(NAME, &["", " , "], "10.0.0.1");
}

#[test]
fn ports_brackets_and_quotes_are_stripped() {
    const NAME: &str = "x-forwarded-for";
    is_told(NAME, &["203.0.113.9:4711"], "203.0.113.9");
    is_told(NAME, &["2001:db8::9"], "2001:db8::9");
    is_told(NAME, &["[2001:db8::9]"], "2001:db8::9");
    is_told(NAME, &["[2001:db8::9]:4711"], "2001:db8::9");
    is_told(NAME, &["\"[2001:db8::9]:4711\""], "2001:db8::9");
    is_told(NAME, &["::ffff:203.0.113.9"], "203.0.113.9");
}

#[test]
fn garbage_leaves_the_hop_before() {
    const NAME: &str = "x-forwarded-for";
    for garbage in [
        "unknown",
        "_hidden",
        "203.0.113",
        "[::1",
        "1.2.3.4:x",
        "[1.2.3.4]",
        "::1]",
        "\u{fffd}",
    ] {
        let line = format!("203.0.113.9, {garbage}");
        let line = HeaderValue::from_bytes(line.as_bytes()).expect("a header value");
        let said = HeaderMap::from_iter([(HeaderName::from_static(NAME), line)]);
        let told = proxies(&["10.0.0.0/8"], NAME).client(address("10.0.0.1"), &said);
        assert_eq!(told, address("10.0.0.1"), "{garbage}");
    }
    is_told(NAME, &["203.0.113.9, unknown, 10.0.0.7"], "10.0.0.7");
}

#[test]
fn forwarded_is_read_as_rfc_7239_writes_it() {
    const NAME: &str = "forwarded";
    is_told(
        NAME,
        &["for=192.0.2.60;proto=http;by=203.0.113.43"],
        "192.0.2.60",
    );
    is_told(
        NAME,
        &["For=\"[2001:db8:cafe::17]:4711\""],
        "2001:db8:cafe::17",
    );
    is_told(
        NAME,
        &["for=1.1.1.1, for=192.0.2.43;x=\"a,b;for=9.9.9.9\", for=10.0.0.2"],
        "192.0.2.43",
    );
    is_told(
        NAME,
        &["for=1.1.1.1", "proto=https; for=192.0.2.43"],
        "192.0.2.43",
    );
    is_told(NAME, &["for=192.0.2.43, for=unknown"], "10.0.0.1");
    is_told(NAME, &["for=192.0.2.43, proto=https"], "10.0.0.1");
    is_told(NAME, &["for=\"1.1.1.1, for=192.0.2.43"], "10.0.0.1");
    // One header, no fallbacks.
    let said = headers("x-forwarded-for", &["203.0.113.9"]);
    assert_eq!(
        proxies(&["10.0.0.0/8"], NAME).client(address("10.0.0.1"), &said),
        address("10.0.0.1")
    );
}

#[test]
fn only_a_trusted_proxy_tells_the_scheme() {
    let said = headers("x-forwarded-proto", &["HTTPS, http"]);
    let trusting = proxies(&["10.0.0.0/8"], "x-forwarded-for");
    assert_eq!(
        trusting.schemes(address("10.0.0.1"), false, &said),
        ["https", "http"]
    );
    assert!(
        trusting
            .schemes(address("192.0.2.1"), false, &said)
            .is_empty()
    );
    let said = headers("forwarded", &["for=1.1.1.1;Proto=\"https\""]);
    assert_eq!(
        proxies(&["10.0.0.0/8"], "forwarded").schemes(address("10.0.0.1"), false, &said),
        ["https"]
    );
}

#[test]
fn behind_this_nodes_own_tls_the_scheme_is_known_unless_a_trusted_proxy_says_another() {
    let said = headers("x-forwarded-proto", &["http"]);
    let trusting = proxies(&["10.0.0.0/8"], "x-forwarded-for");
    let client = address("192.0.2.1");
    assert_eq!(trusting.schemes(client, true, &said), ["https"]);
    let proxy = address("10.0.0.1");
    assert_eq!(trusting.schemes(proxy, true, &said), ["http"]);
    // A proxy that ends TLS and begins it again, and says nothing.
    let silent = HeaderMap::new();
    assert_eq!(trusting.schemes(proxy, true, &silent), ["https"]);
    assert!(trusting.schemes(proxy, false, &silent).is_empty());
}
