//! A field that the format does not have, and which one was meant; a file that is not there.

use std::io;

use crate::similarity::meant;

/// Fields of other standards and tools, and what each is called here.
const ELSEWHERE: [(&str, &str); 14] = [
    ("iss", "issuer"),
    ("aud", "audience"),
    ("clientid", "audience"),
    ("alg", "algorithms"),
    ("jwksurl", "jwks_uri"),
    ("jwkurl", "jwks_uri"),
    ("clocktolerance", "leeway_seconds"),
    ("clockskew", "leeway_seconds"),
    ("maxage", "max_token_age_seconds"),
    ("verb", "method"),
    ("resource", "path"),
    ("permissions", "scopes"),
    ("roles", "scopes"),
    ("default", "undeclared_routes"),
];

/// What is said of an unknown field; it names only fields of the format.
pub(super) fn field(name: &str, known: &[&str]) -> String {
    let bare = crate::similarity::bare(name);
    let elsewhere = ELSEWHERE.iter().find(|(other, here)| *other == bare && known.contains(here));
    match elsewhere.map(|(_, here)| *here).or_else(|| meant(name, known)) {
        Some(meant) => format!("unknown field; did you mean `{meant}`?"),
        None => {
            let names: Vec<String> =
                known.iter().filter(|name| **name != "$schema").map(|name| format!("`{name}`")).collect();
            format!("unknown field; the fields here are {}", names.join(", "))
        }
    }
}

/// Why a file that the document names cannot be read.
pub(super) fn unreadable(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file; a relative path begins at the folder of the configuration",
        io::ErrorKind::PermissionDenied => "the file may not be read (permission denied)",
        io::ErrorKind::IsADirectory => "this is a folder, and a file is expected",
        _ => "the file cannot be read",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_field_names_the_one_that_was_meant_or_all_there_are() {
        let issuer = ["issuer", "audience", "jwks_uri", "leeway_seconds"];
        let cases = [
            ("iss", "unknown field; did you mean `issuer`?"),
            ("audiences", "unknown field; did you mean `audience`?"),
            ("jwksUri", "unknown field; did you mean `jwks_uri`?"),
            ("clockTolerance", "unknown field; did you mean `leeway_seconds`?"),
            ("x", "unknown field; the fields here are `issuer`, `audience`, `jwks_uri`, `leeway_seconds`"),
        ];
        for (name, expected) in cases {
            assert_eq!(field(name, &issuer), expected);
        }
        assert_eq!(field("verb", &["method", "path"]), "unknown field; did you mean `method`?");
    }
}
