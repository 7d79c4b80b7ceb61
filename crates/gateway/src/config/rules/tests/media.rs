use super::*;

const ALL: [&str; 4] = [
    "media.kind=livekit",
    "media.url=wss://sfu.example",
    "media.api_key=devkey",
    "media.api_secret=0123456789abcdef0123456789abcdef",
];

#[test]
fn a_media_server_is_said_as_a_whole_or_not_at_all() {
    assert_eq!(mistakes(&[], &ALL), Vec::<String>::new());
    for (missing, key) in [
        "media.kind",
        "media.url",
        "media.api_key",
        "media.api_secret",
    ]
    .into_iter()
    .enumerate()
    {
        let mut some = ALL.to_vec();
        some.remove(missing);
        let told = mistakes(&[], &some);
        assert!(
            told.len() == 1 && told[0].ends_with(&format!("all four of these: {key} too")),
            "{told:?}"
        );
    }
}

#[test]
fn what_no_media_server_can_be_is_told_and_a_short_secret_is_warned_about() {
    for wrong in [
        "media.kind=janus",
        "media.url=https://sfu.example",
        "media.url=wss://",
        "media.url=wss://user:password@sfu.example",
        "media.rooms=a*b",
        "media.rooms=**",
        "media.rooms=",
        "media.api_secret= ",
    ] {
        let set = [&ALL[..], &[wrong]].concat();
        let told = mistakes(&[], &set);
        let (key, _) = wrong.split_once('=').expect("key=value");
        assert!(
            told.len() == 1 && told[0].contains(key),
            "{wrong}: {told:?}"
        );
    }
    let set = [&ALL[..], &["media.api_secret=secret"]].concat();
    let warnings = load_from(&[], &set).expect("no mistakes").warnings;
    assert!(
        warnings.len() == 1 && warnings[0].starts_with("media.api_secret has 6 bytes"),
        "{warnings:?}"
    );
}
