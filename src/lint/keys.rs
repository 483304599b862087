//! Where an issuer's keys come from.

use super::{Warnings, texts};
use crate::issuer::Issuer;
use crate::keys::Address;

pub(super) fn lint(path: &str, issuer: &Issuer, warnings: &mut Warnings) {
    // The addresses of tenants' sets differ by the tenant alone.
    let Some(keys) = issuer.keys.remotes().first() else { return };
    let Address::Fixed(url) = keys.address() else { return };
    let (path, url) = (format!("{path}.jwks_uri"), url.as_str());
    texts::lint(&path, "the address", url, warnings);
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    if rest.contains("/.well-known/openid-configuration") || rest.contains("/.well-known/oauth-authorization-server") {
        warnings.add(
            &path,
            "this is a discovery document and no key set; leave `jwks_uri` out, or take the one that it names",
        );
    } else if rest.contains("/metadata/x509") || rest.ends_with("/oauth2/v1/certs") || rest.ends_with(".pem") {
        warnings.add(
            &path,
            "this serves certificates and no key set; Google's and Firebase's key sets are at /oauth2/v3/certs and /service_accounts/v1/jwk/...",
        );
    } else if ["/authorize", "/token", "/userinfo"].iter().any(|end| rest.ends_with(end)) {
        warnings.add(&path, "this is another endpoint of the issuer and no key set");
    }
    if rest.contains("//") {
        warnings.add(&path, "the address has two slashes in a row; the variable in it is empty, or ends in a slash");
    }
}
