//! What a client asks for when it sends somebody to sign in.

use url::Url;

use super::grants::is_challenge;
use crate::serve::http::single;
use crate::serve::safety::is_loopback;

/// A sign-in that may go on.
pub(super) struct Asked {
    pub(super) client: String,
    pub(super) back: Url,
    pub(super) redirect_uri: String,
    pub(super) scopes: Vec<String>,
    pub(super) challenge: String,
    pub(super) nonce: Option<String>,
    pub(super) audience: Option<String>,
}

/// An app that is registered: it is sent its codes at these addresses alone (RFC 9700 section 2.1).
pub(in crate::serve) struct Client {
    pub(in crate::serve) id: String,
    pub(in crate::serve) redirect_uris: Vec<String>,
}

/// Whom the provider sends people back to, beside the pages of this machine.
pub(in crate::serve) struct Known {
    pub(in crate::serve) clients: Vec<Client>,
    /// Origins that were named on the command line.
    pub(in crate::serve) origins: Vec<String>,
}

/// Why a sign-in may not go on.
pub(super) enum Fault {
    /// Said here, because the client cannot be trusted with it.
    Here(&'static str),
    /// Said to the client.
    Back(Url, &'static str, &'static str),
}

impl Asked {
    /// What a client asks for (RFC 6749 section 4.1.1, RFC 7636 section 4.3).
    ///
    /// # Errors
    /// Why the sign-in may not go on.
    pub(super) fn read(parameters: &[(String, String)], known: &Known) -> Result<Self, Fault> {
        let value = |name: &str| single(parameters, name).filter(|value| !value.is_empty());
        let redirect_uri = value("redirect_uri").ok_or(Fault::Here("The request has no single `redirect_uri`."))?;
        let back = Url::parse(redirect_uri).ok().filter(|url| url.fragment().is_none());
        let back =
            back.filter(|url| is_loopback(redirect_uri) || known.origins.contains(&url.origin().ascii_serialization()));
        let mut back = back.ok_or(Fault::Here(
            "`redirect_uri` is not on this machine. `authz serve --allow-origin` names other origins.",
        ))?;
        let client = value("client_id").ok_or(Fault::Here("The request has no single `client_id`."))?;
        let registered = known.clients.iter().find(|registered| registered.id == client);
        if registered.is_some_and(|registered| registered.redirect_uris.iter().all(|uri| uri != redirect_uri)) {
            return Err(Fault::Here("`redirect_uri` is not one that this client is registered with."));
        }
        if let Some(state) = value("state") {
            back.query_pairs_mut().append_pair("state", state);
        }
        let fault = |error, why| Fault::Back(back.clone(), error, why);
        if value("response_type") != Some("code") {
            return Err(fault("unsupported_response_type", "response_type is `code`"));
        }
        if value("code_challenge_method") != Some("S256") {
            return Err(fault("invalid_request", "PKCE is required: code_challenge_method is `S256`"));
        }
        let challenge = value("code_challenge").filter(|text| is_challenge(text));
        let challenge =
            challenge.ok_or_else(|| fault("invalid_request", "code_challenge is the base64url of a SHA-256"))?;
        if value("prompt") == Some("none") {
            return Err(fault("login_required", "nobody stays signed in here"));
        }
        let owned = |name: &str| value(name).map(str::to_owned);
        Ok(Self {
            client: client.to_owned(),
            redirect_uri: redirect_uri.to_owned(),
            scopes: value("scope").unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
            challenge: challenge.to_owned(),
            nonce: owned("nonce"),
            audience: owned("audience").or_else(|| owned("resource")),
            back,
        })
    }
}
