//! An `iss` with a tenant in it, as providers have it that serve many organizations.

/// Where the tenant stands in the `issuer` and the `jwks_uri` of an entry.
pub(crate) const PLACEHOLDER: &str = "{tenant}";
/// The claim that the matched tenant becomes. A token cannot bring it: a claim with this name is removed.
pub(crate) const TENANT_CLAIM: &str = PLACEHOLDER;

/// The longest tenant in bytes. GUIDs have 36, host labels at most 63.
const MAX_TENANT_BYTES: usize = 128;

/// The `issuer` of an entry that holds `{tenant}`, which stands for one label of the host or one segment of the path.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct TenantPattern {
    text: String,
    before: usize,
    place: Place,
}

/// Where in an address the tenant stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    HostLabel,
    PathSegment,
}

/// The tenants that an entry accepts.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Tenants {
    /// These.
    Listed(Vec<String>),
    /// All for whose `iss` the provider has a key.
    Any,
}

impl TenantPattern {
    /// Reads an address with `{tenant}` in it, once; `None` for anything else, also if the tenant would be a part of a label or a
    /// segment, the port, the user name or the query.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (before, after) = text.split_once(PLACEHOLDER)?;
        let (scheme, rest) = before.split_once("://")?;
        let plain = |part: &str| !part.contains(['{', '}', '?', '#', '@', '\\']) && !part.contains(char::is_whitespace);
        if !matches!(scheme, "https" | "http") || !plain(rest) || !plain(after) {
            return None;
        }
        let place = match rest.contains('/') {
            true if rest.ends_with('/') && (after.is_empty() || after.starts_with('/')) => Place::PathSegment,
            false
                if (rest.is_empty() || rest.ends_with('.'))
                    && (after.is_empty() || after.starts_with(['.', ':', '/'])) =>
            {
                Place::HostLabel
            }
            _ => return None,
        };
        Some(Self { text: text.to_owned(), before: before.len(), place })
    }

    /// As the configuration has it.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    fn before(&self) -> &str {
        self.text.get(..self.before).unwrap_or_default()
    }

    fn after(&self) -> &str {
        self.text.get(self.before..).and_then(|rest| rest.strip_prefix(PLACEHOLDER)).unwrap_or_default()
    }

    /// Whether a tenant may be called this.
    pub(crate) fn takes(&self, tenant: &str) -> bool {
        let letter = |byte: u8| match self.place {
            Place::HostLabel => byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_'),
            Place::PathSegment => byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'),
        };
        (1..=MAX_TENANT_BYTES).contains(&tenant.len()) && tenant.bytes().all(letter) && !matches!(tenant, "." | "..")
    }

    /// What the names of tenants are made of, for messages.
    pub(crate) fn expected(&self) -> &'static str {
        match self.place {
            Place::HostLabel => {
                "expected the name of a tenant in a host: 1 to 128 small letters, digits, `-` and `_`, without a dot"
            }
            Place::PathSegment => {
                "expected the name of a tenant: 1 to 128 letters, digits and `. _ -`, not `.` or `..`"
            }
        }
    }

    /// The tenant in an `iss`, compared byte for byte; `None` if the `iss` is another's.
    pub(crate) fn tenant_of<'t>(&self, iss: &'t str) -> Option<&'t str> {
        let tenant = iss.strip_prefix(self.before())?.strip_suffix(self.after())?;
        self.takes(tenant).then_some(tenant)
    }

    /// The `iss` of a tenant.
    pub(crate) fn of(&self, tenant: &str) -> String {
        [self.before(), tenant, self.after()].concat()
    }

    /// The `iss` that an address in nearly the same form may have been meant for: its own tenant, and the rest as here.
    pub(crate) fn with_tenant_of(&self, iss: &str) -> Option<String> {
        let place = parts(&self.text).iter().position(|part| *part == PLACEHOLDER)?;
        let tenant = *parts(iss).get(place)?;
        self.takes(tenant).then(|| self.of(tenant))
    }

    /// Whether some `iss` is one of a tenant of both patterns, whoever the tenants are.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        let (mine, theirs) = (parts(&self.text), parts(&other.text));
        let fits = |(mine, theirs): (&&str, &&str)| match (*mine == PLACEHOLDER, *theirs == PLACEHOLDER) {
            (true, true) => true,
            (true, false) => self.takes(theirs),
            (false, true) => other.takes(mine),
            (false, false) => mine == theirs,
        };
        mine.len() == theirs.len() && mine.iter().zip(&theirs).all(fits)
    }
}

/// Labels of the host, segments of the path, and the marks between them. No tenant holds a mark.
fn parts(text: &str) -> Vec<&str> {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let (host, path) = rest.split_at_checked(rest.find('/').unwrap_or(rest.len())).unwrap_or((rest, ""));
    let host = host.split_inclusive(['.', ':']).flat_map(|part| cut(part, &['.', ':']));
    let path = path.split_inclusive('/').flat_map(|part| cut(part, &['/']));
    std::iter::once(scheme).chain(host).chain(path).collect()
}

/// A part, and the mark at its end.
fn cut<'a>(part: &'a str, marks: &[char]) -> impl Iterator<Item = &'a str> {
    let bare = part.trim_end_matches(marks);
    [bare, part.strip_prefix(bare).unwrap_or_default()].into_iter().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> TenantPattern {
        TenantPattern::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn a_tenant_is_one_whole_label_of_the_host_or_one_whole_segment_of_the_path() {
        for good in [
            "https://login.example/{tenant}/v2.0",
            "https://login.example/{tenant}",
            "https://login.example/realms/{tenant}/",
            "https://{tenant}.eu.example/",
            "https://{tenant}",
            "https://a.{tenant}.example",
            "https://{tenant}:8443/a",
            "http://127.0.0.1:1/{tenant}",
        ] {
            assert_eq!(pattern(good).of("x1"), good.replace("{tenant}", "x1"));
        }
        for bad in [
            "{tenant}",
            "https:/{tenant}",
            "https://login.example/",
            "https://login.example/a{tenant}/",
            "https://login.example/{tenant}a/",
            "https://login.example/{tenant}/{tenant}",
            "https://login.example/{other}/{tenant}",
            "https://a{tenant}.example/",
            "https://{tenant}a.example/",
            "https://a.example:{tenant}/",
            "https://{tenant}@a.example/",
            "https://a@{tenant}.example/",
            "https://a.example/?t={tenant}",
            "https://a.example/?/{tenant}",
            "https://a.example/#/{tenant}",
            "https://a.example\\/{tenant}",
            "ftp://a.example/{tenant}",
            "urn:a:{tenant}",
        ] {
            assert!(TenantPattern::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn an_iss_is_a_tenants_byte_for_byte() {
        let path = pattern("https://login.example/{tenant}/v2.0");
        let long = "a".repeat(MAX_TENANT_BYTES);
        for tenant in ["a", "A", "0", "9188040d-6c67-4c5b-b112-36a304b66dad", "a.b", "...", "_", long.as_str()] {
            assert_eq!(path.tenant_of(&path.of(tenant)), Some(tenant));
        }
        let too_long = "a".repeat(MAX_TENANT_BYTES + 1);
        for tenant in ["", ".", "..", "a/b", "a%2fb", "a b", "a\n", "\u{e4}", "a:b", "{tenant}", "*", too_long.as_str()]
        {
            assert_eq!(path.tenant_of(&path.of(tenant)), None, "{tenant}");
        }
        for iss in ["", "https://login.example/a/v2.0/", "https://login.example/a/V2.0", "HTTPS://login.example/a/v2.0"]
        {
            assert_eq!(path.tenant_of(iss), None, "{iss}");
        }
        // Before and after may not share what is between them.
        assert_eq!(pattern("https://a/b/{tenant}/b/").tenant_of("https://a/b/"), None);

        let host = pattern("https://{tenant}.eu.example/");
        assert_eq!(host.tenant_of("https://a-1.eu.example/"), Some("a-1"));
        for tenant in ["A", "a.b", "", "a/", "evil.example/a", "a:1", "a@b"] {
            assert_eq!(host.tenant_of(&host.of(tenant)), None, "{tenant}");
        }
    }

    #[test]
    fn patterns_overlap_if_one_iss_can_be_of_both() {
        for (one, other, expected) in [
            ("https://a/{tenant}/v2.0", "https://a/{tenant}/v2.0", true),
            ("https://a/{tenant}/v2.0", "https://a/{tenant}/v1.0", false),
            ("https://a/{tenant}/v2.0", "https://b/{tenant}/v2.0", false),
            ("https://a/{tenant}/b", "https://a/c/{tenant}", true),
            ("https://a/{tenant}/b", "https://a/c/d/{tenant}", false),
            ("https://a/{tenant}/b/", "https://a/c/{tenant}", false),
            ("https://{tenant}.a/", "https://b.{tenant}/", true),
            ("https://{tenant}.a/", "https://B.{tenant}/", false),
            ("https://{tenant}.a/b", "https://c.a/{tenant}", true),
            ("https://{tenant}.a/b", "https://c.d/{tenant}", false),
            ("https://{tenant}.a/", "https://{tenant}/", false),
            ("https://{tenant}:1/", "https://{tenant}.1/", false),
            ("http://{tenant}/a", "https://{tenant}/a", false),
        ] {
            assert_eq!(pattern(one).overlaps(&pattern(other)), expected, "{one} {other}");
            assert_eq!(pattern(other).overlaps(&pattern(one)), expected, "{other} {one}");
        }
    }
}
