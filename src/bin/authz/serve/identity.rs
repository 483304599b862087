//! Identity sources: what a REQUEST authorizer's answers are kept by, and what has to be there.

use http::HeaderName;
use serde_json::{Map, Value, json};

use super::http::Request;

/// What stands between the values in the cache's key; no header holds it.
const BETWEEN: &str = "\u{1f}";

/// One identity source, as API Gateway writes it for REST APIs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum IdentitySource {
    Header(HeaderName),
    Query(String),
    Method,
    Path,
}

impl std::str::FromStr for IdentitySource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let header = |name: &str| HeaderName::from_bytes(name.as_bytes()).map(Self::Header).ok();
        let source = match text {
            "context.httpMethod" => Some(Self::Method),
            "context.path" => Some(Self::Path),
            _ => match text.strip_prefix("method.request.").and_then(|rest| rest.split_once('.')) {
                Some(("header", name)) => header(name),
                Some(("querystring", name)) if !name.is_empty() => Some(Self::Query(name.to_owned())),
                _ => None,
            },
        };
        source.ok_or_else(|| {
            "expected method.request.header.NAME, method.request.querystring.NAME, context.httpMethod or context.path".to_owned()
        })
    }
}

impl IdentitySource {
    fn value(&self, request: &Request) -> Option<String> {
        match self {
            Self::Header(name) => request.header(name.as_str()).map(str::to_owned),
            Self::Query(name) => {
                // Of several values the last one counts.
                request.parameters().into_iter().rfind(|(known, _)| known == name).map(|(_, value)| value)
            }
            Self::Method => Some(request.method.as_str().to_owned()),
            Self::Path => Some(request.path.clone()),
        }
    }
}

/// The values of all sources; `None` if one is absent or empty, about which no authorizer is asked.
pub(super) fn values(sources: &[IdentitySource], request: &Request) -> Option<Vec<String>> {
    sources.iter().map(|source| source.value(request).filter(|value| !value.is_empty())).collect()
}

/// What answers are kept by.
pub(super) fn key(values: &[String]) -> String {
    values.join(BETWEEN)
}

/// The event that a REQUEST authorizer of a REST API gets for this method ARN.
pub(super) fn event(request: &Request, resource: &str, arn: &str) -> String {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = request.headers.keys().map(|name| {
        let values: Vec<String> = request.headers.get_all(name).iter().map(text).collect();
        (name.as_str().to_owned(), values)
    });
    let mut parameters: Vec<(String, Vec<String>)> = Vec::new();
    for (name, value) in request.parameters() {
        match parameters.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value),
            None => parameters.push((name, vec![value])),
        }
    }
    let (headers, multi_value_headers) = both(headers.collect());
    let (parameters, multi_value_parameters) = both(parameters);
    let (method, path) = (request.method.as_str(), request.path.as_str());
    json!({
        "type": "REQUEST",
        "methodArn": arn,
        "resource": resource,
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": multi_value_headers,
        "queryStringParameters": parameters,
        "multiValueQueryStringParameters": multi_value_parameters,
        "pathParameters": {},
        "stageVariables": {},
        "requestContext": { "resourcePath": resource, "httpMethod": method, "path": path, "identity": { "sourceIp": "127.0.0.1" } },
    })
    .to_string()
}

/// The last value of each name, and all of them.
fn both(pairs: Vec<(String, Vec<String>)>) -> (Map<String, Value>, Map<String, Value>) {
    let last = |values: &[String]| values.last().cloned().unwrap_or_default();
    let single = pairs.iter().map(|(name, values)| (name.clone(), last(values).into())).collect();
    (single, pairs.into_iter().map(|(name, values)| (name, values.into())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_source_is_a_header_a_parameter_the_method_or_the_path() {
        let read = |text: &str| text.parse::<IdentitySource>();
        assert_eq!(
            read("method.request.header.Authorization"),
            Ok(IdentitySource::Header(HeaderName::from_static("authorization")))
        );
        assert_eq!(read("method.request.querystring.token"), Ok(IdentitySource::Query("token".to_owned())));
        assert_eq!(read("context.httpMethod"), Ok(IdentitySource::Method));
        assert_eq!(read("context.path"), Ok(IdentitySource::Path));
        for bad in [
            "",
            "Authorization",
            "method.request.header.",
            "method.request.header.a b",
            "method.request.path.id",
            "context.stage",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
