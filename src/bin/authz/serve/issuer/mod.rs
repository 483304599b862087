//! A development identity provider: discovery, a key set, the authorization code flow with PKCE, refresh tokens, and keys that
//! rotate when asked to. Its users do not exist and its keys are thrown away at the end.

mod answers;
mod asked;
mod grants;
mod keys;
mod sign_in;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use apigw_jwt_authorizer::Clock as _;
use http::header::CACHE_CONTROL;
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use self::answers::{document, moved, refusal};
use self::asked::{Asked, Fault};
pub(super) use self::asked::{Client, Known};
use self::grants::{Grant, Grants};
use self::keys::Keys;
use super::http::{Reply, Request, json as reply, private, reply as raw, set, single, text};
use super::safety::Origin;
use super::users::Roster;
use crate::environment::SystemClock;

/// Where it is, on this server.
pub(super) const MOUNT: &str = "/__issuer";

/// The scopes of OpenID Connect, which are about the ID token and not about the API.
const OPENID: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// The provider.
pub(super) struct Issuer {
    /// Its `iss`, and the start of its addresses.
    base: String,
    clock: Rc<SystemClock>,
    keys: RefCell<Keys>,
    grants: RefCell<Grants>,
    roster: RefCell<Rc<Roster>>,
    online: Cell<bool>,
    token_seconds: u64,
    known: Known,
}

impl Issuer {
    /// A provider at this server's address.
    ///
    /// # Errors
    /// If no key can be made.
    pub(super) fn new(address: &str, clock: Rc<SystemClock>, token_seconds: u64, known: Known) -> Result<Self, String> {
        Ok(Self {
            base: format!("{address}{MOUNT}"),
            clock,
            keys: RefCell::new(Keys::new()?),
            grants: RefCell::default(),
            roster: RefCell::default(),
            online: Cell::new(true),
            token_seconds,
            known,
        })
    }

    /// Its `iss`.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// Who may sign in from now on.
    pub(super) fn set_roster(&self, roster: Roster) {
        *self.roster.borrow_mut() = Rc::new(roster);
    }

    pub(super) fn roster(&self) -> Rc<Roster> {
        Rc::clone(&self.roster.borrow())
    }

    /// Whether a token says that one of its keys signed it, be it a former one. Only that key's verifier believes it.
    pub(super) fn names_a_key_of(&self, kid: &str) -> bool {
        self.keys.borrow().made(kid)
    }

    /// What the page shows of it.
    pub(super) fn state(&self) -> Value {
        let roster = self.roster();
        let users = roster.users.iter().map(|user| {
            let realm = roster.realms.get(user.realm);
            let claims = realm.map(|realm| user.access_claims(realm, &user.scopes, None));
            json!({
                "id": user.id, "name": user.name, "about": user.about, "scopes": user.scopes, "claims": claims,
                "issuer": realm.map(|realm| realm.issuer.as_str()),
            })
        });
        json!({
            "url": self.base,
            "online": self.online.get(),
            "keys": self.keys.borrow().kids(),
            "tokenSeconds": self.token_seconds,
            "users": users.collect::<Vec<_>>(),
        })
    }

    /// Does what a button of the page says; `None` if there is no such button.
    pub(super) fn steer(&self, action: &str) -> Option<Result<(), String>> {
        match action {
            "rotate" => return Some(self.keys.borrow_mut().rotate()),
            "retire" => self.keys.borrow_mut().retire(),
            "offline" => self.online.set(false),
            "online" => self.online.set(true),
            _ => return None,
        }
        Some(Ok(()))
    }

    /// A token for a user as the page asks for it: with other claims if some are given, and valid for this long from now.
    ///
    /// # Errors
    /// If there is no such user, or no signature.
    pub(super) fn mint(&self, user: &str, claims: Option<Map<String, Value>>, seconds: i64) -> Result<String, String> {
        let roster = self.roster();
        let (user, realm) = roster.user(user).ok_or("there is no such user")?;
        let claims = claims.unwrap_or_else(|| user.access_claims(realm, &user.scopes, None));
        self.signed(&realm.typ, claims, seconds)
    }

    /// Answers a request to one of its addresses.
    pub(super) fn answer(&self, request: &Request, origin: &Origin) -> Reply {
        let path = request.path.strip_prefix(MOUNT).unwrap_or_default();
        if !self.online.get() {
            return text(StatusCode::SERVICE_UNAVAILABLE, "The provider is switched off on the page of this gateway.");
        }
        match (&request.method, path) {
            (&Method::GET, "/.well-known/openid-configuration" | "/.well-known/oauth-authorization-server") => {
                reply(StatusCode::OK, &self.metadata())
            }
            (&Method::GET, "/jwks.json") => {
                let mut answer = reply(StatusCode::OK, &self.keys.borrow().set());
                set(&mut answer, CACHE_CONTROL, "no-cache");
                answer
            }
            (&Method::GET, "/authorize") => self.sign_in(&request.parameters()),
            // Whoever else could send the form would choose the user in somebody's place.
            (&Method::POST, "/authorize") if matches!(origin, Origin::Allowed(_)) => {
                let why = "The form is sent by the provider's own page. Send the browser there with GET.";
                document(StatusCode::FORBIDDEN, sign_in::refusal(why), None)
            }
            (&Method::POST, "/authorize") => self.signed_in(request),
            (&Method::POST, "/token") => self.token(request),
            (&Method::OPTIONS, "/token" | "/jwks.json" | "/.well-known/openid-configuration") => {
                let mut answer = raw(StatusCode::NO_CONTENT, "text/plain", "");
                set(&mut answer, http::header::ACCESS_CONTROL_ALLOW_METHODS, "GET,POST,OPTIONS");
                set(&mut answer, http::header::ACCESS_CONTROL_ALLOW_HEADERS, "Authorization,Content-Type");
                answer
            }
            _ => text(StatusCode::NOT_FOUND, "The provider has nothing here."),
        }
    }

    /// Discovery (OpenID Connect Discovery 1.0 section 3, RFC 8414).
    fn metadata(&self) -> Value {
        let base = &self.base;
        json!({
            "issuer": base,
            "authorization_endpoint": format!("{base}/authorize"),
            "token_endpoint": format!("{base}/token"),
            "jwks_uri": format!("{base}/jwks.json"),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "token_endpoint_auth_methods_supported": ["none"],
            "code_challenge_methods_supported": ["S256"],
            "scopes_supported": OPENID,
            "authorization_response_iss_parameter_supported": true,
        })
    }

    /// The sign-in page.
    fn sign_in(&self, parameters: &[(String, String)]) -> Reply {
        match Asked::read(parameters, &self.known) {
            Ok(asked) => {
                let audience = asked.audience.as_deref();
                let page = sign_in::page(&self.roster(), parameters, &asked.client, audience);
                document(StatusCode::OK, page, Some(&asked.back))
            }
            Err(fault) => self.refused(fault),
        }
    }

    /// Somebody was chosen on the page.
    fn signed_in(&self, request: &Request) -> Reply {
        let form = request.form();
        let asked = match Asked::read(&form, &self.known) {
            Ok(asked) => asked,
            Err(fault) => return self.refused(fault),
        };
        let roster = self.roster();
        let Some((user, _)) = single(&form, "user").and_then(|id| roster.user(id)) else {
            return self.refused(Fault::Here("The form names no user."));
        };
        let now = self.clock.now();
        let of_the_api = |scope: &&String| !OPENID.contains(&scope.as_str());
        let every = !asked.scopes.iter().any(|scope| of_the_api(&scope));
        let api = user.scopes.iter().filter(|scope| every || asked.scopes.contains(scope));
        let openid = asked.scopes.iter().filter(|scope| !of_the_api(scope));
        let grant = Grant {
            client: asked.client,
            user: user.id.clone(),
            scopes: openid.chain(api).cloned().collect(),
            audience: asked.audience,
            nonce: asked.nonce,
            signed_in: now.wall.as_secs(),
        };
        let code = self.grants.borrow_mut().code(grant, &asked.redirect_uri, &asked.challenge, now.monotonic);
        match code {
            Ok(code) => {
                tracing::info!(target: "authz::gateway", user = user.id.as_str(), "signed in");
                let mut back = asked.back;
                back.query_pairs_mut().append_pair("code", &code).append_pair("iss", &self.base);
                moved(&back)
            }
            Err(_) => self.refused(Fault::Back(asked.back, "server_error", "no code could be made")),
        }
    }

    fn refused(&self, fault: Fault) -> Reply {
        match fault {
            Fault::Here(why) => document(StatusCode::BAD_REQUEST, sign_in::refusal(why), None),
            Fault::Back(mut back, error, why) => {
                let mut query = back.query_pairs_mut();
                query.append_pair("error", error).append_pair("error_description", why);
                query.append_pair("iss", &self.base);
                drop(query);
                moved(&back)
            }
        }
    }

    /// The token endpoint (RFC 6749 section 3.2).
    fn token(&self, request: &Request) -> Reply {
        let form = request.form();
        let value = |name: &str| single(&form, name).unwrap_or_default();
        let now = self.clock.now().monotonic;
        let client = value("client_id");
        let promised = match value("grant_type") {
            "authorization_code" => self.grants.borrow_mut().redeem(
                value("code"),
                client,
                value("redirect_uri"),
                value("code_verifier"),
                now,
            ),
            "refresh_token" => self.grants.borrow_mut().refreshed(value("refresh_token"), client, now),
            _ => return refusal("unsupported_grant_type", "grant_type is authorization_code or refresh_token"),
        };
        let Some((grant, family)) = promised else {
            return refusal("invalid_grant", "the code or the refresh token is not valid for this request");
        };
        match self.tokens(&grant, family) {
            Ok(tokens) => private(StatusCode::OK, &tokens),
            Err(_) => refusal("invalid_grant", "the user is not there any more"),
        }
    }

    /// The tokens of a grant (RFC 6749 section 5.1, OpenID Connect Core 1.0 section 3.1.3.3).
    fn tokens(&self, grant: &Grant, family: u64) -> Result<Value, String> {
        let roster = self.roster();
        let (user, realm) = roster.user(&grant.user).ok_or("there is no such user")?;
        let has = |scope: &str| grant.scopes.iter().any(|known| known == scope);
        let api: Vec<String> = grant.scopes.iter().filter(|scope| !OPENID.contains(&scope.as_str())).cloned().collect();
        let lasts = i64::try_from(self.token_seconds).unwrap_or(i64::MAX);
        let mut claims = user.access_claims(realm, &api, grant.audience.as_deref());
        // What Cognito calls its audience is not overwritten.
        claims.entry("client_id").or_insert_with(|| grant.client.clone().into());
        let mut tokens = json!({
            "access_token": self.signed(&realm.typ, claims, lasts)?,
            "token_type": "Bearer",
            "expires_in": self.token_seconds,
            "scope": grant.scopes.join(" "),
        });
        let Some(members) = tokens.as_object_mut() else { return Ok(tokens) };
        if has("openid") {
            let mut claims = Map::new();
            claims.insert("iss".to_owned(), self.base.clone().into());
            claims.insert("sub".to_owned(), user.claims.get("sub").cloned().unwrap_or_else(|| user.id.clone().into()));
            claims.insert("aud".to_owned(), grant.client.clone().into());
            claims.insert("auth_time".to_owned(), grant.signed_in.into());
            claims.insert("name".to_owned(), user.name.clone().into());
            grant.nonce.iter().for_each(|nonce| drop(claims.insert("nonce".to_owned(), nonce.clone().into())));
            let email = user.claims.get("email").cloned();
            email.into_iter().for_each(|email| drop(claims.insert("email".to_owned(), email)));
            members.insert("id_token".to_owned(), self.signed("JWT", claims, lasts)?.into());
        }
        if has("offline_access") {
            let now = self.clock.now().monotonic;
            let token = self.grants.borrow_mut().refresh_token(grant.clone(), family, now)?;
            members.insert("refresh_token".to_owned(), token.into());
        }
        Ok(tokens)
    }

    /// Dates claims and signs them. Dates that they have stay.
    fn signed(&self, typ: &str, mut claims: Map<String, Value>, seconds: i64) -> Result<String, String> {
        let now = i64::try_from(self.clock.now().wall.as_secs()).unwrap_or(i64::MAX);
        // One that has run out was issued before that.
        claims.entry("iat").or_insert_with(|| now.min(now.saturating_add(seconds)).into());
        claims.entry("exp").or_insert_with(|| now.saturating_add(seconds).into());
        self.keys.borrow().sign(typ, &claims)
    }
}
