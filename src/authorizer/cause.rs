//! The usual cause of a refusal.

use super::{Authorizer, Seen};
use crate::bearer::BearerToken;
use crate::error::Error;
use crate::event::Request;
use crate::hint::{Hint, Refused};
use crate::keys::{KeySource, Misreading, WhyUnknown};
use crate::routes::similar::Similar;
use crate::token::Unverified;

/// How the issuers of Entra's v2.0 tokens begin; the keys of single applications have an address of their own.
const ENTRA: &str = "https://login.microsoftonline.com/";

impl Authorizer {
    /// The usual cause of a refusal.
    pub(crate) fn hint(&self, error: Error, request: &Request<'_>, seen: &Seen<'_>) -> Option<Hint> {
        self.refused(request, seen, |refused| Hint::of(error, refused))
    }

    /// What `look` finds in what is known of a refused request.
    pub(crate) fn refused<T>(
        &self,
        request: &Request<'_>,
        seen: &Seen<'_>,
        look: impl FnOnce(&Refused<'_>) -> Option<T>,
    ) -> Option<T> {
        let authorization = request.authorization.as_deref().unwrap_or_default();
        let issuers: Vec<_> = self
            .issuers
            .iter()
            .map(|issuer| (issuer.name.as_deref(), matches!(issuer.keys, KeySource::Secrets(_))))
            .collect();
        let token = || Unverified::parse(BearerToken::parse(Some(authorization)).ok()?).ok();
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
            let entra = issuer.name.as_ref().is_some_and(|name| name.starts_with(ENTRA));
            match issuer.keys.why_unknown(token.key())? {
                WhyUnknown::NoKid => Some(Hint::KidAbsent),
                WhyUnknown::PassedOver => Some(Hint::KeyPassedOver),
                WhyUnknown::WithoutAlg => Some(Hint::KeyWithoutAlg),
                WhyUnknown::OtherAlgorithm => Some(Hint::KeyOfOtherAlgorithm),
                WhyUnknown::NoSuchKey => entra.then_some(Hint::EntraApplicationKey),
            }
        };
        let similar_route = || {
            let stage = request.arn.stage().trim_end_matches('/').rsplit('/').next().unwrap_or_default();
            Some(match self.routes.similar(request.arn.path(), stage)? {
                Similar::OtherMethod => Hint::MethodNotDeclared,
                Similar::Case => Hint::PathDiffersByCase,
                Similar::Stage => Hint::StageInPath,
                Similar::Colon => Hint::PathParameterWithColon,
                Similar::Below => Hint::GreedyPathNeedsMore,
                Similar::FirstSegment => Hint::PathDiffersByFirstSegment,
                Similar::Above => Hint::PathBelowDeclared,
            })
        };
        look(&Refused {
            authorization,
            method: request.arn.method(),
            path: request.arn.path(),
            claims: seen.claims.as_ref(),
            issuers: &issuers,
            issuer: seen.issuer.and_then(|issuer| issuer.name.as_deref()),
            rules: seen.issuer.map(|issuer| &issuer.claims),
            principal: &self.settings.forwarding.principal,
            other_reading: &other_reading,
            key: &key,
            need: seen.need,
            similar_route: &similar_route,
            now: self.clock.now().date(),
        })
    }
}
