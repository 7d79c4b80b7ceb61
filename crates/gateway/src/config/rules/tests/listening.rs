use switchboard_testkit::Certificates;

use super::{mistakes, sources};
use crate::config::load_to_ask;

#[test]
fn a_certificate_and_its_key_are_named_together_and_fit() {
    let certificates = Certificates::make();
    let ops = "ops_listen=127.0.0.1:9090";
    let cert = format!("tls.cert_file={}", certificates.path("server.pem"));
    let key = format!("tls.key_file={}", certificates.path("server.key"));
    assert_eq!(mistakes(&[], &[ops, &cert, &key]), Vec::<String>::new());
    assert_eq!(
        mistakes(&[], &[ops, &cert]),
        ["--set tls.cert_file: tls.cert_file and tls.key_file go together: set both, or none"]
    );
    let other = certificates.path("client.key");
    let told = mistakes(&[], &[ops, &cert, &format!("tls.key_file={other}")]);
    let mismatch = format!(
        "--set tls.cert_file, --set tls.key_file: the key in {other} is not that of the first certificate in {}",
        certificates.path("server.pem")
    );
    assert_eq!(told, [mismatch]);
    let missing = [
        "tls.cert_file=/nowhere/tls.crt",
        "tls.key_file=/nowhere/tls.key",
        ops,
    ];
    let told = mistakes(&[], &missing);
    assert_eq!(
        told,
        ["--set tls.cert_file: there is no /nowhere/tls.crt: mount it there, or name another one"]
    );
    // What only asks a node needs no certificate of its own.
    let asking = load_to_ask(&sources(&[], &missing));
    assert_eq!(asking.expect("no mistakes").warnings, Vec::<String>::new());
}

#[test]
fn behind_tls_or_proxy_protocol_the_ops_routes_have_a_listener_of_their_own() {
    let certificates = Certificates::make();
    let cert = format!("tls.cert_file={}", certificates.path("server.pem"));
    let key = format!("tls.key_file={}", certificates.path("server.key"));
    let told = mistakes(&[], &[&cert, &key, "proxy.protocol=required"]);
    assert_eq!(
        told,
        [
            "--set tls.cert_file, --set tls.key_file: with TLS on listen, set ops_listen too: probes, Prometheus, \
             `switchboard drain` and other nodes ask there without TLS",
            "--set proxy.protocol: with PROXY protocol on listen, set ops_listen too: probes, Prometheus, `switchboard \
             drain` and other nodes ask there without it",
            "--set proxy.protocol: PROXY protocol is believed of trusted proxies alone, and nobody else may connect: list \
             them in proxy.trusted",
        ]
    );
    let ops = "ops_listen=127.0.0.1:9090";
    let trusted = "proxy.trusted=10.0.0.0/8";
    let told = mistakes(&[], &[ops, "proxy.protocol=required", trusted]);
    assert_eq!(told, Vec::<String>::new());
    assert_eq!(
        mistakes(&[], &["proxy.protocol=v2"]),
        ["--set proxy.protocol: `v2` is not one of `off` and `required`"]
    );
}
