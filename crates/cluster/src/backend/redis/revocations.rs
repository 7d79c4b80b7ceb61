//! The log of revocations: a stream, and a cut-off beside the sessions of a user.

use std::sync::Arc;

use async_trait::async_trait;
use fred::types::Value;
use switchboard_protocol::UserId;

use super::directory::RedisDirectory;
use super::failure::Failure;
use super::keys::{decode_user, encode_user};
use super::reply::{Reply, fields};
use super::script::{REVOCATION_ADD, REVOCATION_READ, REVOCATION_RESTORE, Script, USER_CUT_OFF};
use crate::backend::directory::{
    CutOff, DirectoryError, KEPT_MAX_S, LostEntries, NewRevocation, REVOCATIONS_MAX, Restored,
    RevocationDirectory, RevokeRequest,
};
use crate::backend::revocation::{LogPage, LogPosition, Revocation, Revoked};
use crate::observe::about::About;
use crate::observe::record_kind::RecordKind;
use crate::observe::unreadable::read_one;

/// Entries that are read at once.
const PAGE: usize = 500;

#[async_trait]
impl RevocationDirectory for RedisDirectory {
    async fn revoke(&self, new: &NewRevocation) -> Result<Option<Revocation>, DirectoryError> {
        let [kind, id, mut before] = written(&new.request.at(0));
        if let RevokeRequest::User { before: None, .. } = new.request {
            before = "".into();
        }
        let args: Vec<Value> = vec![
            kind,
            id,
            before,
            new.kept_s.to_string().into(),
            new.request.entries_max().to_string().into(),
        ];
        let mut reply = self.on_log(&REVOCATION_ADD, args).await?;
        match &*reply.text()? {
            "added" => Ok(Some(Revocation {
                revoked: new.request.at(reply.number()?),
                until: reply.number()?,
            })),
            "full" => Ok(None),
            _ => Err(reply.odd().into()),
        }
    }

    async fn cut_off(&self, cut_off: &CutOff) -> Result<(), DirectoryError> {
        let args: Vec<Value> = vec![
            cut_off.before.to_string().into(),
            cut_off.kept_s.to_string().into(),
        ];
        let key = self.keys.user_cut_off(&cut_off.user);
        self.commands.run(&USER_CUT_OFF, &[&key], args).await?;
        Ok(())
    }

    async fn restore_log(&self, lost: &LostEntries) -> Result<Restored, DirectoryError> {
        let entries = lost.entries.iter().flat_map(|entry| {
            let [kind, id, before] = written(&entry.revoked);
            [kind, id, before, entry.until.to_string().into()]
        });
        let head: [Value; 2] = [
            lost.read.0.as_str().into(),
            REVOCATIONS_MAX.to_string().into(),
        ];
        let args = head.into_iter().chain(entries).collect();
        let mut reply = self.on_log(&REVOCATION_RESTORE, args).await?;
        match &*reply.text()? {
            "done" => Ok(Restored::Done(LogPosition(reply.text()?.to_string()))),
            "behind" => Ok(Restored::Behind),
            "full" => Ok(Restored::Full),
            _ => Err(reply.odd().into()),
        }
    }

    async fn log_after(&self, position: &LogPosition) -> Result<LogPage, DirectoryError> {
        let args: Vec<Value> = vec![position.0.as_str().into(), PAGE.to_string().into()];
        let mut reply = self.on_log(&REVOCATION_READ, args).await?;
        let (now, from_start) = (reply.number()?, reply.flag()?);
        let written = reply.values()?;
        let mut page = LogPage {
            position: match from_start {
                true => LogPosition::default(),
                false => position.clone(),
            },
            from_start,
            more: written.len() >= PAGE,
            now,
            ..LogPage::default()
        };
        for entry in written {
            let (id, entry) = parts(entry).ok_or_else(|| reply.odd())?;
            page.position = LogPosition(id);
            let entry = read_one(|| parse(entry));
            match entry.filter(|entry| entry.until <= now + KEPT_MAX_S) {
                Some(entry) => page.entries.push(entry),
                None => self.unreadable.note(
                    RecordKind::Revocation,
                    About::default(),
                    format_args!("entry {} of the log of revocations", page.position.0),
                ),
            }
        }
        Ok(page)
    }
}

impl RedisDirectory {
    async fn on_log(&self, script: &Script, args: Vec<Value>) -> Result<Reply, Failure> {
        let log = self.keys.revocations();
        self.commands.run(script, &[&log], args).await
    }
}

/// Its kind, its id, and of a user's the cut-off.
fn written(revoked: &Revoked) -> [Value; 3] {
    let kind = revoked.kind().into();
    match revoked {
        Revoked::User { user, before } => {
            [kind, encode_user(user).into(), before.to_string().into()]
        }
        Revoked::Token(token) => [kind, (&**token).into(), "".into()],
        Revoked::Peer(peer) => [kind, peer.as_str().into(), "".into()],
    }
}

/// The id of an entry, and its fields.
fn parts(entry: Value) -> Option<(String, Value)> {
    let Value::Array(parts) = entry else {
        return None;
    };
    let [id, entry] = <[Value; 2]>::try_from(parts).ok()?;
    Some((id.into_string()?, entry))
}

/// Fields of later releases are none of ours.
fn parse(entry: Value) -> Option<Revocation> {
    let fields = fields(entry);
    let field = |name: &str| {
        let found = fields.iter().find(|(field, _)| field == name)?;
        std::str::from_utf8(&found.1).ok()
    };
    let id = field("id")?;
    let revoked = match field("kind")? {
        "user" => Revoked::User {
            user: decode_user(id).decode_utf8().ok()?.parse::<UserId>().ok()?,
            before: field("before")?.parse().ok()?,
        },
        "token" => Revoked::Token(Arc::from(id)),
        "peer" => Revoked::Peer(id.parse().ok()?),
        _ => return None,
    };
    let until = field("until")?.parse().ok()?;
    Some(Revocation { revoked, until })
}
