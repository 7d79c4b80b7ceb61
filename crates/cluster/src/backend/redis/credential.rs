//! What a client has shown, as a text in its session's hash: `epoch iat mark jti`, each but the first perhaps `-`. It is valid
//! for that epoch alone: a release before takes a session and leaves it there. Lua never opens it.

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::backend::record::Epoch;
use crate::backend::revocation::{Credential, TokenMark};

const NONE: &str = "-";

/// As it is written.
pub(super) fn write(credential: &Credential, epoch: Epoch) -> String {
    let issued_at = credential.issued_at.map(|at| at.to_string());
    let mark = credential.mark.as_ref().map(|mark| &*mark.0);
    let token = credential.token.as_ref();
    let token = token.map(|token| utf8_percent_encode(token, NON_ALPHANUMERIC).to_string());
    format!(
        "{epoch} {} {} {}",
        issued_at.as_deref().unwrap_or(NONE),
        mark.unwrap_or(NONE),
        token.as_deref().unwrap_or(NONE)
    )
}

/// What is written of that epoch, if it can be read.
pub(super) fn read(text: &str, epoch: Epoch) -> Option<Credential> {
    let mut words = text.split(' ');
    if words.next()?.parse() != Ok(epoch) {
        return None;
    }
    let mut word = || {
        words
            .next()
            .map(|word| Some(word).filter(|word| *word != NONE))
    };
    let (issued_at, mark, token) = (word()?, word()?, word()?);
    let token = token.map(|token| percent_decode_str(token).decode_utf8());
    Some(Credential {
        issued_at: issued_at.map(str::parse).transpose().ok()?,
        mark: mark.map(|mark| TokenMark(mark.into())),
        token: token.transpose().ok()?.map(Into::into),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_of_an_epoch_is_read_under_that_one() {
        let full = Credential {
            token: Some("a - \"b\" 한국어".into()),
            issued_at: Some(1_790_000_000),
            mark: Some(TokenMark("bWFyaw".into())),
        };
        for credential in [full, Credential::default()] {
            let text = write(&credential, 7);
            assert_eq!(read(&text, 7), Some(credential));
            assert_eq!(read(&text, 8), None);
        }
    }

    #[test]
    fn what_is_something_else_is_not_known() {
        for odd in ["", "7", "7 1 2", "7 soon - -", "x 1 - -", "7 - - %ff"] {
            assert_eq!(read(odd, 7), None, "{odd}");
        }
    }
}
