//! A decision as far as one of its stages, for the benches. It is for them alone and may change in any release.

use crate::Authorizer;
use crate::bearer::BearerToken;
use crate::claims::Verified;
use crate::event::Request;
use crate::time::Deadline;
use crate::token::Unverified;

/// Where to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The event was read.
    Event,
    /// The token was split, decoded and parsed, and its issuer found.
    Token,
    /// Its signature was verified.
    Signature,
    /// Its claims were checked.
    Claims,
    /// Its route was found, and whether it may use it.
    Route,
}

/// All of them, in their order.
pub const STAGES: [Stage; 5] = [Stage::Event, Stage::Token, Stage::Signature, Stage::Claims, Stage::Route];

/// Goes so far; `None` if a stage before that refuses.
pub async fn reach(authorizer: &Authorizer, event: &[u8], stage: Stage) -> Option<()> {
    let request = Request::parse(event).ok()?;
    if stage == Stage::Event {
        return Some(());
    }
    let token = BearerToken::parse(request.authorization.as_deref()).ok()?;
    let token = Unverified::parse(token).ok()?;
    let issuer = authorizer.issuer(&token).ok()?;
    if stage == Stage::Token {
        return Some(());
    }
    let deadline = Deadline::of(None, authorizer.clock.now());
    let signed = issuer.keys.verify(token, deadline, &mut None).await.ok()?;
    if stage == Stage::Signature {
        return Some(());
    }
    let now = authorizer.clock.now().date();
    let token = Verified::new(signed, &issuer.claims, &authorizer.settings.forwarding, now).ok()?;
    if stage == Stage::Route {
        authorizer.routes.decide(&request.arn, &token).permit.ok()?;
    }
    Some(())
}
