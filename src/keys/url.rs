//! Where keys may be fetched from.

use std::net::IpAddr;

use url::{Host, Url};

use super::inward::is_inward;

/// An address that keys may be fetched from: `https`, or `http` on a loopback host, and no user information. It may hold what
/// its owner wants to keep, so it has no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct KeyUrl {
    pub(super) url: Url,
    /// A discovery document from elsewhere names it, which may not point inward; not the configuration, nor one on this machine.
    pub(super) is_from_elsewhere: bool,
}

impl KeyUrl {
    /// Reads an address; `None` if keys may not be fetched from it, or if it is not written as it would be used: what the
    /// URL Standard repairs (`https:host`, `https:///host`, `https:\\host`, spaces) is a slip that may name another host.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (_, rest) = text.split_once("://")?;
        if rest.starts_with('/') || text.contains(|c: char| c == '\\' || c.is_whitespace() || c.is_control()) {
            return None;
        }
        let url = Self { url: Url::parse(text).ok()?, is_from_elsewhere: false };
        let host = url.url.host_str()?;
        if host.parse::<IpAddr>().is_ok() && !rest.starts_with(host) {
            return None;
        }
        let scheme = match url.url.scheme() {
            "https" => true,
            "http" => url.is_loopback(),
            _ => false,
        };
        let bare = url.url.username().is_empty() && url.url.password().is_none() && url.url.host().is_some();
        (scheme && bare).then_some(url)
    }

    /// As a user may see it who has it in the configuration.
    #[cfg(feature = "authz")]
    pub(crate) fn as_str(&self) -> &str {
        self.url.as_str()
    }

    /// An address on this machine.
    pub(crate) fn local(port: u16, path: &str, query: &[(&str, &str)]) -> Option<Self> {
        let mut url = Url::parse("http://localhost/").ok()?;
        url.set_port(Some(port)).ok()?;
        url.set_path(path);
        url.query_pairs_mut().extend_pairs(query);
        Some(Self { url, is_from_elsewhere: false })
    }

    /// The address of an issuer's discovery document (OpenID Connect Discovery 1.0 section 4.1), with one slash between.
    pub(crate) fn discovery(issuer: &str) -> Option<Self> {
        let plain = !issuer.contains(['?', '#']);
        let base = issuer.strip_suffix('/').unwrap_or(issuer);
        plain.then(|| Self::parse(&format!("{base}/.well-known/openid-configuration"))).flatten()
    }

    /// An address that a discovery document names. One from elsewhere may not point into this machine or its link, where the
    /// platform keeps credentials, and what its name resolves to is judged when it is asked.
    pub(crate) fn discovered(text: &str, by: &Self) -> Option<Self> {
        let url = Self::parse(text)?;
        if by.is_loopback() {
            return Some(url);
        }
        let outward = match url.url.host()? {
            Host::Domain(_) => !url.is_loopback(),
            Host::Ipv4(address) => !is_inward(address.into()),
            Host::Ipv6(address) => !is_inward(address.into()),
        };
        outward.then_some(Self { is_from_elsewhere: true, ..url })
    }

    /// Whether it is this very machine, which the unspecified address reaches too.
    pub(crate) fn is_loopback(&self) -> bool {
        let address = match self.url.host() {
            // With a dot at its end a name is the same.
            Some(Host::Domain(name)) => {
                let name = name.trim_end_matches('.');
                return name == "localhost" || name.ends_with(".localhost");
            }
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => address.to_canonical(),
            None => return false,
        };
        address.is_loopback() || address.is_unspecified()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_only_from_https_or_loopback() {
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
    fn a_discovery_document_is_below_its_issuer_with_one_slash_between() {
        let url = |issuer| KeyUrl::discovery(issuer).map(|url| url.url.to_string());
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
        for good in [
            "https://a.example/keys",
            "https://elsewhere.example/keys",
            "https://elsewhere.example./keys",
            "https://localhost.example/keys",
            "https://10.0.0.1/keys",
            "https://[64:ff9b::10.0.0.1]/keys",
            "https://[2001:db8::1]/keys",
            "https://[fd00::1]/keys",
        ] {
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
            "https://[::169.254.169.254]/keys",
            "https://[::ffff:0:169.254.169.254]/keys",
            "https://[64:ff9b::169.254.169.254]/keys",
            "https://[64:ff9b::127.0.0.1]/keys",
            "https://[64:ff9b:1::10.0.0.1]/keys",
            "https://[2002:a9fe:a9fe::]/keys",
            "https://[fd00:ec2::254]/keys",
            "https://[fd00:ec2::23]/keys",
            "https://0.0.0.1/keys",
            "https://127.0.0.1./keys",
            "https://0x7f000001/keys",
            "https://localhost./keys",
            "https://LOCALHOST./keys",
            "https://x.localhost./keys",
            "https://localhost../keys",
            "https://0177.0.0.1/keys",
            "https://017700000001/keys",
            "https://2130706433/keys",
            "https://2852039166/keys",
            "https://0xa9.0xfe.0xa9.0xfe/keys",
            "https://169.254.43518/keys",
            "https://169.254.169.254./keys",
            "https://0/keys",
            "https://\u{ff11}\u{ff12}\u{ff17}.0.0.1/keys",
            "https://\u{2460}\u{2461}\u{2466}.\u{24ea}.\u{24ea}.\u{2460}/keys",
            "https://127\u{3002}0\u{3002}0\u{3002}1/keys",
            "https://127.0.0.1:443/keys",
            "https://%31%32%37.0.0.1/keys",
            "https://loca%6chost/keys",
            "https://localhost%2e/keys",
            "https://\u{24db}ocalhost/keys",
            "https://local\u{ad}host/keys",
            "https://a.example@127.0.0.1/keys",
            "https://a.example:443@127.0.0.1/keys",
            "https://a.example\\@127.0.0.1/keys",
            "https://127.0.0.1\\.a.example/keys",
            "https://[0:0:0:0:0:ffff:a9fe:a9fe]/keys",
            "https://[::ffff:7f00:1]/keys",
            "https://[2002:7f00:1::]/keys",
            "https://[64:ff9b::7f00:1]/keys",
            "https://[2001:db8::5efe:169.254.169.254]/keys",
            "https://[2001:db8::200:5efe:127.0.0.1]/keys",
            "https://[2001::a9fe:a9fe]/keys",
            "https://[fe80::1%25eth0]/keys",
            "https://[febf::1]/keys",
            "http://169.254.170.2/v2/credentials",
            "file:///etc/passwd",
        ] {
            assert!(!by("https://a.example/", bad), "{bad}");
        }
        assert!(by("http://127.0.0.1:1234/", "http://127.0.0.1:1234/keys"));
    }
}
