//! What a client sends -> REQUEST events. Checks that the token is found where a plain second reading of the rules finds it,
//! that the answer is then that to a TOKEN event, and that nothing that was sent leaks.

use apigw_jwt_authorizer::internals;
use serde_json::{Value, json};

use super::{authorize, world};

/// What a client sends, and what the gateway makes of it.
#[derive(Default)]
struct Sent {
    /// `rest`, `connect`, `http1` or `http2`.
    kind: String,
    /// The method and path, as in an ARN.
    tail: String,
    headers: Vec<(String, String)>,
    multi_value_headers: Vec<(String, String)>,
    parameters: Vec<(String, String)>,
    multi_value_parameters: Vec<(String, String)>,
    cookies: Vec<String>,
    identity: Vec<String>,
}

impl Sent {
    /// Reads a text whose first line is kind and tail. Each other line is a header (`h name:value`, `m` for the list of values), a
    /// parameter (`q name=value`, `p`), a cookie (`c name=value`) or an identity source (`i text`). `@7@` is a signed token.
    fn read(data: &[u8]) -> Option<Self> {
        let text = with_tokens(&String::from_utf8_lossy(data));
        let mut lines = text.split('\n');
        let (kind, tail) = lines.next()?.split_once(' ')?;
        let mut sent = Self { kind: kind.to_owned(), tail: tail.to_owned(), ..Self::default() };
        for line in lines {
            let (what, rest) = line.split_once(' ')?;
            let pair = |separator| rest.split_once(separator).map(|(name, value)| (name.to_owned(), value.to_owned()));
            match what {
                "h" => sent.headers.push(pair(':')?),
                "m" => sent.multi_value_headers.push(pair(':')?),
                "q" => sent.parameters.push(pair('=')?),
                "p" => sent.multi_value_parameters.push(pair('=')?),
                "c" => sent.cookies.push(rest.to_owned()),
                "i" => sent.identity.push(rest.to_owned()),
                _ => return None,
            }
        }
        Some(sent)
    }

    fn arn(&self) -> String {
        let tail = if self.kind == "connect" { "$connect" } else { &self.tail };
        format!("{}{tail}", world::STAGE)
    }

    /// The event, with a name twice if it was sent twice.
    fn event(&self) -> Option<String> {
        let arn = json!(self.arn());
        let mut members = match self.kind.as_str() {
            "rest" => vec![format!("\"methodArn\":{arn}")],
            "connect" => {
                vec![format!("\"methodArn\":{arn}"), "\"requestContext\":{\"eventType\":\"CONNECT\"}".to_owned()]
            }
            "http1" => vec![format!("\"version\":\"1.0\",\"methodArn\":{arn}")],
            "http2" => vec![format!("\"version\":\"2.0\",\"routeArn\":{arn}")],
            _ => return None,
        };
        let object = |pairs: &[(String, String)], value: &dyn Fn(&str) -> Value| {
            let pairs: Vec<_> = pairs.iter().map(|(name, text)| format!("{}:{}", json!(name), value(text))).collect();
            format!("{{{}}}", pairs.join(","))
        };
        members.push("\"type\":\"REQUEST\"".to_owned());
        members.push(format!("\"headers\":{}", object(&self.headers, &|text| json!(text))));
        members.push(format!("\"multiValueHeaders\":{}", object(&self.multi_value_headers, &|text| json!([text]))));
        members.push(format!("\"queryStringParameters\":{}", object(&self.parameters, &|text| json!(text))));
        let multiple = object(&self.multi_value_parameters, &|text| json!([text]));
        members.push(format!("\"multiValueQueryStringParameters\":{multiple}"));
        members.push(format!("\"cookies\":{}", json!(self.cookies)));
        members.push(format!("\"identitySource\":{}", json!(self.identity)));
        Some(format!("{{{}}}", members.join(",")))
    }

    fn all_headers(&self) -> impl Iterator<Item = &(String, String)> {
        self.headers.iter().chain(&self.multi_value_headers)
    }

    fn header(&self, name: &str) -> Vec<String> {
        let named = self.all_headers().filter(|(header, _)| header.eq_ignore_ascii_case(name));
        distinct(named.map(|(_, value)| value.clone()))
    }

    /// The value for an `Authorization` header, and what the gateway may name it by.
    fn credential(&self) -> Option<(String, Vec<String>)> {
        let found = self.header("authorization");
        if !found.is_empty() {
            return Some((found.join(", "), names(&found)));
        }
        let found = self.header("x-token");
        if !found.is_empty() {
            return Some((bearer(&found), names(&found)));
        }
        let header = self.header("cookie");
        let pairs =
            header.iter().flat_map(|list| list.split(';')).chain(self.cookies.iter().flat_map(|list| list.split(';')));
        let found = distinct(pairs.filter_map(|pair| {
            let (name, value) = pair.trim_matches([' ', '\t']).split_once('=')?;
            let value = (name.trim_end_matches([' ', '\t']) == "session").then_some(value)?;
            let inside = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
            Some(inside.unwrap_or(value).to_owned())
        }));
        if !found.is_empty() {
            return Some((bearer(&found), [names(&header), names(&self.cookies), names(&found)].concat()));
        }
        let parameters = self.parameters.iter().chain(&self.multi_value_parameters);
        let found = distinct(parameters.filter(|(name, _)| name == "token").map(|(_, value)| value.clone()));
        if !found.is_empty() {
            return Some((bearer(&found), names(&found)));
        }
        let found = self.header("sec-websocket-protocol");
        if found.is_empty() { None } else { Some((subprotocol(&found), names(&found))) }
    }

    /// Whether an HTTP API would keep the answer by something else than the token.
    fn is_kept_by_something_else(&self, names: &[String]) -> bool {
        let parts = self.identity.iter().flat_map(|text| text.split(',').chain([text.as_str()]));
        let mut parts = parts.map(str::to_owned);
        self.kind.starts_with("http")
            && self.identity.iter().any(|text| !text.is_empty())
            && !parts.any(|part| names.contains(&part))
    }
}

/// Puts signed tokens in the place of their numbers.
fn with_tokens(text: &str) -> String {
    let tokens: Vec<&str> = world::TOKENS.lines().collect();
    let mut filled = String::new();
    for (number, part) in text.split('@').enumerate() {
        match part.parse::<usize>() {
            Ok(index) if number % 2 == 1 => filled.push_str(tokens[index % tokens.len()]),
            _ => filled.push_str(part),
        }
    }
    filled
}

/// Statements without the date until which they hold.
fn without_conditions(statements: &Value) -> Value {
    let mut statements = statements.clone();
    for statement in statements.as_array_mut().into_iter().flatten() {
        statement.as_object_mut().unwrap().remove("Condition");
    }
    statements
}

/// The values that are not empty, each once, in their order.
fn distinct(values: impl Iterator<Item = String>) -> Vec<String> {
    let mut found = Vec::new();
    for value in values.filter(|value| !value.is_empty()) {
        if !found.contains(&value) {
            found.push(value);
        }
    }
    found
}

/// The value of a source in which the scheme may be left out.
fn bearer(values: &[String]) -> String {
    let value = values.join(", ");
    let has_scheme = value.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("bearer "));
    if has_scheme { value } else { format!("Bearer {value}") }
}

/// What a gateway may call these values: all of them in a list.
fn names(values: &[String]) -> Vec<String> {
    [", ", ",", "; ", ";"].iter().map(|between| values.join(between)).filter(|name| !name.is_empty()).collect()
}

/// The value for lists of subprotocols: the one that follows each `bearer`, if no other could be the token.
fn subprotocol(values: &[String]) -> String {
    let list = values.join(",");
    let items: Vec<&str> = list.split(',').map(|item| item.trim_matches([' ', '\t'])).collect();
    let is_scheme = |item: &str| item.eq_ignore_ascii_case("bearer");
    let (mut at, mut after, mut others) = (0, Vec::new(), Vec::new());
    while at < items.len() {
        if is_scheme(items[at]) {
            at += 1;
            after.push(items.get(at).copied().unwrap_or_default());
        } else if items[at].starts_with("ey") && items[at].matches('.').count() == 2 {
            others.push(items[at]);
        }
        at += 1;
    }
    match after[..] {
        [token, ..]
            if after.iter().chain(&others).all(|other| *other == token)
                && !is_scheme(token)
                && !token.is_empty()
                && !token.contains(' ') =>
        {
            format!("Bearer {token}")
        }
        _ => "Bearer ,".to_owned(),
    }
}

/// Authorizes what a client sends; returns whether it was allowed. Data that does not describe a request is ignored.
pub fn run(data: &[u8]) -> bool {
    let Some(sent) = Sent::read(data) else { return false };
    let Some(event) = sent.event() else { return false };
    let (answer, log) = world::authorize_by(&world::REQUESTS, event.as_bytes());
    let arn = sent.arn();
    let (credential, names) = sent.credential().unzip();
    authorize::leaks(&authorize::texts(event.as_bytes(), &arn), "", &log, &arn);
    // The rest of what was sent is not in it, because it is equal to an answer that is made without it.
    authorize::leaks(credential.as_slice(), &answer, "", &arn);
    let answer: Value = serde_json::from_str(&answer).unwrap();
    if sent.is_kept_by_something_else(&names.unwrap_or_default()) {
        assert_eq!(answer["errorType"], "MalformedEvent", "{event}");
        return false;
    }
    // What `$connect` needs is what this route needs.
    let tail = if sent.kind == "connect" { "GET/open" } else { &sent.tail };
    let token_arn = format!("{}{tail}", world::STAGE);
    let token = json!({ "type": "TOKEN", "authorizationToken": credential, "methodArn": token_arn }).to_string();
    let expected: Value = serde_json::from_str(&world::authorize_by(&world::REQUESTS, token.as_bytes()).0).unwrap();
    if expected.get("errorType").is_some() {
        assert_eq!(answer, expected, "{event}");
        return false;
    }
    let passes = internals::passes(&answer["policyDocument"], &arn);
    assert_eq!(passes, internals::passes(&expected["policyDocument"], &token_arn), "{event}");
    if sent.kind == "connect" && answer["principalId"] != "anonymous" {
        let effect = if passes { "Allow" } else { "Deny" };
        let only = json!([{ "Effect": effect, "Action": "execute-api:Invoke", "Resource": [arn] }]);
        assert_eq!(
            without_conditions(&answer["policyDocument"]["Statement"]),
            only,
            "a connection is all that is decided"
        );
    } else {
        assert_eq!(answer["policyDocument"], expected["policyDocument"], "{event}");
    }
    for member in ["principalId", "context", "usageIdentifierKey"] {
        assert_eq!(answer[member], expected[member], "{member}: {event}");
    }
    if sent.kind == "http2" {
        let (simple, _) = world::authorize_by(&world::SIMPLE, event.as_bytes());
        let simple: Value = serde_json::from_str(&simple).unwrap();
        assert_eq!(simple["isAuthorized"], passes, "{event}");
    }
    passes
}
