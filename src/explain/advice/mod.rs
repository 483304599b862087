//! What to do about a refusal that no hint is for: the values that differ, and where each can be changed.

mod claims;
mod routes;

pub(super) use claims::check;
pub(super) use routes::route;

use super::segments;
use super::words::{or_absent, printable};
use crate::algorithm::Algorithm;
use crate::bearer::BearerToken;
use crate::error::Error;
use crate::introspection::{Failure, NotActive};
use crate::keys::KeySource;
use crate::token::{Issuer as Named, Unverified};

pub(super) const CLOCK: &str =
    "Set this machine's clock: it shows a time before this program was built. Or give the time with --at.";
pub(super) const EVENT: &str = "Send the event of an authorizer, one JSON object: `type`, `authorizationToken` and `methodArn` for a TOKEN authorizer.";
pub(super) const NO_TOKEN: &str = "Send `Authorization: Bearer <token>`, in the header that the authorizer's token source names. Here --token gives it.";
pub(super) const NO_CREDENTIALS: &str =
    "Send `Bearer`, a space, and the token as its issuer wrote it: letters, digits, `-`, `_` and two dots.";
pub(super) const NO_POLICY: &str = "Send long values in the query or the body: no policy can name this request. A Resource may have 512 characters, and an \
     answer 8 KiB; `authz check` warns of routes that are left out.";

/// A token that cannot be read.
pub(super) fn header(token: BearerToken<'_>, error: Error) -> String {
    let header = segments::header(token.as_str()).unwrap_or_default();
    if error == Error::UnsupportedAlgorithm {
        let supported: Vec<&str> = Algorithm::WITH_KEYS.iter().map(|alg| alg.name()).collect();
        let alg = or_absent(header.get("alg"));
        let supported = supported.join(", ");
        return format!(
            "Have the issuer sign with one of {supported}, or a secret with HS256, HS384 or HS512: this token's `alg` is {alg}."
        );
    }
    if let Some(name) = ["crit", "b64", "enc", "zip", "cty"].iter().find(|name| header.contains_key(**name)) {
        return format!(
            "Have the issuer leave `{name}` out of the token's header: it changes how the rest is read, and no such token is taken."
        );
    }
    let broken = segments::facts(token.as_str()).into_iter().find(|(_, fact)| fact.starts_with("BAD"));
    match broken {
        Some((name, _)) => format!(
            "Send the token as its issuer wrote it: it was changed, cut off or copied wrongly, in its {name}. Look at what stores it and passes it on."
        ),
        None => "Have the issuer write a shorter header, with a `kid` of at most 256 bytes, and `kid`, `typ` and `cty` as texts."
            .to_owned(),
    }
}

/// An `iss` or `alg` that no entry is for.
pub(super) fn issuer(token: &Unverified<'_>, error: Error) -> String {
    match (error, token.iss()) {
        (Error::UnsupportedAlgorithm, _) => {
            format!("Add {} to the issuer's `algorithms`, if it may sign with it.", token.alg().name())
        }
        (_, Named::Named(name)) => format!(
            "Send a token of a configured issuer: the `iss` of this one is \"{}\". If its tokens should pass, add an entry with this \
             `issuer` to `issuers`.",
            printable(name)
        ),
        _ => "Have the issuer write its address into `iss`, as a text.".to_owned(),
    }
}

/// A key that is not there. `there` are the keys that are.
pub(super) fn unknown_key(keys: &KeySource, entry: &str, kid: &str, there: &str) -> String {
    match keys {
        KeySource::Fixed(_) => format!(
            "Renew the key set of `{entry}`, if its issuer has a new key: the token's `kid` is {kid}, and the set has {there}. Else the token is of \
             another environment of this issuer."
        ),
        _ => format!(
            "Fetch a new token: the `kid` of this one is {kid}, and the issuer's set has {there}. If new tokens name it, too, they are of another \
             environment of this issuer, or `{entry}.jwks_uri` is not the address of its keys."
        ),
    }
}

/// Keys that cannot be had.
pub(super) fn no_keys(keys: &KeySource, entry: &str, failure: &str) -> String {
    match keys {
        KeySource::Secrets(_) => format!(
            "Explain with the secret in an environment variable: the one of `{entry}` is read through a Lambda extension, which is not here."
        ),
        _ => format!("{} `authz check --fetch` tries the keys of `{entry}` again.", fetch(failure)),
    }
}

/// A fetch of keys that failed, by the outcome in the log.
pub(super) fn fetch(failure: &str) -> &'static str {
    match failure {
        "timeout" | "connection_failed" => {
            "See that the address can be reached. In Lambda, a function in a VPC needs a NAT gateway for it."
        }
        "certificate_not_trusted" => {
            "Set `tls.ca_file` to the authority of the server's certificate, if it is one of your own: it is not among those that are trusted."
        }
        "certificate_name_mismatch" => {
            "Correct the host name of the address: the server's certificate is for another name."
        }
        "certificate_expired" => "Have the server's certificate renewed: it has expired.",
        "certificate_not_yet_valid" => "Have the server's certificate replaced: it is not valid yet.",
        "tls_failed" => "Correct the port of the address, or the server: it does not speak TLS 1.2 or 1.3 there.",
        "not_a_key_set" => "Set `jwks_uri` to the address of a JWK Set: this one has something else.",
        "no_usable_key" => "Compare `algorithms` with the keys of the set: none of them can be used.",
        "not_a_discovery_document" => {
            "Set `jwks_uri`, or correct `issuer`: what lies below it is not a discovery document."
        }
        "discovery_document_of_another_issuer" => {
            "Copy `issuer` from the member `issuer` of the discovery document, byte for byte: they differ."
        }
        "discovered_address_not_allowed" => {
            "Set `jwks_uri` to an address that may be fetched from: the discovery document names one that is not `https`, or is within this \
             machine or its network."
        }
        "status_404" => "Correct the address, which has nothing: an issuer without discovery needs `jwks_uri`.",
        "status_301" | "status_302" | "status_303" | "status_307" | "status_308" => {
            "Set the address that this one redirects to: redirects are not followed."
        }
        _ => "See what the address answers: it should be status 200, and at most 512 KiB.",
    }
}

/// An opaque token that is not known to be active.
pub(super) fn not_active(not_active: NotActive, entry: &str) -> String {
    let failure = match not_active {
        NotActive::Inactive => {
            return format!(
                "Have the client fetch a new token: the endpoint of `{entry}` says that this one is not active. It has ended, was revoked, is of \
                 another server, or this client may not ask about it."
            );
        }
        NotActive::Unavailable(failure) => failure,
    };
    match failure {
        Failure::Secret => format!(
            "Explain with the client's secret in an environment variable: the one of `{entry}` is read through a Lambda extension, which is not here."
        ),
        failure => match failure.advice() {
            Some(advice) => format!("In `{entry}.introspection`: {advice}."),
            None => fetch(&failure.to_string()).to_owned(),
        },
    }
}

/// A signature that no key has made.
pub(super) fn signature(keys: &KeySource, entry: &str) -> String {
    match keys {
        KeySource::Secrets(_) => format!(
            "Compare the secret of `{entry}` with the issuer's: it has not signed this token, also not read as base64, as hexadecimal digits or \
             without quotes and white space. Or the token was changed on its way."
        ),
        _ => format!(
            "Send a new token, as its issuer wrote it. If that is refused, too, the keys of `{entry}` are not those of its issuer: the one that \
             the token names has not signed it."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_fetch_says_what_to_do_about_its_outcome() {
        let cases = [
            ("timeout", "See that the address can be reached"),
            ("certificate_not_trusted", "Set `tls.ca_file`"),
            ("certificate_name_mismatch", "Correct the host name"),
            ("certificate_expired", "Have the server's certificate renewed"),
            ("certificate_not_yet_valid", "Have the server's certificate replaced"),
            ("tls_failed", "Correct the port"),
            ("status_301", "Set the address that this one redirects to"),
            ("status_404", "Correct the address"),
            ("status_503", "See what the address answers"),
            ("not_a_key_set", "Set `jwks_uri` to the address of a JWK Set"),
            ("discovery_document_of_another_issuer", "Copy `issuer`"),
        ];
        for (outcome, begins) in cases {
            assert!(fetch(outcome).starts_with(begins), "{outcome}: {}", fetch(outcome));
        }
    }
}
