//! Entries of `issuers`.

use super::{Warnings, claims, keys, operators, providers, texts};
use crate::claims::{Accepted, ClaimName};
use crate::hint::is_document;
use crate::issuer::Issuer;

pub(super) fn lint(path: &str, issuer: &Issuer, warnings: &mut Warnings) {
    if let Some(name) = issuer.name.as_configured() {
        address(&format!("{path}.issuer"), name, warnings);
        providers::lint(path, name, issuer, warnings);
    }
    let rules = &issuer.claims;
    let audiences = rules.audience.iter().flatten();
    for (index, audience) in audiences.clone().enumerate() {
        let path = match audiences.clone().count() {
            1 => format!("{path}.audience"),
            _ => format!("{path}.audience[{index}]"),
        };
        texts::lint(&path, "the audience", audience, warnings);
        texts::quotes(&path, "the audience", audience, warnings);
        if texts::is_template(audience) {
            warnings.add(&path, "the audience has braces; write `${NAME}` for an environment variable");
        }
        if audience.contains(',') {
            warnings.add(&path, "the audience has a comma; write several audiences as a list");
        }
        if audience.ends_with("/userinfo") {
            warnings.add(&path, "this is the audience of the issuer's own user info endpoint; name your API's");
        }
    }
    keys::lint(path, issuer, warnings);
    for name in &rules.audience_claim {
        claims::name(&format!("{path}.audience_claim"), name, warnings);
    }
    for name in &rules.scope_claims {
        claims::name(&format!("{path}.scope_claims"), name, warnings);
    }
    for (name, accepted) in &rules.required {
        let path = format!("{path}.required_claims");
        claims::name(&path, name, warnings);
        for value in accepted {
            if let Accepted::Value(serde_json::Value::String(text)) = value {
                texts::lint(&path, "a value", text, warnings);
            }
        }
        operators::lint(&path, accepted.iter(), warnings);
        if matches!(name, ClaimName::Member(name) if ["exp", "nbf", "iat"].contains(&name.as_str())) {
            warnings.add(&path, "dates are checked without being required; remove them here");
        }
    }
    if rules.typ.iter().flatten().any(|typ| typ.eq_ignore_ascii_case("Bearer")) {
        warnings.add(
            &format!("{path}.typ"),
            "`typ` is the header, which is never `Bearer`; Keycloak's claim `typ` belongs into `required_claims`",
        );
    }
}

/// The `iss` of an entry.
fn address(path: &str, name: &str, warnings: &mut Warnings) {
    texts::lint(path, "the issuer", name, warnings);
    texts::quotes(path, "the issuer", name, warnings);
    let braces = name.replace("{tenantid}", "").replace("{tenant}", "");
    if texts::is_template(&braces) {
        warnings.add(path, "the issuer has braces; write `${NAME}` for an environment variable");
    }
    if name.matches("://").count() > 1 {
        warnings.add(path, "the issuer has a scheme twice; the variable in it should hold a host name, not an address");
        return;
    }
    let (_, rest) = name.split_once("://").unwrap_or(("", name));
    if rest.starts_with('/') || rest.is_empty() {
        warnings.add(path, "the issuer has no host; the variable in it is empty");
    } else if rest.contains("//") {
        warnings.add(path, "the issuer has two slashes in a row; the variable in it is empty, or ends in a slash");
    }
    let path_of = rest.split_once('/').map_or("", |(_, path)| path);
    if is_document(path_of) {
        warnings.add(
            path,
            "the issuer is the address of a document; remove `/.well-known/...` or what names the key set, and copy `iss` from a token",
        );
    }
    let bare = !name.contains("://") && name.contains('.') && name != "accounts.google.com" && !name.contains('@');
    if bare {
        warnings.add(path, "the issuer is a host name without `https://`; copy `iss` from a token");
    }
}
