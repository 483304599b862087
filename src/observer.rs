//! How the pipeline reports its steps, to the log line and to `explain`.

use serde_json::Value;

use crate::bearer::{BearerToken, OpaqueToken};
use crate::claims::{Check, Genuine, Verified};
use crate::error::Error;
use crate::event::{MethodArn, Request};
use crate::introspection::{Introspection, NotActive};
use crate::issuer::{Issuer, Selected};
use crate::routes::Decision;
use crate::time::NumericDate;
use crate::token::Unverified;

/// An observer of one request. The pipeline reports each step in order, up to the one that refuses. Observers change nothing.
/// `'a` is the lifetime of the authorizer.
pub(crate) trait Observer<'a> {
    /// The clock was compared with the earliest plausible time.
    fn clock(&mut self, _now: NumericDate, _outcome: Result<(), Error>) {}

    /// The event was parsed.
    fn event(&mut self, _outcome: Result<&Request<'_>, Error>) {}

    /// The bearer token was taken from the header's value.
    fn bearer(&mut self, _authorization: Option<&str>, _outcome: Result<(), Error>) {}

    /// The token was decoded and parsed.
    fn token(&mut self, _bearer: BearerToken<'_>, _outcome: Result<&Unverified<'_>, Error>) {}

    /// The issuer was chosen.
    fn issuer(&mut self, _token: &Unverified<'_>, _outcome: Result<&Selected<'a>, Error>) {}

    /// The signature was checked with the key of this `kid`, if one was found.
    fn signature(&mut self, _kid: Option<String>, _outcome: Result<(), Error>) {}

    /// The issuer's endpoint was asked about an opaque token, or had been. This takes the place of the four steps before.
    fn introspection(
        &mut self,
        _token: OpaqueToken<'_>,
        _introspection: &'a Introspection,
        _issuer: &'a Issuer,
        _outcome: Result<(), NotActive>,
    ) {
    }

    /// A claim was checked.
    fn check(&mut self, _check: Check, _token: &Genuine, _now: NumericDate, _outcome: Result<(), Error>) {}

    /// The route table decided.
    fn route(&mut self, _arn: &MethodArn<'_>, _token: &Verified, _decision: &Decision<'a>) {}

    /// The request of a verified token was answered; these are the token's claims, and the reason if it was refused.
    fn answered(&mut self, _claims: Value, _refusal: Option<Error>) {}
}
