//! The throw-away keys of the development issuer: made at start, held in memory, gone at the end.

use std::collections::HashSet;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::new_key;
use crate::sign::Signer;

/// How many former keys the set still has, beside the one that signs.
const FORMER: usize = 3;

/// The key that signs, and the published set.
pub(super) struct Keys {
    signer: Signer,
    /// The public keys, newest first.
    published: Vec<Value>,
    /// The `kid` of every key that was made.
    made: HashSet<String>,
}

impl Keys {
    /// Makes a first key.
    ///
    /// # Errors
    /// If no key can be made.
    pub(super) fn new() -> Result<Self, String> {
        let (signer, public) = made()?;
        let mut keys = Self { signer, published: Vec::new(), made: HashSet::new() };
        keys.publish(public);
        Ok(keys)
    }

    /// Makes a new key, which signs from now on; former ones stay in the set.
    ///
    /// # Errors
    /// If no key can be made.
    pub(super) fn rotate(&mut self) -> Result<(), String> {
        let (signer, public) = made()?;
        self.signer = signer;
        self.publish(public);
        Ok(())
    }

    fn publish(&mut self, public: Value) {
        self.made.extend(public.get("kid").and_then(Value::as_str).map(str::to_owned));
        self.published.insert(0, public);
        self.published.truncate(FORMER.saturating_add(1));
    }

    /// Takes the former keys out of the set.
    pub(super) fn retire(&mut self) {
        self.published.truncate(1);
    }

    /// The token with these claims.
    ///
    /// # Errors
    /// If the key does not sign.
    pub(super) fn sign(&self, typ: &str, claims: &Map<String, Value>) -> Result<String, String> {
        self.signer.token(Some(typ), claims)
    }

    /// The public key set (RFC 7517 section 5).
    pub(super) fn set(&self) -> Value {
        json!({ "keys": self.published })
    }

    /// Whether a key with this `kid` was made here, also one that has left the set.
    pub(super) fn made(&self, kid: &str) -> bool {
        self.made.contains(kid)
    }

    /// The `kid` of each published key, newest first.
    pub(super) fn kids(&self) -> Vec<&str> {
        self.published.iter().filter_map(|key| key.get("kid")?.as_str()).collect()
    }
}

/// A new key that signs, and its public half.
fn made() -> Result<(Signer, Value), String> {
    let private = new_key::make(Path::new("-"), "ES256", None)?;
    let signer = Signer::jwk(private.as_bytes(), None, None)?;
    let mut public: Value = serde_json::from_str(&private).map_err(|_| "the key could not be made")?;
    public.as_object_mut().and_then(|members| members.remove("d")).ok_or("the key could not be made")?;
    Ok((signer, public))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_signs_at_once_and_former_ones_stay_until_they_are_retired() {
        let mut keys = Keys::new().unwrap();
        let first = keys.kids().first().map(|kid| (*kid).to_owned()).unwrap();
        keys.rotate().unwrap();
        assert_eq!(keys.kids().len(), 2);
        assert_eq!(keys.kids().last(), Some(&first.as_str()));
        for _ in 0..9 {
            keys.rotate().unwrap();
        }
        assert_eq!(keys.kids().len(), 4);
        keys.retire();
        assert_eq!(keys.kids().len(), 1);
        assert!(keys.made(&first) && !keys.made("other"), "the issuer knows its own keys when they are gone");
    }

    #[test]
    fn the_set_holds_nothing_private() {
        let set = Keys::new().unwrap().set();
        let key = set.pointer("/keys/0").unwrap().as_object().unwrap();
        let members: Vec<&str> = key.keys().map(String::as_str).collect();
        assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
    }
}
