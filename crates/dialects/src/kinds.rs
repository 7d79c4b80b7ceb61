//! The signals that a call is made of, and what each dialect calls them.

pub(super) const OFFER: &str = "offer";
pub(super) const ANSWER: &str = "answer";
pub(super) const CANDIDATE: &str = "candidate";

/// A kind of signal, in every dialect.
#[derive(Debug)]
pub(super) struct Kind {
    /// In the native protocol, and between dialects.
    pub(super) name: &'static str,
    /// Socket.IO: an event of the rooms vocabulary.
    pub(super) rooms: Word,
    /// Socket.IO: an event of the video vocabulary.
    pub(super) video: Word,
    /// Socket.IO: the `type` in an event of the calls vocabulary.
    pub(super) calls: Word,
    /// The `type` of a message of MDN's chat.
    pub(super) mdn: Word,
    /// The `type` in the body of a STOMP frame, in any case.
    pub(super) stomp: Word,
}

/// What one dialect calls it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word {
    pub(super) word: &'static str,
    /// Where its clients put the description or the candidate.
    pub(super) key: &'static str,
}

const fn word(word: &'static str, key: &'static str) -> Word {
    Word { word, key }
}

static KINDS: [Kind; 3] = [
    Kind {
        name: OFFER,
        rooms: word("offer", "offer"),
        video: word("video:offer", "offer"),
        calls: word(OFFER, "sdp"),
        mdn: word("video-offer", "sdp"),
        stomp: word("OFFER", "sdp"),
    },
    Kind {
        name: ANSWER,
        rooms: word("answer", "answer"),
        video: word("video:answer", "answer"),
        calls: word(ANSWER, "sdp"),
        mdn: word("video-answer", "sdp"),
        stomp: word("ANSWER", "sdp"),
    },
    Kind {
        name: CANDIDATE,
        rooms: word("ice-candidate", "candidate"),
        video: word("video:ice-candidate", "candidate"),
        calls: word(CANDIDATE, "candidate"),
        mdn: word("new-ice-candidate", "candidate"),
        stomp: word("CANDIDATE", "candidate"),
    },
];

impl Kind {
    /// The kind that the native protocol calls so.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.name == name)
    }

    /// The kind that one dialect calls so.
    pub(super) fn called(word: &str, by: impl Fn(&Self) -> Word) -> Option<&'static Self> {
        KINDS.iter().find(|kind| by(kind).word == word)
    }

    /// The kind that STOMP clients call so, in any case.
    pub(super) fn in_stomp(word: &str) -> Option<&'static Self> {
        KINDS
            .iter()
            .find(|kind| kind.stomp.word.eq_ignore_ascii_case(word))
    }
}
