//! The one finder of slips: how a name became another that it should be equal to.

/// How two names that are not equal differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slip {
    /// One letter is missing in one of them.
    Missing,
    /// Two letters that stand beside each other are swapped.
    Swapped,
    /// One or two letters in one place are others.
    Replaced,
}

/// How two names differ in one place only, by one or two letters; `None` if they are equal or differ in more. A different
/// digit or separator is a different name.
pub(crate) fn slip(a: &str, b: &str) -> Option<Slip> {
    const MOST: usize = 2;
    if a.len().abs_diff(b.len()) > MOST {
        return None;
    }
    let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let (mut a, mut b) = (a.as_bytes().get(same..)?, b.as_bytes().get(same..)?);
    while let (Some((x, before)), Some((y, others_before))) = (a.split_last(), b.split_last())
        && x == y
    {
        (a, b) = (before, others_before);
    }
    let letters = |part: &[u8]| part.len() <= MOST && part.iter().all(u8::is_ascii_alphabetic);
    if !letters(a) || !letters(b) {
        return None;
    }
    match (a, b) {
        ([], []) => None,
        ([], [_]) | ([_], []) => Some(Slip::Missing),
        ([x, y], [z, w]) if (x, y) == (w, z) => Some(Slip::Swapped),
        _ => Some(Slip::Replaced),
    }
}

/// A name without its style: letters and digits, in small letters.
pub(crate) fn bare(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// The name that was probably meant by one that is not known: the same in another style, one that is misspelt, or one of
/// which it is a part, as `iss` of `issuer`.
pub(crate) fn meant<'k>(unknown: &str, known: &[&'k str]) -> Option<&'k str> {
    /// Shorter parts are parts of anything.
    const SHORTEST: usize = 3;
    let given = bare(unknown);
    let find = |fits: &dyn Fn(&str) -> bool| known.iter().copied().find(|name| fits(&bare(name)));
    let part = |long: &str, short: &str| {
        short.len() >= SHORTEST && long.len() > short.len() && (long.starts_with(short) || long.ends_with(short))
    };
    find(&|name| name == given)
        .or_else(|| find(&|name| given.len() > SHORTEST && slip(name, &given).is_some()))
        .or_else(|| find(&|name| part(name, &given) || part(&given, name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_is_one_or_two_letters_in_one_place() {
        let cases = [
            ("read:movies", "read:movie", Some(Slip::Missing)),
            ("read:movies", "read:moveis", Some(Slip::Swapped)),
            ("issuer", "isuser", Some(Slip::Swapped)),
            ("issuer", "issoar", Some(Slip::Replaced)),
            ("issuer", "issuer", None),
            ("api-1", "api-2", None),
            ("a:b", "a.b", None),
            ("issuer", "ixsuxr", None),
            ("aab", "ab", Some(Slip::Missing)),
        ];
        for (a, b, expected) in cases {
            assert_eq!((slip(a, b), slip(b, a)), (expected, expected), "{a} {b}");
        }
    }

    #[test]
    fn the_intended_name_may_differ_in_style_or_by_a_typo_or_be_a_part() {
        let known = ["issuer", "audience", "audience_claim", "jwks_uri", "algorithms", "leeway_seconds", "scopes"];
        let cases = [
            ("jwksUri", Some("jwks_uri")),
            ("jwks_url", Some("jwks_uri")),
            ("iss", Some("issuer")),
            ("aud", Some("audience")),
            ("AudienceClaim", Some("audience_claim")),
            ("leeway", Some("leeway_seconds")),
            ("scope", Some("scopes")),
            ("required_scopes", Some("scopes")),
            ("x", None),
            ("colour", None),
        ];
        for (unknown, expected) in cases {
            assert_eq!(meant(unknown, &known), expected, "{unknown}");
        }
    }
}
