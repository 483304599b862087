//! What the pipeline tells of a request under way: to its log line, and to `explain`.

use serde_json::Value;

use crate::bearer::BearerToken;
use crate::claims::{Check, Verified};
use crate::error::Error;
use crate::event::{MethodArn, Request};
use crate::issuer::Issuer;
use crate::routes::Decision;
use crate::signature::Signed;
use crate::time::NumericDate;
use crate::token::Unverified;

/// A witness of one request. It is told of each step in the order of the pipeline, up to the one that refuses, and changes
/// nothing. `'a` is the authorizer's.
pub(crate) trait Observer<'a> {
    /// The clock was compared with the earliest time that it may show.
    fn clock(&mut self, _now: NumericDate, _outcome: Result<(), Error>) {}

    /// The event was parsed.
    fn event(&mut self, _outcome: Result<&Request<'_>, Error>) {}

    /// The bearer token was taken from the value of its header.
    fn bearer(&mut self, _authorization: Option<&str>, _outcome: Result<(), Error>) {}

    /// The token was decoded and parsed.
    fn token(&mut self, _bearer: BearerToken<'_>, _outcome: Result<&Unverified<'_>, Error>) {}

    /// The issuer was chosen.
    fn issuer(&mut self, _token: &Unverified<'_>, _outcome: Result<&'a Issuer, Error>) {}

    /// The signature was verified with the key of this `kid`, if one was found.
    fn signature(&mut self, _kid: Option<String>, _outcome: Result<(), Error>) {}

    /// A claim was checked.
    fn check(&mut self, _check: Check, _signed: &Signed, _now: NumericDate, _outcome: Result<(), Error>) {}

    /// The route was found, and whether the token may use it.
    fn route(&mut self, _arn: &MethodArn, _token: &Verified, _decision: &Decision<'a>) {}

    /// A verified token was answered, with a refusal or without; these are its claims.
    fn answered(&mut self, _claims: Value, _refusal: Option<Error>) {}
}
