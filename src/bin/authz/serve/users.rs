//! The made-up users of the development issuer, with the claims that the configuration asks for.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::rights::{common, items, put, rights, words};
use super::tenants::entries;

/// Who may sign in: nobody that exists.
#[derive(Clone, Debug)]
pub(super) struct User {
    pub(super) id: String,
    pub(super) name: String,
    /// What it is told from others by: its scopes, else the values of its own claims.
    pub(super) about: String,
    /// The configured issuer that its tokens are from.
    pub(super) realm: usize,
    pub(super) scopes: Vec<String>,
    /// The claims that go into its tokens beside the registered ones.
    pub(super) claims: Map<String, Value>,
}

/// A configured issuer, as far as its tokens' content goes.
#[derive(Clone, Debug)]
pub(super) struct Realm {
    pub(super) issuer: String,
    /// The tenant in it.
    tenant: Option<String>,
    pub(super) audiences: Vec<String>,
    audience_claim: String,
    scope_claim: String,
    pub(super) typ: String,
}

/// The issuers and their users.
#[derive(Clone, Debug, Default)]
pub(super) struct Roster {
    pub(super) realms: Vec<Realm>,
    pub(super) users: Vec<User>,
}

impl Roster {
    /// The issuers of a configuration, with one user for each right that its routes ask for, one that has all scopes, and one that
    /// has none; or with these users.
    ///
    /// # Errors
    /// What is wrong with the users that are given.
    pub(super) fn new(document: &Value, own_issuer: &str, given: Option<&Value>) -> Result<Self, String> {
        let mut roster = Self::default();
        for (entry, tenant) in &entries(document) {
            let realm = realm(entry, tenant.as_deref(), own_issuer);
            if roster.realms.iter().all(|known| known.issuer != realm.issuer) {
                let at = roster.realms.len();
                if given.is_none() {
                    let users = made_up(document, entry, &realm, at, &roster.users);
                    roster.users.extend(users);
                }
                roster.realms.push(realm);
            }
        }
        if let Some(given) = given {
            roster.users = roster.read(document, given)?;
        }
        Ok(roster)
    }

    /// The users of a list: each has `name`, and may have `issuer`, `scopes` and `claims`.
    fn read(&self, document: &Value, given: &Value) -> Result<Vec<User>, String> {
        let mut users: Vec<User> = Vec::new();
        for (position, entry) in given.as_array().ok_or("expected a JSON list of users")?.iter().enumerate() {
            let wrong = |what: &str| format!("user {}: {what}", position.saturating_add(1));
            let members = entry.as_object().ok_or_else(|| wrong("expected an object"))?;
            if let Some(odd) =
                members.keys().find(|key| !["name", "issuer", "scopes", "claims"].contains(&key.as_str()))
            {
                return Err(wrong(&format!("{odd}: a user has `name`, `issuer`, `scopes` and `claims`")));
            }
            let name = entry.get("name").and_then(Value::as_str).filter(|name| !name.is_empty());
            let name = name.ok_or_else(|| wrong("name: expected a text"))?;
            let at = match entry.get("issuer") {
                Some(issuer) => self.realms.iter().position(|realm| *issuer == realm.issuer),
                None => (self.realms.len() == 1).then_some(0),
            };
            let at = at.ok_or_else(|| wrong("issuer: expected one of the configuration's issuers"))?;
            let issuers = entries(document);
            let name_of = |(issuer, _): &&(Value, Option<String>)| {
                self.realms.get(at).is_some_and(|realm| issuer.get("issuer").is_none_or(|name| *name == realm.issuer))
            };
            let configured = issuers.iter().find(name_of).map(|(issuer, _)| issuer.clone()).unwrap_or_default();
            let id = free(&slug(name), &users);
            let mut claims = common(document, &configured, &id, name);
            let none = Map::new();
            let given = match entry.get("claims") {
                Some(given) => given.as_object().ok_or_else(|| wrong("claims: expected an object"))?,
                None => &none,
            };
            given.iter().for_each(|(claim, value)| put(&mut claims, claim, value.clone()));
            let scopes = entry.get("scopes").map_or_else(Vec::new, words);
            users.push(User { id, name: name.to_owned(), about: about(&scopes, given), realm: at, scopes, claims });
        }
        Ok(users)
    }

    /// The user of this id.
    pub(super) fn user(&self, id: &str) -> Option<(&User, &Realm)> {
        let user = self.users.iter().find(|user| user.id == id)?;
        Some((user, self.realms.get(user.realm)?))
    }
}

impl User {
    /// The claims of an access token with these scopes, without its dates.
    pub(super) fn access_claims(&self, realm: &Realm, scopes: &[String], audience: Option<&str>) -> Map<String, Value> {
        let mut claims = self.claims.clone();
        claims.insert("iss".to_owned(), realm.issuer.clone().into());
        let audience = audience.filter(|audience| realm.audiences.iter().any(|known| known == audience));
        if let Some(audience) = audience.or_else(|| realm.audiences.first().map(String::as_str)) {
            put(&mut claims, &realm.audience_claim, audience.into());
        }
        if !scopes.is_empty() {
            let value = match realm.scope_claim.as_str() {
                "scope" => scopes.join(" ").into(),
                _ => json!(scopes),
            };
            put(&mut claims, &realm.scope_claim, value);
        }
        claims
    }
}

fn realm(entry: &Value, tenant: Option<&str>, own_issuer: &str) -> Realm {
    let first = |name: &str, default: &str| {
        items(entry.get(name)).first().and_then(Value::as_str).unwrap_or(default).to_owned()
    };
    let audiences = items(entry.get("audience"));
    Realm {
        issuer: entry.get("issuer").and_then(Value::as_str).unwrap_or(own_issuer).to_owned(),
        tenant: tenant.map(str::to_owned),
        audiences: audiences.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        audience_claim: first("audience_claim", "aud"),
        scope_claim: first("scope_claims", "scope"),
        typ: first("typ", "at+jwt"),
    }
}

/// The users for the rights that the routes ask of an issuer's tokens.
fn made_up(document: &Value, entry: &Value, realm: &Realm, at: usize, others: &[User]) -> Vec<User> {
    let rights = rights(document, &realm.issuer, realm.tenant.as_deref());
    let mut users: Vec<User> = Vec::new();
    let mut add = |name: String, scopes: Vec<String>, more: &Map<String, Value>| {
        let taken: Vec<User> = others.iter().chain(users.iter()).cloned().collect();
        let id = free(&slug(&name), &taken);
        let mut claims = common(document, entry, &id, &name);
        more.iter().for_each(|(claim, value)| put(&mut claims, claim, value.clone()));
        users.push(User { id, name, about: about(&scopes, more), realm: at, scopes, claims });
    };
    let all: BTreeSet<&String> = rights.iter().flat_map(|right| &right.scopes).collect();
    let scoped = rights.iter().filter(|right| !right.scopes.is_empty()).count();
    if scoped > 1 {
        let claims: Map<String, Value> = rights.iter().rev().flat_map(|right| right.claims.clone()).collect();
        add("Administrator".to_owned(), all.into_iter().cloned().collect(), &claims);
    }
    for right in rights.iter().filter(|right| !right.scopes.is_empty() || !right.claims.is_empty()) {
        let name = format!("User with {}", about(&right.scopes, &right.claims));
        add(name, right.scopes.clone(), &right.claims);
    }
    add("User without rights".to_owned(), Vec::new(), &Map::new());
    users
}

/// What tells a user from others.
fn about(scopes: &[String], claims: &Map<String, Value>) -> String {
    let values = claims.values().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    let named: Vec<String> = if scopes.is_empty() { values.collect() } else { scopes.to_vec() };
    named.join(", ")
}

/// A name in small letters, digits and hyphens.
fn slug(name: &str) -> String {
    let letters = name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' });
    let parts: String = letters.collect();
    let parts: Vec<&str> = parts.split('-').filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { "user".to_owned() } else { parts.join("-") }
}

/// An id that no user has yet.
fn free(id: &str, taken: &[User]) -> String {
    let is_taken = |id: &str| taken.iter().any(|user| user.id == id);
    if !is_taken(id) {
        return id.to_owned();
    }
    let numbered = (2_u32..).map(|number| format!("{id}-{number}")).find(|id| !is_taken(id));
    numbered.unwrap_or_else(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_a_few_tenants_has_users_and_the_claims_that_its_tokens_need() {
        let document = json!({
            "issuers": [
                { "issuer": "https://a.example/{tenant}", "tenants": ["x", "y"], "tenant_claim": "tid", "audience": "api" },
                { "issuer": "https://b.example/{tenant}", "tenants": "any", "audience": "api" },
            ],
            "routes": [
                { "path": "/x", "claims": { "{tenant}": "x", "role": "admin" } },
                { "path": "/{t}", "claims": { "{tenant}": "{t}", "role": "user" } },
            ],
            "principal": ["{tenant}", "sub"],
            "context": { "tenant": "{tenant}" },
        });
        let roster = Roster::new(&document, "http://127.0.0.1/__issuer", None).unwrap();
        let seen: Vec<_> = roster
            .users
            .iter()
            .map(|user| {
                let realm = &roster.realms[user.realm];
                let claims = user.access_claims(realm, &[], None);
                (realm.issuer.as_str(), claims.get("tid").cloned(), claims.get("role").cloned())
            })
            .collect();
        let (x, y) = (Some(json!("x")), Some(json!("y")));
        assert_eq!(
            seen,
            [
                ("https://a.example/x", x.clone(), Some(json!("admin"))),
                ("https://a.example/x", x.clone(), Some(json!("user"))),
                ("https://a.example/x", x, None),
                ("https://a.example/y", y.clone(), Some(json!("user"))),
                ("https://a.example/y", y, None),
                ("https://b.example/some-tenant", None, Some(json!("user"))),
                ("https://b.example/some-tenant", None, None),
            ]
        );
        assert!(roster.users.iter().all(|user| !user.claims.contains_key("{tenant}")));
    }

    #[test]
    fn every_right_of_the_table_has_a_user_and_one_has_none() {
        let document = json!({
            "issuers": [
                { "issuer": "https://a.example/", "audience": ["api", "other"], "scope_claims": ["/realm/roles"],
                  "required_claims": { "email": { "present": true }, "token_use": ["access", "x"] } },
                { "issuer": "https://b.example/", "audience": null },
            ],
            "routes": [
                { "path": "/pets", "scopes": ["read:pets write:pets", "admin"] },
                { "path": "/a", "scopes": "read:pets", "claims": { "iss": "https://a.example/" } },
                { "path": "/b", "claims": { "iss": "https://b.example/", "connection": ["social", "mail"] } },
                { "path": "/users/{id}", "any_of": [{ "scopes": "admin" }, { "claims": { "sub": "{id}" } }] },
            ],
            "context": { "tenant": "https://b.example/tenant" },
        });
        let roster = Roster::new(&document, "http://127.0.0.1/", None).unwrap();
        let names = |at: usize| -> Vec<&str> {
            roster.users.iter().filter(|user| user.realm == at).map(|user| user.name.as_str()).collect()
        };
        assert_eq!(
            names(0),
            [
                "Administrator",
                "User with read:pets, write:pets",
                "User with admin",
                "User with read:pets",
                "User without rights"
            ]
        );
        assert_eq!(
            names(1),
            [
                "Administrator",
                "User with read:pets, write:pets",
                "User with admin",
                "User with social",
                "User without rights"
            ]
        );
        let (user, realm) = roster.user("administrator").unwrap();
        let claims = user.access_claims(realm, &user.scopes, Some("other"));
        assert_eq!(
            Value::Object(claims),
            json!({
                "iss": "https://a.example/", "aud": "other", "sub": "administrator", "name": "Administrator",
                "email": "administrator@example.com", "token_use": "access", "https://b.example/tenant": "administrator's tenant",
                "realm": { "roles": ["admin", "read:pets", "write:pets"] },
            })
        );
        let (social, realm) = roster.user("user-with-social").unwrap();
        let claims = social.access_claims(realm, &[], None);
        assert_eq!((claims.get("connection"), claims.get("aud")), (Some(&json!("social")), None));
        let (user, _) = roster.user("administrator-2").unwrap();
        assert_eq!(user.realm, 1);
    }

    #[test]
    fn the_users_that_the_page_on_serve_shows_are_read() {
        let page = include_str!("../../../../docs/serve.md");
        let (_, block) = page.split_once("```json\n").unwrap();
        let users: Value = serde_json::from_str(block.split_once("```").unwrap().0).unwrap();
        let document = json!({ "issuers": [{ "issuer": "https://a.example/", "audience": "api" }], "routes": [] });
        let roster = Roster::new(&document, "", Some(&users)).unwrap();
        let abouts: Vec<&str> = roster.users.iter().map(|user| user.about.as_str()).collect();
        assert_eq!(abouts, ["read:pets, write:pets", "buyer, google-oauth2"]);
    }

    #[test]
    fn users_that_are_given_are_read_and_their_mistakes_are_told() {
        let document = json!({ "issuers": [{ "issuer": "https://a.example/", "audience": "api" }], "routes": [] });
        let read = |users: Value| Roster::new(&document, "", Some(&users));
        let roster =
            read(json!([{ "name": "Clerk", "scopes": "a b", "claims": { "/x/y": 1 } }, { "name": "Clerk" }])).unwrap();
        let (clerk, _) = roster.user("clerk").unwrap();
        assert_eq!(clerk.scopes, ["a", "b"]);
        assert_eq!(clerk.claims.get("x"), Some(&json!({ "y": 1 })));
        assert!(roster.user("clerk-2").is_some());
        for (users, expected) in [
            (json!({}), "expected a JSON list of users"),
            (json!([1]), "user 1: expected an object"),
            (json!([{ "name": "" }]), "user 1: name: expected a text"),
            (
                json!([{ "name": "a", "issuer": "https://b.example/" }]),
                "user 1: issuer: expected one of the configuration's issuers",
            ),
            (json!([{ "name": "a", "claims": [] }]), "user 1: claims: expected an object"),
            (
                json!([{ "name": "a", "rights": [] }]),
                "user 1: rights: a user has `name`, `issuer`, `scopes` and `claims`",
            ),
        ] {
            assert_eq!(read(users).map(drop).unwrap_err(), expected);
        }
    }
}
