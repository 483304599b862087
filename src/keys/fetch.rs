//! The only socket: fetching documents over HTTP.

use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::time::Duration;

use reqwest::header::{AGE, CACHE_CONTROL, ETAG, HeaderMap, HeaderName, IF_NONE_MATCH};
use reqwest::{Client, StatusCode, Url, redirect};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// The largest document that is read: key sets have a few KiB, the largest public ones under 100.
const MAX_BODY_BYTES: usize = 512 * 1024;

/// An address that keys may be fetched from: `https`, or `http` on a loopback host, and no user information.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct KeyUrl(Url);

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

/// A document that was fetched.
#[derive(PartialEq, Eq)]
pub(crate) enum Fetched {
    /// A 200.
    Document {
        body: Vec<u8>,
        /// `Cache-Control: max-age` less `Age` (RFC 9111 sections 5.2.2.1 and 5.1).
        max_age: Option<Duration>,
        /// The entity tag, to ask with next time (RFC 9110 section 8.8.3).
        etag: Option<String>,
    },
    /// A 304: what was sent with this entity tag still holds.
    NotModified { max_age: Option<Duration> },
}

/// A document may hold a secret.
impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Document { max_age, .. } => {
                f.debug_struct("Document").field("max_age", max_age).finish_non_exhaustive()
            }
            Self::NotModified { max_age } => f.debug_struct("NotModified").field("max_age", max_age).finish(),
        }
    }
}

/// Why there is no document. None of these says anything about a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FetchError {
    /// No connection, or it broke, or TLS failed.
    Connection,
    /// Another status than 200; redirects are not followed.
    Status(u16),
    /// The document is larger than 512 KiB.
    TooLarge,
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection => f.write_str("connection_failed"),
            Self::Status(status) => write!(f, "status_{status}"),
            Self::TooLarge => f.write_str("too_large"),
        }
    }
}

/// A fetch under way.
pub(crate) type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Fetched, FetchError>> + Send + 'a>>;

/// What goes with a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum With<'a> {
    /// The entity tag of the version that is held, if one is (RFC 9110 section 13.1.2).
    Etag(Option<&'a str>),
    /// What the Parameters and Secrets extension knows its own function by.
    SessionToken(&'a SessionToken),
}

/// The session token of the function's role: a credential, which never prints and is sent to loopback alone.
pub(crate) struct SessionToken(pub(crate) String);

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken(..)")
    }
}

/// Where documents come from: the network in production, a script in tests. The caller bounds the time.
pub(crate) trait Fetch: Send + Sync {
    /// Fetches a document.
    fn fetch<'a>(&'a self, url: &'a KeyUrl, with: With<'a>) -> Fetching<'a>;
}

/// The authorities whose certificates servers may show.
#[derive(Clone, Debug)]
pub(crate) struct Trust(RootCertStore);

impl Trust {
    /// Those compiled in, Mozilla's, which costs a cold start next to nothing.
    pub(crate) fn webpki() -> Self {
        Self(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() })
    }

    /// Those of the system, which takes some milliseconds to read; `None` if it has none.
    pub(crate) fn system() -> Option<Self> {
        let mut roots = RootCertStore::empty();
        let (added, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        (added > 0).then_some(Self(roots))
    }

    /// Adds one's own, from a PEM text; `None` if that holds no certificate, or one that is none.
    pub(crate) fn with_pem(mut self, pem: &[u8]) -> Option<Self> {
        let certificates = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>().ok()?;
        let whole = certificates.len();
        let (added, _) = self.0.add_parsable_certificates(certificates);
        (added > 0 && added == whole).then_some(self)
    }
}

/// The network.
pub(crate) struct Network {
    /// Through the proxy of the environment, if there is one.
    outward: Client,
    /// Never through a proxy: what is sent to loopback is nobody else's business.
    loopback: Client,
}

impl Network {
    /// Makes the clients; nothing is connected yet.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub(crate) fn new(trust: Trust) -> Result<Self, &'static str> {
        const FAILED: &str = "TLS could not be set up";
        let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| FAILED)?
            .with_root_certificates(trust.0)
            .with_no_client_auth();
        let client = || {
            Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .redirect(redirect::Policy::none())
                .user_agent(concat!("apigw-jwt-authorizer/", env!("CARGO_PKG_VERSION")))
                // The process is frozen between invocations, and a pooled connection would be dead after it.
                .pool_max_idle_per_host(0)
        };
        Ok(Self {
            outward: client().build().map_err(|_| FAILED)?,
            loopback: client().no_proxy().build().map_err(|_| FAILED)?,
        })
    }

    async fn get(&self, url: &KeyUrl, with: With<'_>) -> Result<Fetched, FetchError> {
        let client = if url.is_loopback() { &self.loopback } else { &self.outward };
        let request = client.get(url.0.clone());
        let (request, conditional) = match with {
            With::Etag(None) => (request, false),
            With::Etag(Some(etag)) => (request.header(IF_NONE_MATCH, etag), true),
            With::SessionToken(_) if !url.is_loopback() => return Err(FetchError::Connection),
            With::SessionToken(token) => (request.header("X-Aws-Parameters-Secrets-Token", &token.0), false),
        };
        let mut response = request.send().await.map_err(|_| FetchError::Connection)?;
        let max_age = max_age(response.headers());
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_MODIFIED if conditional => return Ok(Fetched::NotModified { max_age }),
            status => return Err(FetchError::Status(status.as_u16())),
        }
        let etag = text(response.headers(), ETAG).map(str::to_owned);
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|_| FetchError::Connection)? {
            if body.len().saturating_add(chunk.len()) > MAX_BODY_BYTES {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Fetched::Document { body, max_age, etag })
    }
}

impl Fetch for Network {
    fn fetch<'a>(&'a self, url: &'a KeyUrl, with: With<'a>) -> Fetching<'a> {
        Box::pin(self.get(url, with))
    }
}

/// A header as text.
fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// How long a response says it may be kept, less what a cache on the way has used up.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let directives = text(headers, CACHE_CONTROL)?.split(',').map(str::trim);
    let seconds = directives.filter_map(|directive| directive.split_once('=')).find_map(|(name, value)| {
        name.eq_ignore_ascii_case("max-age").then(|| value.trim_matches('"').parse::<u64>().ok()).flatten()
    })?;
    let age = text(headers, AGE).and_then(|age| age.trim().parse().ok()).unwrap_or(0);
    Some(Duration::from_secs(seconds.saturating_sub(age)))
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

    #[test]
    fn max_age_is_less_what_a_cache_used_up() {
        let age = |cache: &'static str, age: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(CACHE_CONTROL, cache.parse().unwrap());
            if let Some(age) = age {
                headers.insert(AGE, age.parse().unwrap());
            }
            max_age(&headers).map(|age| age.as_secs())
        };
        assert_eq!(age("public, Max-Age=3600, must-revalidate", Some("600")), Some(3000));
        assert_eq!(age("max-age=\"15\"", None), Some(15));
        assert_eq!(age("max-age=5", Some("9")), Some(0));
        assert_eq!(age("no-store", None), None);
        assert_eq!(age("s-maxage=5", None), None);
        assert_eq!(age("max-age=x", None), None);
    }
}
