//! What clients are told in words: English, or the documents' own Korean (`error_texts = "ko"`).

use switchboard_protocol::ErrorCode;
use switchboard_protocol::server_message::Reason;

/// The language of the words that clients of the tutorials are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ErrorTexts {
    /// English.
    #[default]
    English,
    /// Korean, as the tutorials have it.
    Korean,
}

impl ErrorTexts {
    /// Why a request was refused; `words` is the English for it.
    pub(super) fn refusal(self, code: ErrorCode, words: &str) -> &str {
        match (self, code) {
            (Self::English, _) => words,
            (Self::Korean, ErrorCode::Offline) => "상대방이 접속해있지 않습니다.",
            (Self::Korean, ErrorCode::NoSuchRoom) => "방 정보를 찾을 수 없습니다",
            (Self::Korean, ErrorCode::Forbidden) => "방 생성 권한이 없습니다",
            (Self::Korean, ErrorCode::RoomFull) => "방이 가득 찼습니다",
            (Self::Korean, ErrorCode::NotAMember) => "방에 입장하지 않았습니다",
            (Self::Korean, ErrorCode::NameTaken) => "이미 사용 중인 이름입니다",
            (Self::Korean, ErrorCode::RateLimited) => "메시지가 너무 많습니다",
            (Self::Korean, ErrorCode::Unavailable) => "잠시 후 다시 시도해 주세요",
            (Self::Korean, _) => words,
        }
    }

    /// Why a client may not come in.
    pub(super) fn not_let_in(self, has_token: bool) -> &'static str {
        match (self, has_token) {
            (Self::English, false) => "Authentication required",
            (Self::English, true) => "Authentication failed",
            (Self::Korean, false) => "토큰 없음",
            (Self::Korean, true) => "인증 실패",
        }
    }
}

/// Why a signal was not delivered.
pub(super) fn undelivered(reason: Reason) -> (ErrorCode, &'static str) {
    match reason {
        Reason::NoSuchPeer | Reason::Left | Reason::Expired => {
            (ErrorCode::Offline, "the other side is not connected")
        }
        Reason::Overloaded => (
            ErrorCode::RateLimited,
            "too many signals wait for an answer; slow down",
        ),
        Reason::Unavailable => (
            ErrorCode::Unavailable,
            "the signal could not be passed on; send it again",
        ),
        Reason::Unconfirmed => (
            ErrorCode::Unavailable,
            "nobody confirmed the signal; it may have arrived",
        ),
    }
}
