//! The list of attacks that gateways are tried with as well (`switchboard_testkit::attacks`).

use std::collections::BTreeSet;

use switchboard_testkit::attacks::{AUDIENCE, Issuers, OWN, PEM};
use switchboard_testkit::tokens::RSA_PUBLIC;

use super::*;
use crate::key_set::KeySet;

fn issuer(name: &str, known: Vec<Key>) -> (Rules, Vec<Key>) {
    let rules = Rules {
        issuer: Some(name.into()),
        ..strict()
    };
    (rules, known)
}

fn publishing(name: &str, keys: &Value) -> Issuer {
    let (rules, known) = issuer(name, Vec::new());
    let published = KeySet::default();
    published.replace(parse_jwks(json!({ "keys": keys }).to_string().as_bytes()));
    Issuer::new(rules, known).publishing(published)
}

fn check(issuers: &Issuers) -> TokenCheck {
    let (mut own, secret) = issuer(OWN, vec![secret()]);
    own.audience = Some(AUDIENCE.into());
    let rsa = Key::from_pem(RSA_PUBLIC.as_bytes()).expect("a public key");
    let (mut pem, rsa) = issuer(PEM, vec![rsa]);
    pem.algorithms = "RS256".parse().expect("an algorithm");
    TokenCheck::new(vec![
        Issuer::new(own, secret),
        Issuer::new(pem, rsa),
        publishing("https://published.example/", &issuers.published_keys()),
        publishing("https://partner.example/", &issuers.partner_keys()),
    ])
}

#[test]
fn each_attack_of_the_table_is_refused_for_its_reason() {
    let [published, partner, elsewhere] =
        ["published", "partner", "forger"].map(|name| format!("https://{name}.example/"));
    let issuers = Issuers::new(published, partner, elsewhere);
    let check = check(&issuers);
    for good in issuers.good() {
        check.identity(&good).expect("a good token");
    }
    let attacks = issuers.attacks();
    let names: BTreeSet<_> = attacks.iter().map(|attack| &attack.name).collect();
    assert_eq!(names.len(), attacks.len(), "each has a name of its own");
    let came_otherwise: Vec<_> = attacks
        .iter()
        .map(|attack| {
            let outcome = check
                .identity(&attack.token)
                .map_err(|error| error.outcome());
            (
                &attack.name,
                outcome.err().unwrap_or("accepted"),
                attack.outcome,
            )
        })
        .filter(|(_, outcome, expected)| outcome != expected)
        .collect();
    assert!(came_otherwise.is_empty(), "{came_otherwise:#?}");
}
