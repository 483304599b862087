//! What the development issuer has promised: authorization codes (RFC 6749 section 4.1) and refresh tokens (section 6).

use std::collections::HashMap;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A code is exchanged at once (RFC 6749 section 4.1.2 allows ten minutes).
const CODE_LASTS: Duration = Duration::from_secs(60);
/// A day of work.
const REFRESH_LASTS: Duration = Duration::from_secs(24 * 3600);
/// As many codes, and as many refresh tokens, as are kept; beyond, all of them go.
const MAX_GRANTS: usize = 1000;

/// What somebody agreed to by signing in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) client: String,
    pub(super) user: String,
    /// What was asked for and is granted, `openid` and the like included.
    pub(super) scopes: Vec<String>,
    pub(super) audience: Option<String>,
    pub(super) nonce: Option<String>,
    /// When they signed in, in seconds since 1970.
    pub(super) signed_in: u64,
}

/// The codes and refresh tokens.
#[derive(Default)]
pub(super) struct Grants {
    codes: HashMap<String, Code>,
    refresh: HashMap<String, Refresh>,
    families: u64,
}

struct Code {
    grant: Grant,
    redirect_uri: String,
    /// BASE64URL(SHA256(verifier)), RFC 7636 section 4.2.
    challenge: String,
    until: Duration,
    /// The refresh tokens that came of it, once it is used.
    used: Option<u64>,
}

struct Refresh {
    grant: Grant,
    family: u64,
    until: Duration,
    used: bool,
}

impl Grants {
    /// A code for a grant.
    ///
    /// # Errors
    /// If there is no randomness.
    pub(super) fn code(
        &mut self,
        grant: Grant,
        redirect_uri: &str,
        challenge: &str,
        now: Duration,
    ) -> Result<String, String> {
        self.codes.retain(|_, code| code.until > now);
        if self.codes.len() >= MAX_GRANTS {
            self.codes.clear();
        }
        let code = random()?;
        let (redirect_uri, challenge) = (redirect_uri.to_owned(), challenge.to_owned());
        let until = now.saturating_add(CODE_LASTS);
        self.codes.insert(code.clone(), Code { grant, redirect_uri, challenge, until, used: None });
        Ok(code)
    }

    /// The grant of a code, and its family of refresh tokens. A code that comes a second time was stolen, so what came of it is
    /// taken back (RFC 6749 section 4.1.2).
    pub(super) fn redeem(
        &mut self,
        code: &str,
        client: &str,
        redirect_uri: &str,
        verifier: &str,
        now: Duration,
    ) -> Option<(Grant, u64)> {
        let family = self.families.saturating_add(1);
        let found = self.codes.get_mut(code)?;
        if let Some(family) = found.used {
            self.refresh.retain(|_, refresh| refresh.family != family);
            return None;
        }
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
        let proven = is_verifier(verifier) && challenge == found.challenge;
        if !proven || found.grant.client != client || found.redirect_uri != redirect_uri || found.until <= now {
            return None;
        }
        found.used = Some(family);
        self.families = family;
        Some((found.grant.clone(), family))
    }

    /// A refresh token for a grant.
    ///
    /// # Errors
    /// If there is no randomness.
    pub(super) fn refresh_token(&mut self, grant: Grant, family: u64, now: Duration) -> Result<String, String> {
        self.refresh.retain(|_, refresh| refresh.until > now);
        if self.refresh.len() >= MAX_GRANTS {
            self.refresh.clear();
        }
        let token = random()?;
        let until = now.saturating_add(REFRESH_LASTS);
        self.refresh.insert(token.clone(), Refresh { grant, family, until, used: false });
        Ok(token)
    }

    /// The grant of a refresh token, which is used up. One that comes again was stolen, so its family is taken back (RFC 9700
    /// section 4.14.2).
    pub(super) fn refreshed(&mut self, token: &str, client: &str, now: Duration) -> Option<(Grant, u64)> {
        let found = self.refresh.get_mut(token)?;
        if found.grant.client != client || found.until <= now {
            return None;
        }
        let family = found.family;
        if found.used {
            self.refresh.retain(|_, refresh| refresh.family != family);
            return None;
        }
        found.used = true;
        Some((found.grant.clone(), family))
    }
}

/// Whether a text can be a code verifier (RFC 7636 section 4.1).
fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}

/// Whether a text can be an S256 code challenge: base64url of 32 bytes.
pub(super) fn is_challenge(text: &str) -> bool {
    URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == 32)
}

/// 256 bits that nobody guesses.
pub(super) fn random() -> Result<String, String> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| "there is no randomness")?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    const BACK: &str = "http://localhost:5173/callback";

    fn grant() -> Grant {
        Grant {
            client: "spa".to_owned(),
            user: "administrator".to_owned(),
            scopes: vec!["openid".to_owned()],
            audience: None,
            nonce: None,
            signed_in: 0,
        }
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_code_is_for_its_client_its_address_its_verifier_and_its_minute() {
        for (client, redirect_uri, verifier, seconds, expected) in [
            ("spa", BACK, VERIFIER, 59, true),
            ("spa", BACK, VERIFIER, 60, false),
            ("other", BACK, VERIFIER, 0, false),
            ("spa", "http://localhost:5173/", VERIFIER, 0, false),
            ("spa", BACK, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl", 0, false),
            ("spa", BACK, CHALLENGE, 0, false),
            ("spa", BACK, "", 0, false),
        ] {
            let mut grants = Grants::default();
            let code = grants.code(grant(), BACK, CHALLENGE, at(0)).unwrap();
            let redeemed = grants.redeem(&code, client, redirect_uri, verifier, at(seconds));
            assert_eq!(
                redeemed.map(|(grant, _)| grant),
                expected.then(grant),
                "{client} {redirect_uri} {verifier} {seconds}"
            );
        }
    }

    #[test]
    fn a_code_that_comes_twice_takes_back_what_came_of_it() {
        let mut grants = Grants::default();
        let code = grants.code(grant(), BACK, CHALLENGE, at(0)).unwrap();
        let (granted, family) = grants.redeem(&code, "spa", BACK, VERIFIER, at(0)).unwrap();
        let refresh = grants.refresh_token(granted, family, at(0)).unwrap();
        assert_eq!(grants.redeem(&code, "spa", BACK, VERIFIER, at(1)), None);
        assert_eq!(grants.refreshed(&refresh, "spa", at(1)), None);
    }

    #[test]
    fn a_refresh_token_is_used_once_and_takes_its_family_with_it_the_second_time() {
        let mut grants = Grants::default();
        let first = grants.refresh_token(grant(), 1, at(0)).unwrap();
        assert_eq!(grants.refreshed(&first, "other", at(0)), None);
        let (granted, family) = grants.refreshed(&first, "spa", at(0)).unwrap();
        let second = grants.refresh_token(granted, family, at(0)).unwrap();
        assert_eq!(grants.refreshed(&first, "spa", at(1)), None);
        assert_eq!(grants.refreshed(&second, "spa", at(1)), None);
        let old = grants.refresh_token(grant(), 2, at(0)).unwrap();
        assert_eq!(grants.refreshed(&old, "spa", at(24 * 3600)), None);
    }
}
