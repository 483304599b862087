//! Who may ask: this machine by its loopback names, and pages that were served from it.
//!
//! A page anywhere can make a browser send requests here. The name in `Host` is what a rebound DNS name cannot fake, and
//! `Origin` is what the page cannot fake.

use http::StatusCode;
use url::Url;

use super::http::{Reply, Request, text};

/// The names that this machine's loopback interface is asked by.
const HOSTS: [&str; 2] = ["127.0.0.1", "localhost"];

/// The header that the page's own script sends: another origin cannot add it without a preflight, which is never granted.
pub(super) const OWN_HEADER: &str = "x-authz-page";

/// Where a request comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Not from a page, or from a navigation.
    Absent,
    /// From a page of this server.
    Own,
    /// From a page of another server on this machine, or one that was named on the command line.
    Allowed(String),
    /// From anywhere else.
    Foreign,
}

/// The addresses of this server, and the origins of others that may call the API.
pub(super) struct Origins {
    port: u16,
    also: Vec<String>,
}

impl Origins {
    pub(super) fn new(port: u16, also: Vec<String>) -> Self {
        Self { port, also }
    }

    /// Refuses a request that was not meant for this server.
    pub(super) fn misdirected(&self, request: &Request, authority: Option<&str>) -> Option<Reply> {
        let named = request.header("host").is_some_and(|host| self.is_own(host))
            && authority.is_none_or(|authority| self.is_own(authority));
        (!named).then(|| {
            let text_of_refusal = format!("This server answers to http://127.0.0.1:{} only.", self.port);
            text(StatusCode::MISDIRECTED_REQUEST, &text_of_refusal)
        })
    }

    /// The origin of a request.
    pub(super) fn of(&self, request: &Request) -> Origin {
        if !request.headers.contains_key("origin") {
            return Origin::Absent;
        }
        let Some(origin) = request.header("origin") else { return Origin::Foreign };
        if origin.strip_prefix("http://").is_some_and(|authority| self.is_own(authority)) {
            return Origin::Own;
        }
        match is_loopback(origin) || self.also.iter().any(|also| also == origin) {
            true => Origin::Allowed(origin.to_owned()),
            false => Origin::Foreign,
        }
    }

    /// Whether a host, with its port unless that is 80, is this server.
    fn is_own(&self, authority: &str) -> bool {
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().ok()),
            None => (authority, Some(80)),
        };
        port == Some(self.port) && HOSTS.iter().any(|known| known.eq_ignore_ascii_case(host))
    }

    /// Whether only the page's own script can have sent this request.
    pub(super) fn is_own_script(&self, request: &Request) -> bool {
        let site = request.header("sec-fetch-site").unwrap_or("same-origin");
        matches!(self.of(request), Origin::Absent | Origin::Own)
            && site == "same-origin"
            && request.headers.contains_key(OWN_HEADER)
    }
}

/// Whether an origin, or the address of a page, is on this machine.
pub(super) fn is_loopback(address: &str) -> bool {
    let Ok(url) = Url::parse(address) else { return false };
    let local = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    local && matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, HeaderName, HeaderValue, Method};

    use super::*;

    fn request(headers: &[(&'static str, &'static str)]) -> Request {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        Request { method: Method::GET, path: "/".to_owned(), query: None, headers: map, body: Bytes::new() }
    }

    #[test]
    fn only_its_own_loopback_names_reach_the_server() {
        let origins = Origins::new(8080, Vec::new());
        let refused = |headers: &[_], authority| origins.misdirected(&request(headers), authority).is_some();
        assert!(!refused(&[("host", "127.0.0.1:8080")], None));
        assert!(!refused(&[("host", "LOCALHOST:8080")], Some("localhost:8080")));
        for host in
            ["evil.example:8080", "127.0.0.1", "127.0.0.1:8081", "localhost.evil.example:8080", "[::1]:8080", ""]
        {
            assert!(refused(&[("host", host)], None), "{host}");
        }
        assert!(refused(&[], None), "no host");
        assert!(refused(&[("host", "localhost:8080"), ("host", "evil.example")], None), "two hosts");
        assert!(refused(&[("host", "localhost:8080")], Some("evil.example:8080")), "another in the request line");
    }

    #[test]
    fn the_origin_is_this_server_this_machine_a_named_one_or_foreign() {
        let origins = Origins::new(8080, vec!["https://app.example".to_owned()]);
        for (origin, expected) in [
            ("http://127.0.0.1:8080", Origin::Own),
            ("http://localhost:8080", Origin::Own),
            ("http://localhost:5173", Origin::Allowed("http://localhost:5173".to_owned())),
            ("http://[::1]:5173", Origin::Allowed("http://[::1]:5173".to_owned())),
            ("https://app.example", Origin::Allowed("https://app.example".to_owned())),
            ("https://app.example.evil.example", Origin::Foreign),
            ("http://localhost.evil.example", Origin::Foreign),
            ("http://127.0.0.1.evil.example", Origin::Foreign),
            ("null", Origin::Foreign),
            ("", Origin::Foreign),
        ] {
            assert_eq!(origins.of(&request(&[("origin", origin)])), expected, "{origin}");
        }
        assert_eq!(origins.of(&request(&[])), Origin::Absent);
        let on_80 = Origins::new(80, Vec::new());
        assert_eq!(on_80.of(&request(&[("origin", "http://localhost")])), Origin::Own);
        assert!(on_80.misdirected(&request(&[("host", "localhost")]), None).is_none());
    }

    #[test]
    fn only_the_page_itself_steers_the_server() {
        let origins = Origins::new(8080, Vec::new());
        let own = |headers: &[_]| origins.is_own_script(&request(headers));
        assert!(own(&[(OWN_HEADER, "1"), ("origin", "http://127.0.0.1:8080"), ("sec-fetch-site", "same-origin")]));
        assert!(!own(&[("origin", "http://127.0.0.1:8080"), ("sec-fetch-site", "same-origin")]), "without the header");
        assert!(!own(&[(OWN_HEADER, "1"), ("origin", "http://localhost:5173")]), "from another port");
        assert!(!own(&[(OWN_HEADER, "1"), ("sec-fetch-site", "same-site")]), "from the same site");
    }
}
