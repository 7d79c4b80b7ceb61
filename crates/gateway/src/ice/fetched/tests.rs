//! A provider that answers well, badly or not at all.

use serde_json::{Value, json};
use switchboard_testkit::{FakeIssuer, Manner};

use super::*;
use crate::config::{Config, FetchConfig, HttpUrl, Secret, load};
use crate::metrics::Metrics;

const TTL: Duration = Duration::from_secs(14_400);
const HOUR: Duration = Duration::from_secs(3600);

fn config(settings: &[(&str, &str)]) -> FetchConfig {
    let mut sources = crate::config::Sources::default();
    for (path, value) in settings {
        let variable = format!("SWITCHBOARD_ICE__FETCH__{}", path.to_uppercase());
        sources.environment.insert(variable, (*value).into());
    }
    let Config { ice, .. } = load(&sources).expect("a configuration").config;
    ice.fetch
}

fn fetched(settings: &[(&str, &str)]) -> Fetched {
    let provider = Provider::of(&config(settings), TTL).expect("a client");
    let counter = Metrics::new().ice_fetch_counter();
    Fetched::new(provider.expect("somebody is asked"), counter)
}

fn of(provider: &FakeIssuer) -> Fetched {
    fetched(&[("url", &provider.jwks_url())])
}

fn answer(name: &str, ttl: &Value) -> String {
    let server = json!({"urls": "turn:turn.example", "username": name, "credential": "secret"});
    json!({"iceServers": [server], "ttl": ttl}).to_string()
}

fn credentials(ttl: Duration) -> Result<Credentials, NoCredentials> {
    let servers = vec![IceServer {
        urls: vec!["turn:turn.example".into()],
        username: Some("u".into()),
        credential: Some("c".into()),
    }];
    Ok(Credentials { servers, ttl })
}

#[tokio::test]
async fn a_body_is_posted_as_it_is_with_the_headers_and_without_one_it_is_a_get() {
    let provider = FakeIssuer::start(Manner::Says(answer("u", &Value::Null)));
    let url = provider.jwks_url();
    let json = fetched(&[
        ("url", &url),
        ("headers", "Authorization: Bearer s3cret"),
        ("body", r#"{"ttl": 86400}"#),
    ]);
    let credentials = json.provider.ask().await.expect("credentials");
    assert_eq!(credentials.ttl.as_secs(), 86_400, "as it was asked for");
    let asked = provider.last_question();
    assert!(asked.starts_with("POST /jwks.json HTTP/1.1\r\n"), "{asked}");
    assert!(asked.ends_with("\r\n\r\n{\"ttl\": 86400}"), "{asked}");
    assert!(
        asked.contains("authorization: Bearer s3cret\r\n"),
        "{asked}"
    );
    assert!(
        asked.contains("content-type: application/json\r\n"),
        "{asked}"
    );

    let form = fetched(&[("url", &url), ("body", "Ttl=600")]);
    assert_eq!(form.provider.ask().await.expect("credentials").ttl, TTL);
    let asked = provider.last_question();
    assert!(
        asked.contains("content-type: application/x-www-form-urlencoded\r\n"),
        "{asked}"
    );

    fetched(&[("url", &url)])
        .provider
        .ask()
        .await
        .expect("credentials");
    let asked = provider.last_question();
    assert!(
        asked.starts_with("GET /jwks.json HTTP/1.1\r\n") && asked.ends_with("\r\n\r\n"),
        "{asked}"
    );
}

#[tokio::test]
async fn what_cannot_be_fetched_leaves_the_last_credentials_and_is_told_apart() {
    let provider = FakeIssuer::start(Manner::Says(answer("u", &json!(600))));
    let fetched = of(&provider);
    fetched.take(fetched.provider.ask().await);
    let before = fetched.offer();
    assert_eq!((before.servers.len(), before.edition), (1, 1));
    for (manner, outcome) in [
        (Manner::Status(500), IceFetch::Refused),
        (Manner::Status(302), IceFetch::Refused),
        (Manner::Status(401), IceFetch::Refused),
        (Manner::Says("nonsense".into()), IceFetch::Unreadable),
        (
            Manner::Says("{\"iceServers\": []}".into()),
            IceFetch::Unreadable,
        ),
        (Manner::Says(answer("u", &json!(1))), IceFetch::Unreadable),
        (Manner::Floods(100), IceFetch::Unreachable),
    ] {
        provider.turn(manner.clone());
        let asked = fetched.provider.ask().await;
        assert_eq!(
            asked.as_ref().err().map(NoCredentials::outcome),
            Some(outcome),
            "{manner:?}"
        );
        fetched.take(asked);
        let now = fetched.offer();
        assert_eq!(
            (now.servers, now.edition),
            (before.servers.clone(), 1),
            "{manner:?}"
        );
    }
}

#[tokio::test]
async fn they_are_fetched_again_at_half_of_their_life_by_one_question_at_a_time() {
    let provider = FakeIssuer::start(Manner::Says(answer("first", &json!(600))));
    let fetched = std::sync::Arc::new(of(&provider));
    let stop = CancellationToken::new();
    let keeping = fetched.clone();
    let until = stop.clone();
    let task = tokio::spawn(async move { keeping.keep_fresh(until).await });
    let edition = async |edition| {
        while fetched.offer().edition < edition {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        fetched.offer()
    };
    let first = edition(1).await;
    assert!(first.ttl <= Duration::from_secs(600), "{first:?}");
    provider.turn(Manner::Says(answer("second", &json!(600))));
    for (seconds, asked) in [(250, 1), (50, 2)] {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(seconds)).await;
        tokio::time::resume();
        let expected = edition(asked as u64).await.edition;
        assert_eq!((provider.asked(), expected), (asked, asked as u64));
    }
    let second = edition(2).await;
    assert_eq!(second.servers[0].username.as_deref(), Some("second"));
    assert_eq!(provider.asked(), 2);
    stop.cancel();
    task.await.expect("it stops");
}

#[tokio::test(start_paused = true)]
async fn sessions_are_told_after_half_a_life_and_not_all_at_once() {
    let fetched = fetched(&[("url", "http://127.0.0.1:1/")]);
    assert_eq!(fetched.take(credentials(HOUR)), HOUR / 2);
    let pauses: Vec<_> = (0..100).filter_map(|_| fetched.offer().renew_in).collect();
    let earliest = *pauses.iter().min().expect("some");
    let latest = *pauses.iter().max().expect("some");
    assert!(earliest > HOUR / 2 && latest <= HOUR / 2 + ANSWER + SPREAD_MAX);
    assert!(
        latest - earliest > SPREAD_MAX / 2,
        "{earliest:?} {latest:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_has_ended_is_not_given_and_sessions_look_for_others() {
    let fetched = fetched(&[("url", "http://127.0.0.1:1/")]);
    let none = fetched.offer();
    let second = Duration::from_secs(1);
    assert_eq!((none.servers.len(), none.edition, none.ttl), (0, 0, second));
    assert_eq!(none.renew_in, Some(ANSWER));
    fetched.take(credentials(HOUR));
    for (minutes, servers, ttl) in [(59, 1, HOUR / 60), (1, 0, second), (60, 0, second)] {
        tokio::time::advance(Duration::from_secs(minutes * 60)).await;
        let offer = fetched.offer();
        assert_eq!((offer.servers.len(), offer.ttl), (servers, ttl));
        assert_eq!(offer.edition, 1);
        let renew_in = offer.renew_in.expect("others may come");
        let pause = fetched.take(Err(NoCredentials::Unreadable));
        assert_eq!(renew_in, ANSWER, "it is being asked");
        let offer = fetched.offer();
        if servers == 0 {
            let in_whole_seconds = offer.ttl.subsec_nanos() == 0;
            assert!(in_whole_seconds && offer.ttl >= pause + ANSWER, "{offer:?}");
            assert!(offer.ttl < pause + 2 * ANSWER, "{offer:?}");
        }
        let renew_in = offer.renew_in.expect("others may come");
        assert!(renew_in >= pause + ANSWER && renew_in <= pause * 5 / 4 + ANSWER);
    }
    fetched.take(credentials(HOUR));
    assert_eq!((fetched.offer().edition, fetched.offer().ttl), (2, HOUR));
}

#[tokio::test(start_paused = true)]
async fn pauses_grow_after_failures_and_begin_again_after_an_answer() {
    let fetched = fetched(&[("url", "http://127.0.0.1:1/")]);
    let fail = || fetched.take(Err(NoCredentials::Unreadable));
    for expected in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300] {
        let (pause, most) = (fail(), Duration::from_secs(expected));
        assert!(pause <= most && pause >= most * 3 / 4, "{pause:?}");
    }
    fetched.take(credentials(HOUR));
    assert!(fail() <= PAUSE_MIN);
}

#[test]
fn a_status_is_said_with_the_settings_that_it_is_about() {
    for (status, advice) in [
        (302, ": check ice.fetch.url"),
        (404, ": check ice.fetch.url"),
        (400, ": check ice.fetch.headers and ice.fetch.body"),
        (401, ": check ice.fetch.headers and ice.fetch.body"),
        (403, ": check ice.fetch.headers and ice.fetch.body"),
        (429, ""),
        (500, ""),
        (503, ""),
    ] {
        let status = http::StatusCode::from_u16(status).expect("a status");
        let told = NoCredentials::Refused(status).to_string();
        assert_eq!(told, format!("it answers {status}{advice}"));
    }
}

#[test]
fn where_a_key_is_in_the_query_nothing_shows_it() {
    let config = FetchConfig {
        url: Some(HttpUrl::parse("http://p.example/turn?apiKey=k3y").expect("a URL")),
        body: Some(Secret::from("s3cret")),
        ..FetchConfig::default()
    };
    let shown = format!("{config:?}");
    assert!(shown.contains("http://p.example/turn?"), "{shown}");
    assert!(
        !shown.contains("k3y") && !shown.contains("s3cret"),
        "{shown}"
    );
    let provider = Provider::of(&config, TTL)
        .expect("a client")
        .expect("asked");
    assert_eq!(provider.to_string(), "http://p.example/turn");
}
