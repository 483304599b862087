//! What the log line and the hint of a request are made from.

use std::sync::Arc;

use serde_json::Value;

use crate::bearer::OpaqueToken;
use crate::claims::{Check, Genuine, Verified};
use crate::error::Error;
use crate::event::MethodArn;
use crate::hint::Hint;
use crate::introspection::{Introspection, NotActive};
use crate::issuer::{Issuer, Selected};
use crate::observer::Observer;
use crate::routes::{Decision, Need};
use crate::time::NumericDate;
use crate::token::Unverified;

/// What has been seen of a request on the way to its decision, for its log line and its hint. The log line has only the hint's
/// code of the claims.
#[derive(Default)]
pub(crate) struct Seen<'a> {
    pub(crate) issuer: Option<&'a Issuer>,
    pub(crate) tenant: Option<Arc<str>>,
    pub(super) kid: Option<String>,
    pub(crate) route: Option<&'a str>,
    pub(super) need: Option<&'a Need>,
    /// The claims of a token that was verified and then refused, or of an opaque one, which nobody else can read.
    pub(super) claims: Option<Value>,
    pub(super) hint: Option<Hint>,
}

impl<'a> Observer<'a> for Seen<'a> {
    fn issuer(&mut self, _token: &Unverified<'_>, outcome: Result<&Selected<'a>, Error>) {
        let selected = outcome.ok();
        self.issuer = selected.map(|selected| selected.issuer);
        self.tenant = selected.and_then(|selected| selected.tenant.clone());
    }

    fn signature(&mut self, kid: Option<String>, _outcome: Result<(), Error>) {
        self.kid = kid;
    }

    fn introspection(
        &mut self,
        _token: OpaqueToken<'_>,
        _introspection: &'a Introspection,
        issuer: &'a Issuer,
        _outcome: Result<(), NotActive>,
    ) {
        self.issuer = Some(issuer);
    }

    fn check(&mut self, _check: Check, token: &Genuine, _now: NumericDate, outcome: Result<(), Error>) {
        if let (Genuine::Introspected(introspected), Err(_)) = (token, outcome) {
            self.claims = Some(introspected.claims.clone());
        }
    }

    fn route(&mut self, _arn: &MethodArn<'_>, _token: &Verified, decision: &Decision<'a>) {
        (self.route, self.need) = (decision.route, decision.need);
    }

    fn answered(&mut self, claims: Value, refusal: Option<Error>) {
        self.claims = refusal.map(|_| claims);
    }
}
