//! The usual cause of a refusal.

use std::borrow::Cow;

use super::{Authorizer, Seen};
use crate::bearer::{BearerToken, OpaqueToken};
use crate::error::Error;
use crate::event::Request;
use crate::hint::{Cause, Hint, Refused};
use crate::issuer::{Issuer, IssuerName};
use crate::keys::{KeySource, Misreading, WhyUnknown};
use crate::token::{self, Unverified};

/// How many issuers a refused token is compared with, so that a flood of them costs little where there are a thousand.
const MAX_ISSUERS: usize = 32;
/// How the issuers of Entra's v2.0 tokens begin; the keys of single applications have an address of their own.
const ENTRA: &str = "https://login.microsoftonline.com/";

impl Authorizer {
    /// The usual cause of a refusal.
    pub(crate) fn cause(&self, error: Error, request: &Request<'_>, seen: &Seen<'_>) -> Option<Cause> {
        let authorization = request.authorization.as_deref().unwrap_or_default();
        let token = || Unverified::parse(BearerToken::parse(Some(authorization)).ok()?).ok();
        let unverified = if self.issuers.have_tenants() { token() } else { None };
        let iss = unverified.as_ref().and_then(|token| match token.iss() {
            token::Issuer::Named(iss) => Some(iss),
            token::Issuer::Absent | token::Issuer::Malformed => None,
        });
        let with_secret = |issuer: &Issuer| matches!(issuer.keys, KeySource::Secrets(_));
        let issuers = self.issuers.iter().take(MAX_ISSUERS);
        let issuers: Vec<_> = issuers.map(|issuer| (name_for(&issuer.name, iss), with_secret(issuer))).collect();
        let other_reading = || {
            let token = token()?;
            if !token.has_fitting_signature() {
                return Some(Hint::TokenTruncated);
            }
            let KeySource::Secrets(secrets) = &seen.issuer?.keys else {
                return None;
            };
            Some(match secrets.misread_as(&token)? {
                Misreading::Base64 => Hint::SecretMayBeBase64,
                Misreading::Text => Hint::SecretMayBeText,
                Misreading::Hex => Hint::SecretMayBeHex,
                Misreading::WhiteSpace => Hint::SecretHasWhiteSpace,
                Misreading::Quotes => Hint::SecretInQuotes,
                Misreading::Member => Hint::SecretIsAJsonMember,
            })
        };
        let key = || {
            let (token, issuer) = (token()?, seen.issuer?);
            let entra = issuer.name.as_configured().is_some_and(|name| name.starts_with(ENTRA));
            match issuer.keys.why_unknown(token.key(seen.tenant.as_deref()))? {
                WhyUnknown::NoKid => Some(Hint::KidAbsent),
                WhyUnknown::PassedOver => Some(Hint::KeyPassedOver),
                WhyUnknown::WithoutAlg => Some(Hint::KeyWithoutAlg),
                WhyUnknown::OtherAlgorithm => Some(Hint::KeyOfOtherAlgorithm),
                WhyUnknown::NoSuchKey => entra.then_some(Hint::EntraApplicationKey),
            }
        };
        let refused = Refused {
            authorization,
            method: request.arn.method(),
            path: request.arn.path(),
            claims: seen.claims.as_ref(),
            is_opaque: self.introspection.is_some() && OpaqueToken::parse(Some(authorization)).is_some(),
            issuers: &issuers,
            tenant_not_listed: iss.is_some_and(|iss| self.issuers.name_a_tenant(iss)),
            issuer: seen.issuer.and_then(|issuer| issuer.name.as_configured()),
            rules: seen.issuer.map(|issuer| &issuer.claims),
            principal: &self.settings.forwarding.principal,
            other_reading: &other_reading,
            key: &key,
            need: seen.need,
            routes: &self.routes,
            stage: request.arn.stage().trim_end_matches('/').rsplit('/').next().unwrap_or_default(),
            now: self.clock.now().date(),
        };
        Hint::of(error, &refused)
    }
}

/// What an entry is called where an `iss` is compared with it: with tenants, as that of the tenant which the `iss` may mean.
fn name_for<'i>(name: &'i IssuerName, iss: Option<&str>) -> Option<Cow<'i, str>> {
    match name {
        IssuerName::PerTenant { pattern, .. } => {
            let of_tenant = iss.and_then(|iss| pattern.with_tenant_of(iss));
            Some(of_tenant.map_or(Cow::Borrowed(pattern.as_str()), Cow::Owned))
        }
        IssuerName::Exact(_) | IssuerName::Unnamed => name.as_configured().map(Cow::Borrowed),
    }
}
