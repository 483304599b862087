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
    let rights = rights(document, entry, &realm.issuer, realm.tenant.as_deref());
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
    let values = claims.iter().map(|(name, value)| match value {
        Value::Null => format!("no {name}"),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    });
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
mod tests;
