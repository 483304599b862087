//! Which key verifies a token: chosen among an issuer's configured ones, never by anything a token points to.

mod aws_extension;
mod backoff;
mod cache;
mod disguise;
mod fetch;
mod inward;
mod join;
mod jwk;
mod jwk_set;
mod jwks_source;
mod key_source;
mod readings;
mod remote_jwks;
mod resolver;
mod secret;
mod stored_secret;
#[cfg(test)]
mod test_support;
mod trust;
mod unusable;
mod url;

pub(crate) use aws_extension::{Extension, Previous, SecretLocation, SecretSettings, StoredSecret};
pub(crate) use backoff::Backoff;
pub(crate) use fetch::{Fetch, FetchError, Fetched, Form, SessionToken, With, connection_ends};
pub(crate) use join::join_at_most;
#[cfg(test)]
pub(crate) use jwk::PublicKey;
pub(crate) use jwk::{IssuerMember, KeyRules};
pub(crate) use jwk_set::{KeySet, NotAKeySet};
pub(crate) use jwks_source::{Address, CacheTimes};
pub(crate) use key_source::{KeyAccess, KeySettings, KeySource, TenantSettings};
#[cfg(feature = "authz")]
pub(crate) use remote_jwks::RemoteKeys;
pub(crate) use remote_jwks::Seed;
#[cfg(test)]
pub(crate) use secret::Secret;
pub(crate) use secret::{Encoding, Misreading, SecretKind, doubt};
pub(crate) use stored_secret::FetchedSecret;
pub(crate) use trust::Trust;
#[cfg(test)]
pub(crate) use unusable::Unusable;
pub(crate) use unusable::WhyUnknown;
pub(crate) use url::KeyUrl;
