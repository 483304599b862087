//! Who asks the endpoint, and how: the client's credentials (RFC 6749 section 2.3.1) and the question (RFC 7662 section 2.1).

use std::sync::Arc;

use url::form_urlencoded::{Serializer, byte_serialize};

use super::answer::Standing;
use super::failure::Failure;
use crate::bearer::OpaqueToken;
use crate::keys::{Encoding, Fetch, Fetched, FetchedSecret, Form, KeyAccess, KeyUrl, SecretKind, SecretSettings, With};
use crate::time::Deadline;

/// A client as configured.
pub(crate) struct ClientSettings {
    pub(crate) id: String,
    pub(crate) secret: SecretSettings<ClientSecret>,
    pub(crate) auth: ClientAuth,
}

/// How a client says who it is (RFC 6749 section 2.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientAuth {
    /// `client_secret_basic`: in the header `Authorization`.
    Basic,
    /// `client_secret_post`: in the form.
    Post,
}

/// A client's secret: any text or bytes that the server gave it. It cannot print.
pub(crate) struct ClientSecret(Vec<u8>);

impl SecretKind for ClientSecret {
    type Rules = ();

    const NAME: &'static str = "client secret";

    fn read(text: &[u8], encoding: Encoding, (): &()) -> Result<Self, &'static str> {
        match encoding.bytes(text)? {
            secret if secret.is_empty() => Err("the secret is empty"),
            secret => Ok(Self(secret)),
        }
    }
}

/// A client of an endpoint.
pub(super) struct Client {
    pub(super) endpoint: KeyUrl,
    pub(super) id: String,
    pub(super) auth: ClientAuth,
    secret: SecretSource,
    fetcher: Arc<dyn Fetch>,
}

enum SecretSource {
    Given(ClientSecret),
    Fetched(Box<FetchedSecret<ClientSecret>>),
}

impl Client {
    /// # Errors
    /// If TLS cannot be set up.
    pub(super) fn new(
        endpoint: KeyUrl,
        settings: ClientSettings,
        issuer: &str,
        access: &KeyAccess,
    ) -> Result<Self, &'static str> {
        let ClientSettings { id, secret, auth } = settings;
        let secret = match secret {
            SecretSettings::Given(secret) => SecretSource::Given(secret),
            SecretSettings::Stored(stored) => SecretSource::Fetched(Box::new(access.stored(issuer, stored)?)),
        };
        Ok(Self { endpoint, id, auth, secret, fetcher: access.fetcher()? })
    }

    /// Asks about a token, and returns what is said of it and in how many bytes. A secret that has been rotated is tried in its current
    /// version, and, if the endpoint does not take that one yet, in the previous one.
    pub(super) async fn ask(&self, token: OpaqueToken<'_>, deadline: Deadline) -> Result<(Standing, usize), Failure> {
        let secret = match &self.secret {
            SecretSource::Given(secret) => return self.ask_with(secret, token).await,
            SecretSource::Fetched(secret) => secret,
        };
        let versions = secret.versions(deadline).await.map_err(|_| Failure::Secret)?;
        let mut outcome = Err(Failure::Secret);
        for secret in versions.secrets() {
            outcome = self.ask_with(secret, token).await;
            if !matches!(outcome, Err(Failure::REFUSED)) {
                break;
            }
        }
        outcome
    }

    async fn ask_with(&self, secret: &ClientSecret, token: OpaqueToken<'_>) -> Result<(Standing, usize), Failure> {
        let form = self.form(secret, token);
        let fetched = self.fetcher.fetch(&self.endpoint, With::Form(&form)).await.map_err(Failure::Fetch)?;
        let Fetched::Document { body, .. } = fetched else {
            return Err(Failure::Response);
        };
        Standing::parse(&body).map(|standing| (standing, body.len())).ok_or(Failure::Response)
    }

    /// The question, with the client's credentials where the endpoint expects them.
    fn form(&self, secret: &ClientSecret, token: OpaqueToken<'_>) -> Form {
        let mut body = Serializer::new(String::new());
        body.append_pair("token", token.as_str()).append_pair("token_type_hint", "access_token");
        let (id, secret) = (byte_serialize(self.id.as_bytes()), byte_serialize(&secret.0));
        match self.auth {
            ClientAuth::Basic => Form { body: body.finish(), basic: Some((id.collect(), secret.collect())) },
            ClientAuth::Post => {
                let credentials = ["&client_id="].into_iter().chain(id).chain(["&client_secret="]).chain(secret);
                Form { body: body.finish() + &credentials.collect::<String>(), basic: None }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{Extension, SessionToken, Trust};
    use crate::time::{Clock, Moment};

    struct Stopped;

    impl Clock for Stopped {
        fn now(&self) -> Moment {
            Moment { wall: std::time::Duration::ZERO, monotonic: std::time::Duration::ZERO }
        }
    }

    fn form(auth: ClientAuth) -> Form {
        let extension = Extension { port: 2773, token: SessionToken(String::new()) };
        let access = KeyAccess::new(Trust::Webpki, extension, Arc::new(Stopped));
        let secret = ClientSecret::read("s: +/&=é".as_bytes(), Encoding::Utf8, &()).unwrap();
        let settings = ClientSettings { id: "a client: &=".to_owned(), secret: SecretSettings::Given(secret), auth };
        let endpoint = KeyUrl::parse("https://a.example/introspect").unwrap();
        let client = Client::new(endpoint, settings, "https://a.example/", &access).unwrap();
        let SecretSource::Given(secret) = &client.secret else { panic!("the secret is given") };
        client.form(secret, OpaqueToken::parse(Some("Bearer a+b/c~d=")).unwrap())
    }

    #[test]
    fn the_id_and_the_secret_are_encoded_as_a_form_before_they_are_encoded_as_basic() {
        let basic = form(ClientAuth::Basic);
        assert_eq!(basic.body, "token=a%2Bb%2Fc%7Ed%3D&token_type_hint=access_token");
        let expected = ("a+client%3A+%26%3D".to_owned(), "s%3A+%2B%2F%26%3D%C3%A9".to_owned());
        assert_eq!(basic.basic, Some(expected));
    }

    #[test]
    fn the_id_and_the_secret_may_be_posted_in_the_form() {
        let post = form(ClientAuth::Post);
        let expected = "token=a%2Bb%2Fc%7Ed%3D&token_type_hint=access_token&client_id=a+client%3A+%26%3D&client_secret=s%3A+%2B%2F%26%3D%C3%A9";
        assert_eq!((post.body.as_str(), post.basic), (expected, None));
    }

    #[test]
    fn a_client_secret_has_no_rules_but_that_there_is_one() {
        let read = |text: &str, encoding| ClientSecret::read(text.as_bytes(), encoding, &()).map(|secret| secret.0);
        assert_eq!(read("x", Encoding::Utf8), Ok(b"x".to_vec()));
        assert_eq!(read("eA==", Encoding::Base64), Ok(b"x".to_vec()));
        assert_eq!(read("{\"kty\":\"RSA\"}", Encoding::Utf8).map(|secret| secret.len()), Ok(13));
        assert_eq!(read("", Encoding::Utf8), Err("the secret is empty"));
        assert_eq!(read("", Encoding::Base64Url), Err("the secret is empty"));
        assert_eq!(read("#", Encoding::Base64), Err("the secret is not base64 as its `encoding` says"));
    }
}
