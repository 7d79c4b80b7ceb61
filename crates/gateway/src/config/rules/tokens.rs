//! Who needs a token, and by which keys it is checked.

use std::collections::BTreeSet;

use super::{HS256_KEY_BYTES, Rules};
use crate::config::{AuthMode, Config, JwtConfig, Secret};

impl Rules<'_> {
    pub(super) fn tokens(&mut self, config: &Config) {
        self.issuers(config);
        let said = config.auth.said;
        let local = config.listen.ip().is_loopback();
        let has_key = config.auth.issuers().next().is_some();
        self.require(
            &["auth.mode", "auth.jwt.secret"],
            said != Some(AuthMode::Required) || has_key,
            || {
                "required tokens need a key to check them: set auth.jwt.secret (JWT_SECRET), \
                 auth.jwt.public_key_file or auth.jwt.jwks_url"
                    .into()
            },
        );
        self.require(
            &["listen", "auth.mode", "auth.jwt.secret"],
            local || said.is_some() || has_key,
            || {
                format!(
                    "{} can be reached from other machines and nobody would need a token: set auth.jwt.secret \
                     (JWT_SECRET), auth.jwt.public_key_file or auth.jwt.jwks_url, or say auth.mode = \"open\" if everybody may connect",
                    config.listen
                )
            },
        );
        if said == Some(AuthMode::Open) && has_key {
            self.0.warnings.push(
                "auth.mode is open: the keys for tokens are not used, everybody may connect".into(),
            );
        }
    }

    fn issuers(&mut self, config: &Config) {
        self.keys_of_tokens(&config.auth.jwt);
        let mut names: BTreeSet<&str> = config.auth.jwt.issuer.as_deref().into_iter().collect();
        for jwt in &config.auth.issuers {
            self.keys_of_tokens(jwt);
            let is_new = jwt.issuer.as_deref().is_some_and(|name| names.insert(name));
            self.require(&["auth.issuers"], is_new, || {
                "each table has an `issuer` of its own: by that it is known whose keys a token is checked with".into()
            });
            let name = jwt.issuer.as_deref().unwrap_or_default();
            self.require(&["auth.issuers"], jwt.has_key(), || {
                format!("`{name}` needs a key: jwks_url, discovery_url, public_key_file or secret")
            });
        }
    }

    fn keys_of_tokens(&mut self, jwt: &JwtConfig) {
        self.require(
            &["auth.jwt.secret_old", "auth.jwt.secret_old_until"],
            jwt.secret_old.is_some() == jwt.secret_old_until.is_some(),
            || {
                "an old secret has an end: auth.jwt.secret_old and auth.jwt.secret_old_until go together"
                    .into()
            },
        );
        self.require(
            &["auth.jwt.secret_old", "auth.jwt.secret"],
            jwt.secret_old.is_none() || jwt.secret.is_some(),
            || "an old secret has a new one beside it: set auth.jwt.secret".into(),
        );
        self.require(
            &["auth.jwt.user_claims"],
            !jwt.user_claims.is_empty(),
            || "names at least one claim".into(),
        );
        let is_twice = jwt.jwks_url.is_some() && jwt.discovery_url.is_some();
        self.require(
            &["auth.jwt.discovery_url", "auth.jwt.jwks_url"],
            !is_twice,
            || "auth.jwt.discovery_url says where the keys are, and so does auth.jwt.jwks_url: leave one of them out".into(),
        );
        self.require(
            &["auth.jwt.discovery_url", "auth.jwt.issuer"],
            jwt.discovery_url.is_none() || jwt.issuer.is_some(),
            || {
                "what auth.jwt.discovery_url says is believed of auth.jwt.issuer alone: set it"
                    .into()
            },
        );
        // A set of keys that is changed on its way lets anybody in.
        for (path, url) in [
            ("auth.jwt.jwks_url", &jwt.jwks_url),
            ("auth.jwt.discovery_url", &jwt.discovery_url),
        ] {
            self.warn_if_plain(path, url.as_ref());
        }
        let secret = jwt.secret.as_ref().map(Secret::expose);
        let secrets = [&jwt.secret, &jwt.secret_old].into_iter().flatten();
        let mut secrets = secrets.map(|secret| secret.expose().trim_start());
        let is_pem = secrets.any(|secret| secret.starts_with("-----BEGIN"));
        self.require(&["auth.jwt.secret"], !is_pem, || {
            "is a PEM key, and no shared secret: anybody who knows a public key could make tokens with it; name its file in \
             auth.jwt.public_key_file"
                .into()
        });
        let short = secret.map(str::len).filter(|len| *len < HS256_KEY_BYTES);
        if let Some(short) = short {
            self.0.warnings.push(format!(
                "auth.jwt.secret has {short} bytes; HS256 asks for {HS256_KEY_BYTES} or more (RFC 7518 section 3.2), \
                 and a short one can be guessed from any token"
            ));
        }
    }
}
