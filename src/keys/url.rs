//! Where keys may be fetched from.

use std::fmt;
use std::net::IpAddr;

use reqwest::Url;

/// An address that keys may be fetched from: `https`, or `http` on a loopback host, and no user information.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct KeyUrl(pub(super) Url);

impl KeyUrl {
    /// Reads an address; `None` if keys may not be fetched from it, or if it is not written as it would be used: what the
    /// URL Standard repairs (`https:host`, `https:///host`, `https:\\host`, spaces) is a slip that may name another host.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (_, rest) = text.split_once("://")?;
        if rest.starts_with('/') || text.contains(|c: char| c == '\\' || c.is_whitespace() || c.is_control()) {
            return None;
        }
        let url = Self(Url::parse(text).ok()?);
        let host = url.0.host_str()?;
        if host.parse::<IpAddr>().is_ok() && !rest.starts_with(host) {
            return None;
        }
        let scheme = match url.0.scheme() {
            "https" => true,
            "http" => url.is_loopback(),
            _ => false,
        };
        let bare = url.0.username().is_empty() && url.0.password().is_none() && url.0.host().is_some();
        (scheme && bare).then_some(url)
    }

    /// As a user may see it who has it in the configuration.
    #[cfg(feature = "authz")]
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// An address on this machine.
    pub(crate) fn local(port: u16, path: &str, query: &[(&str, &str)]) -> Option<Self> {
        let mut url = Url::parse("http://localhost/").ok()?;
        url.set_port(Some(port)).ok()?;
        url.set_path(path);
        url.query_pairs_mut().extend_pairs(query);
        Some(Self(url))
    }

    /// The address of an issuer's discovery document (OpenID Connect Discovery 1.0 section 4.1), with one slash between.
    pub(crate) fn discovery(issuer: &str) -> Option<Self> {
        let plain = !issuer.contains(['?', '#']);
        let base = issuer.strip_suffix('/').unwrap_or(issuer);
        plain.then(|| Self::parse(&format!("{base}/.well-known/openid-configuration"))).flatten()
    }

    /// An address that a discovery document names. One from elsewhere may not point into this machine or its link, where the
    /// platform keeps credentials.
    pub(crate) fn discovered(text: &str, by: &Self) -> Option<Self> {
        let url = Self::parse(text)?;
        let link_local = match url.0.host_str().and_then(address) {
            Some(IpAddr::V4(v4)) => v4.is_link_local(),
            Some(IpAddr::V6(v6)) => {
                v6.is_unicast_link_local() || v6.to_ipv4_mapped().is_some_and(|v4| v4.is_link_local())
            }
            None => false,
        };
        (by.is_loopback() || !url.is_loopback() && !link_local).then_some(url)
    }

    /// Whether it is this very machine, which the unspecified address reaches too.
    pub(crate) fn is_loopback(&self) -> bool {
        match self.0.host_str() {
            Some(host) if host == "localhost" || host.ends_with(".localhost") => true,
            Some(host) => address(host).is_some_and(|address| match address {
                IpAddr::V4(v4) => v4.is_loopback() || v4.is_unspecified(),
                IpAddr::V6(v6) => {
                    let mapped = v6.to_ipv4_mapped().is_some_and(|v4| v4.is_loopback() || v4.is_unspecified());
                    v6.is_loopback() || v6.is_unspecified() || mapped
                }
            }),
            None => false,
        }
    }
}

/// The IP address that a host is written as, IPv6 in brackets.
fn address(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// An address may hold what its owner wants to keep, so it is not printed.
impl fmt::Debug for KeyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyUrl(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_from_https_or_loopback_alone() {
        for good in [
            "https://a.example/keys",
            "https://127.0.0.1/k",
            "http://127.0.0.1:1/k",
            "http://localhost/k",
            "http://[::1]:80/k",
        ] {
            assert!(KeyUrl::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "keys",
            "/keys",
            "http://a.example/keys",
            "ftp://a.example/keys",
            "file:///etc/keys",
            "https://u@a.example/",
            "https://u:p@a.example/",
            "http://localhost.example/k",
            "http://127.0.0.1.example/k",
            "http://10.0.0.1/k",
            "https:a.example/k",
            "https:///a.example/k",
            "https:\\\\a.example/k",
            "https://a.example\\k",
            " https://a.example/k",
            "https://a.example/k\n",
            "https://a.exa\nmple/k",
            "http://2130706433/k",
            "http://127.1/k",
        ] {
            assert!(KeyUrl::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_discovery_document_lies_below_its_issuer_with_one_slash_between() {
        let url = |issuer| KeyUrl::discovery(issuer).map(|url| url.0.to_string());
        for issuer in ["https://a.example/tenant", "https://a.example/tenant/"] {
            let expected = "https://a.example/tenant/.well-known/openid-configuration";
            assert_eq!(url(issuer).as_deref(), Some(expected));
        }
        for issuer in
            ["a.example", "http://a.example", "https://a.example/?x", "https://a.example/#x", "https://u@a.example"]
        {
            assert_eq!(url(issuer), None, "{issuer}");
        }
    }

    #[test]
    fn a_discovery_document_from_elsewhere_does_not_point_into_this_machine_or_its_link() {
        let by = |issuer, address| KeyUrl::discovered(address, &KeyUrl::discovery(issuer).unwrap()).is_some();
        for good in ["https://a.example/keys", "https://elsewhere.example/keys", "https://10.0.0.1/keys"] {
            assert!(by("https://a.example/", good), "{good}");
        }
        for bad in [
            "http://a.example/keys",
            "https://u:p@a.example/keys",
            "https://localhost/keys",
            "https://x.localhost/keys",
            "https://127.0.0.1/keys",
            "https://127.1/keys",
            "https://[::1]/keys",
            "https://[::ffff:127.0.0.1]/keys",
            "https://169.254.169.254/latest/meta-data",
            "https://[fe80::1]/keys",
            "https://0.0.0.0/keys",
            "https://[::]/keys",
            "https://[::ffff:169.254.169.254]/keys",
            "file:///etc/passwd",
        ] {
            assert!(!by("https://a.example/", bad), "{bad}");
        }
        assert!(by("http://127.0.0.1:1234/", "http://127.0.0.1:1234/keys"));
    }
}
