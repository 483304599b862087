//! Everything around the program that changes with time: keys that rotate, opaque tokens that are revoked, outages. What is
//! true at a moment is a function of the moment, so that the driver can judge an answer by when it was asked for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;

use super::deck::{ANY, OPAQUE};
use crate::support::api::{claims, public_algorithms};
use crate::support::endpoint::form;
use crate::support::http::{Reply, Request, Server};
use crate::support::{SigningKey, instant, jwks, key, stranger};

/// The number of listed tenants, each with a key set.
pub(super) const TENANTS: usize = 40;
/// A key is published for so long: longer than a fetched one is fresh.
const ROTATION: Duration = Duration::from_millis(1500);
/// Opaque tokens are issued at the start of a cycle, and revoked in its middle.
const CYCLE: Duration = Duration::from_millis(2000);
const REVOKED: Duration = Duration::from_millis(400);
/// The answer that a token is active is kept for so long (`cache_seconds` of the document).
const KEPT: Duration = Duration::from_secs(1);
/// How many tokens a cycle has, and how many are never revoked.
const OF_CYCLE: usize = 10;
const LASTING: usize = 40;
/// One cycle in so many, the first among them, ends with an outage: no answer from before the revocation is kept by then.
const OUTAGE_EVERY: u32 = 8;
const OUTAGE: std::ops::Range<Duration> = Duration::from_millis(1500)..Duration::from_millis(2000);
/// Errors are excused for so long after it: the endpoint is left alone for a second, and a machine may be busy.
const EXCUSED: Duration = Duration::from_secs(10);
/// One question in so many takes longer than others, so that invocations overlap.
const SLOW_EVERY: usize = 16;
const SLOW: Duration = Duration::from_millis(10);

/// The key of a tenant. Neighbours have different ones.
pub(super) fn tenant_key(number: usize) -> SigningKey {
    let key = if number.is_multiple_of(2) { key("ES256") } else { stranger("ES256") };
    key.named(&format!("tenant-{number}"))
}

/// What an invocation asks about that changes with time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Moving {
    /// The key that was just published, or the one before.
    Rotating,
    /// A key of one tenant that was just published.
    OfTenant,
    /// A key that is never published.
    NeverPublished,
    /// An opaque token of a cycle.
    OfCycle(u32, usize),
    /// One that is never revoked.
    Lasting(usize),
    /// One that was never issued.
    NeverIssued,
}

/// The servers of the program's issuers.
pub(super) struct World {
    server: Server,
    clock: Clock,
    asked: Arc<Mutex<BTreeMap<String, usize>>>,
}

#[derive(Clone, Copy)]
pub(super) struct Clock(Instant);

impl Clock {
    pub(super) fn now(self) -> Duration {
        self.0.elapsed()
    }
}

/// The number of the period that a moment is in.
fn period(moment: Duration, of: Duration) -> u32 {
    u32::try_from(moment.as_millis() / of.as_millis()).unwrap()
}

pub(super) fn rotation(moment: Duration) -> u32 {
    period(moment, ROTATION)
}

impl World {
    pub(super) fn start() -> Self {
        let clock = Clock(instant());
        let asked = Arc::<Mutex<BTreeMap<String, usize>>>::default();
        let counted = Arc::clone(&asked);
        let server = Server::start(move |request| {
            let kind = request.target.split('/').nth(1).unwrap_or_default().to_owned();
            let count = {
                let mut counted = counted.lock().unwrap();
                let count = counted.entry(kind).or_default();
                *count += 1;
                *count
            };
            if request.target == "/introspect" && count % SLOW_EVERY == 0 {
                std::thread::sleep(SLOW);
            }
            reply(&request, clock.now())
        });
        Self { server, clock, asked }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.server.authority())
    }

    pub(super) fn clock(&self) -> Clock {
        self.clock
    }

    /// How often each kind of document was asked for.
    pub(super) fn asked(&self) -> BTreeMap<String, usize> {
        self.asked.lock().unwrap().clone()
    }
}

fn reply(request: &Request, now: Duration) -> Reply {
    let rotating = |of: &str| key("ES256").named(&format!("{of}{}", rotation(now)));
    match request.target.strip_prefix('/').unwrap_or_default() {
        "keys" => {
            let keys = public_algorithms().into_iter().map(key).chain([rotating("rotating-")]);
            Reply::json(&jwks(&keys.collect::<Vec<_>>()))
        }
        "any" => {
            let mut jwk = key("ES256").jwk();
            jwk["issuer"] = format!("{ANY}{{tenantid}}/").into();
            Reply::json(&json!({ "keys": [jwk] }))
        }
        "introspect" => introspected(&form(&request.body).remove("token").unwrap_or_default(), now),
        other => match other.strip_prefix("tenants/t").and_then(|number| number.parse().ok()) {
            Some(0) => Reply::json(&jwks(&[tenant_key(0), rotating("tenant-0-")])),
            Some(number) => Reply::json(&jwks(&[tenant_key(number)])),
            None => Reply::status(404),
        },
    }
}

fn introspected(token: &str, now: Duration) -> Reply {
    if outage(now, now) {
        return Reply::status(503);
    }
    let cycle = token.strip_prefix("of-cycle.").and_then(|rest| rest.split('.').next()).and_then(|n| n.parse().ok());
    let is_active = token.starts_with("lasting.") || cycle.is_some_and(|cycle: u32| now < revoked(cycle));
    let mut members = if is_active { claims(OPAQUE, json!({ "exp": null, "iat": null })) } else { json!({}) };
    members["active"] = is_active.into();
    Reply::json(&members)
}

/// When the tokens of a cycle are revoked.
fn revoked(cycle: u32) -> Duration {
    CYCLE * cycle + REVOKED
}

/// Whether there is an outage between two moments.
fn outage(from: Duration, to: Duration) -> bool {
    let first = period(from, CYCLE) / OUTAGE_EVERY * OUTAGE_EVERY;
    (0..=period(to, CYCLE) - first)
        .map(|later| first + later)
        .filter(|cycle| cycle % OUTAGE_EVERY == 0)
        .any(|cycle| CYCLE * cycle + OUTAGE.start <= to && from < CYCLE * cycle + OUTAGE.end)
}

impl Moving {
    /// What the nth such invocation is about at this moment.
    pub(super) fn nth(number: usize, now: Duration) -> Self {
        let turn = number / 8;
        match number % 8 {
            0 | 1 => Self::Rotating,
            2 => Self::OfTenant,
            3 => Self::NeverPublished,
            4 | 5 => Self::OfCycle(period(now, CYCLE), number / 4 % OF_CYCLE),
            6 => Self::Lasting(turn % LASTING),
            _ => Self::NeverIssued,
        }
    }

    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Rotating | Self::NeverPublished => "rotations and unknown keys",
            Self::OfTenant => "rotations of one tenant",
            Self::OfCycle(..) | Self::Lasting(_) | Self::NeverIssued => "opaque tokens",
        }
    }

    /// Its token.
    pub(super) fn token(self, number: usize, now: Duration) -> String {
        let signed = |kid: &str, issuer: &str| key("ES256").named(kid).token(&claims(issuer, json!({})));
        let keys = crate::support::api::KEYS;
        match self {
            Self::Rotating => {
                let older = u32::try_from(number % 8).unwrap();
                signed(&format!("rotating-{}", rotation(now).saturating_sub(older)), keys)
            }
            Self::OfTenant => signed(&format!("tenant-0-{}", rotation(now)), &format!("{}t0/", super::deck::LISTED)),
            Self::NeverPublished => signed(&format!("never-{number}"), keys),
            Self::OfCycle(cycle, token) => format!("of-cycle.{cycle}.{token}.x"),
            Self::Lasting(token) => format!("lasting.{token}"),
            Self::NeverIssued => format!("never-issued-{number}"),
        }
    }

    /// Whether an answer is right for an invocation between these moments.
    pub(super) fn takes(self, outcome: Outcome, (from, to): (Duration, Duration)) -> bool {
        match (self, outcome) {
            // On a busy machine a fetch may take longer than a token may wait for it.
            (Self::Rotating | Self::OfTenant, Outcome::Allowed | Outcome::UnknownKey | Outcome::KeysUnavailable)
            | (Self::NeverPublished, Outcome::UnknownKey | Outcome::KeysUnavailable)
            | (Self::Lasting(_), Outcome::Allowed)
            | (Self::NeverIssued, Outcome::Inactive) => true,
            // It was asked about before it was revoked, at most so long ago as answers are kept.
            (Self::OfCycle(cycle, _), Outcome::Allowed) => from < revoked(cycle) + KEPT,
            (Self::OfCycle(cycle, _), Outcome::Inactive) => to >= revoked(cycle),
            (Self::OfCycle(..) | Self::Lasting(_) | Self::NeverIssued, Outcome::Unavailable) => {
                outage(from.saturating_sub(EXCUSED), to)
            }
            _ => false,
        }
    }
}

/// What was answered about something that changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Outcome {
    Allowed,
    UnknownKey,
    Inactive,
    Unavailable,
    KeysUnavailable,
}

#[test]
fn an_outage_is_at_the_end_of_one_cycle_in_eight() {
    let between = |from: u64, to: u64| outage(Duration::from_millis(from), Duration::from_millis(to));
    assert!(between(1_500, 1_500) && between(1_999, 1_999) && between(17_500, 17_500));
    assert!(!between(0, 1_499) && !between(2_000, 17_499) && !between(18_000, 33_499));
    assert!(between(1_999, 2_500) && between(17_000, 17_500) && between(2_000, 90_000));
}

#[test]
fn a_revoked_token_passes_for_as_long_as_answers_are_kept() {
    let at = |from: u64, to: u64| (Duration::from_millis(from), Duration::from_millis(to));
    let token = Moving::OfCycle(1, 0);
    assert!(token.takes(Outcome::Allowed, at(3_399, 9_000)) && !token.takes(Outcome::Allowed, at(3_400, 3_500)));
    assert!(token.takes(Outcome::Inactive, at(2_000, 2_400)) && !token.takes(Outcome::Inactive, at(2_000, 2_399)));
    let lasting = Moving::Lasting(0);
    assert!(!lasting.takes(Outcome::Inactive, at(0, 90_000)) && !lasting.takes(Outcome::UnknownKey, at(0, 90_000)));
    assert!(lasting.takes(Outcome::Unavailable, at(11_999, 12_000)));
    assert!(!lasting.takes(Outcome::Unavailable, at(12_000, 17_000)));
}
