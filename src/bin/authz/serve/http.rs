//! Requests and replies, whole in memory.

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, Method, Response, StatusCode};
use http_body_util::Full;
use serde_json::Value;

/// The longest body, as API Gateway has it: 10 MB.
pub(super) const MAX_BODY: usize = 10_485_760;

/// A reply in the making, or made.
pub(super) type Reply = Response<Full<Bytes>>;

/// A request whose body has been read.
pub(super) struct Request {
    pub(super) method: Method,
    /// As it was sent, without the query.
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Request {
    /// A header that is text and stands once; `None` if it is absent or anything else.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.get_all(name).iter();
        let first = all.next()?;
        if all.next().is_some() {
            return None;
        }
        first.to_str().ok()
    }

    /// The parameters of the query.
    pub(super) fn parameters(&self) -> Vec<(String, String)> {
        pairs(self.query.as_deref().unwrap_or_default().as_bytes())
    }

    /// The fields of a form.
    pub(super) fn form(&self) -> Vec<(String, String)> {
        pairs(&self.body)
    }
}

fn pairs(text: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text).into_owned().collect()
}

/// The value of a parameter that stands once.
pub(super) fn single<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut all = pairs.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let first = all.next()?;
    if all.next().is_some() { None } else { Some(first) }
}

/// A reply of this type of content.
pub(super) fn reply(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Full::new(body.into()));
    *reply.status_mut() = status;
    set(&mut reply, CONTENT_TYPE, content_type);
    reply
}

/// A reply of JSON.
pub(super) fn json(status: StatusCode, body: &Value) -> Reply {
    reply(status, "application/json", body.to_string())
}

/// A reply of JSON that no cache may keep.
pub(super) fn private(status: StatusCode, body: &Value) -> Reply {
    let mut reply = json(status, body);
    set(&mut reply, CACHE_CONTROL, "no-store");
    reply
}

/// A reply of plain text.
pub(super) fn text(status: StatusCode, text: &str) -> Reply {
    reply(status, "text/plain; charset=utf-8", format!("{text}\n"))
}

/// A file that comes with the program, with what browsers let it do and what they say of where they were.
pub(super) fn asset(kind: &'static str, content: &'static str, policy: &str, referrer: &str) -> Reply {
    let mut reply = reply(StatusCode::OK, kind, content);
    set(&mut reply, CONTENT_SECURITY_POLICY, policy);
    set(&mut reply, REFERRER_POLICY, referrer);
    set(&mut reply, CACHE_CONTROL, "no-cache");
    set(&mut reply, X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(&mut reply, X_FRAME_OPTIONS, "DENY");
    set(&mut reply, HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    reply
}

/// Sets a header; a value that cannot be one is left out.
pub(super) fn set(reply: &mut Reply, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        reply.headers_mut().insert(name, value);
    }
}

/// A text in HTML.
pub(super) fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_that_stands_twice_is_not_taken() {
        let pairs = pairs(b"a=1&b=2&a=3&c=x%20y+z");
        assert_eq!(single(&pairs, "a"), None);
        assert_eq!(single(&pairs, "b"), Some("2"));
        assert_eq!(single(&pairs, "c"), Some("x y z"));
        assert_eq!(single(&pairs, "d"), None);
    }

    #[test]
    fn no_text_ends_its_place_in_html() {
        assert_eq!(escaped(r#"<a href="x" b='y'>&"#), "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;");
    }
}
