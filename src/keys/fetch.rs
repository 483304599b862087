//! The only socket: fetching documents over HTTP.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use reqwest::header::{AGE, CACHE_CONTROL, ETAG, HeaderMap, HeaderName, IF_NONE_MATCH};
use reqwest::{Client, StatusCode, Url, redirect};

/// The largest document that is read: key sets have a few KiB, the largest public ones under 100.
const MAX_BODY_BYTES: usize = 512 * 1024;

/// An address that keys may be fetched from: `https`, or `http` on a loopback host, and no user information.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct KeyUrl(Url);

impl KeyUrl {
    /// Reads an address; `None` if keys may not be fetched from it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let url = Self(Url::parse(text).ok()?);
        let scheme = match url.0.scheme() {
            "https" => true,
            "http" => url.is_loopback(),
            _ => false,
        };
        let bare = url.0.username().is_empty() && url.0.password().is_none() && url.0.host().is_some();
        (scheme && bare).then_some(url)
    }

    /// Whether it is this very machine.
    pub(crate) fn is_loopback(&self) -> bool {
        match self.0.host_str() {
            Some("localhost") => true,
            Some(host) => address(host).is_some_and(|address| address.is_loopback()),
            None => false,
        }
    }
}

/// The IP address that a host is written as, IPv6 in brackets.
fn address(host: &str) -> Option<std::net::IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// An address may hold what its owner wants to keep, so it is not printed.
impl fmt::Debug for KeyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyUrl(..)")
    }
}

/// A document that was fetched.
#[derive(Debug, PartialEq, Eq)]
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

/// Why there is no document. None of these says anything about a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FetchError {
    /// No answer in time.
    Timeout,
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
            Self::Timeout => f.write_str("timeout"),
            Self::Connection => f.write_str("connection_failed"),
            Self::Status(status) => write!(f, "status_{status}"),
            Self::TooLarge => f.write_str("too_large"),
        }
    }
}

/// A fetch under way.
pub(crate) type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Fetched, FetchError>> + Send + 'a>>;

/// Where documents come from: the network in production, a script in tests.
pub(crate) trait Fetch: Send + Sync {
    /// Fetches a document, telling the server which version is already held.
    fn fetch<'a>(&'a self, url: &'a KeyUrl, etag: Option<&'a str>, timeout: Duration) -> Fetching<'a>;
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
    pub(crate) fn new() -> Result<Self, &'static str> {
        const FAILED: &str = "TLS could not be set up";
        let mut roots = rustls::RootCertStore::empty();
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| FAILED)?
            .with_root_certificates(roots)
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

    async fn get(&self, url: &KeyUrl, etag: Option<&str>) -> Result<Fetched, FetchError> {
        let client = if url.is_loopback() {
            &self.loopback
        } else {
            &self.outward
        };
        let mut request = client.get(url.0.clone());
        if let Some(etag) = etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        let mut response = request.send().await.map_err(|_| FetchError::Connection)?;
        let max_age = max_age(response.headers());
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_MODIFIED if etag.is_some() => return Ok(Fetched::NotModified { max_age }),
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
    fn fetch<'a>(&'a self, url: &'a KeyUrl, etag: Option<&'a str>, timeout: Duration) -> Fetching<'a> {
        Box::pin(async move {
            tokio::time::timeout(timeout, self.get(url, etag))
                .await
                .unwrap_or(Err(FetchError::Timeout))
        })
    }
}

/// A header as text.
fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// How long a response says it may be kept, less what a cache on the way has used up.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let directives = text(headers, CACHE_CONTROL)?.split(',').map(str::trim);
    let seconds = directives
        .filter_map(|directive| directive.split_once('='))
        .find_map(|(name, value)| {
            name.eq_ignore_ascii_case("max-age")
                .then(|| value.trim_matches('"').parse::<u64>().ok())
                .flatten()
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
        ] {
            assert!(KeyUrl::parse(bad).is_none(), "{bad}");
        }
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
