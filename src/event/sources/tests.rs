//! Each source, with one value, with several, and with none.

use super::*;
use crate::bearer::BearerToken;
use crate::error::Error;

/// An event with these headers, cookies and parameters.
fn carried<'a>(headers: &[(&'a str, &'a str)], cookies: &[&'a str], parameters: &[(&'a str, &'a str)]) -> Carried<'a> {
    let pairs = |pairs: &[(&'a str, &'a str)]| {
        pairs.iter().map(|(name, value)| (Cow::Borrowed(*name), Cow::Borrowed(*value))).collect()
    };
    Carried {
        headers: pairs(headers),
        cookies: cookies.iter().copied().map(Cow::Borrowed).collect(),
        parameters: pairs(parameters),
    }
}

/// What becomes of the token of the first source that has one.
#[track_caller]
fn token(sources: &[&str], carried: &Carried<'_>, expected: Result<&str, Error>) {
    let sources: Vec<TokenSource> = sources.iter().map(|source| TokenSource::parse(source).unwrap()).collect();
    let found = sources.iter().find_map(|source| source.find(carried));
    let authorization = found.map(|found| found.authorization);
    assert_eq!(BearerToken::parse(authorization.as_deref()).map(BearerToken::as_str), expected, "{sources:?}");
}

#[test]
fn a_source_is_a_header_a_cookie_a_parameter_or_the_subprotocol() {
    for good in
        ["header:Authorization", "header:X-Token", "cookie:__Host-session", "query:access token", "websocket_protocol"]
    {
        assert!(TokenSource::parse(good).is_some(), "{good}");
    }
    for bad in [
        "",
        "header",
        "header:",
        "header:a b",
        "Header:a",
        "cookie:",
        "cookie:a=b",
        "query:",
        "path:a",
        "websocket_protocol:a",
        "a:b",
    ] {
        assert_eq!(TokenSource::parse(bad), None, "{bad}");
    }
}

#[test]
fn authorization_needs_the_scheme_and_other_headers_may_leave_it_out() {
    let authorization = ["header:Authorization"];
    token(&authorization, &carried(&[("Authorization", "Bearer a.b.c")], &[], &[]), Ok("a.b.c"));
    token(&authorization, &carried(&[("AUTHORIZATION", "bearer  a.b.c")], &[], &[]), Ok("a.b.c"));
    token(&authorization, &carried(&[("authorization", "a.b.c")], &[], &[]), Err(Error::MalformedToken));
    token(&authorization, &carried(&[("authorization", "Basic a.b.c")], &[], &[]), Err(Error::MalformedToken));
    token(&["header:authorization"], &carried(&[("Authorization", "a.b.c")], &[], &[]), Err(Error::MalformedToken));
    let other = ["header:X-Token"];
    for value in ["a.b.c", "Bearer a.b.c", "bearer a.b.c"] {
        token(&other, &carried(&[("x-token", value)], &[], &[]), Ok("a.b.c"));
    }
    token(&other, &carried(&[("x-token", "Basic a.b.c")], &[], &[]), Err(Error::MalformedToken));
    token(&other, &carried(&[("Authorization", "Bearer a.b.c")], &[], &[]), Err(Error::MissingToken));
}

#[test]
fn two_different_values_are_malformed_and_the_same_twice_is_one() {
    let twice = |name: &'static str, one, two| carried(&[("Authorization", one), (name, two)], &[], &[]);
    for name in ["Authorization", "authorization", "AUTHORIZATION"] {
        token(&["header:Authorization"], &twice(name, "Bearer a.b.c", "Bearer a.b.c"), Ok("a.b.c"));
        token(&["header:Authorization"], &twice(name, "Bearer a.b.c", "Bearer d.e.f"), Err(Error::MalformedToken));
        token(&["header:Authorization"], &twice(name, "Bearer a.b.c", ""), Ok("a.b.c"));
    }
    let query = |one, two| carried(&[], &[], &[("t", one), ("t", two)]);
    token(&["query:t"], &query("a.b.c", "a.b.c"), Ok("a.b.c"));
    token(&["query:t"], &query("a.b.c", "d.e.f"), Err(Error::MalformedToken));
    token(&["cookie:t"], &carried(&[("Cookie", "t=a.b.c; t=d.e.f")], &[], &[]), Err(Error::MalformedToken));
    token(&["cookie:t"], &carried(&[("Cookie", "t=a.b.c; t=a.b.c")], &["t=a.b.c"], &[]), Ok("a.b.c"));
    token(&["cookie:t"], &carried(&[("Cookie", "t=a.b.c")], &["t=d.e.f"], &[]), Err(Error::MalformedToken));
    let thrice = |first, third| carried(&[("Cookie", first), ("Cookie", "x=1"), ("Cookie", third)], &[], &[]);
    token(&["cookie:t"], &thrice("t=a.b.c", "t=d.e.f"), Err(Error::MalformedToken));
    token(&["cookie:t"], &thrice("y=1", "t=a.b.c"), Ok("a.b.c"));
}

#[test]
fn the_first_source_that_is_there_counts() {
    let both = carried(&[("Authorization", "Bearer a.b.c")], &["t=d.e.f"], &[]);
    token(&["header:Authorization", "cookie:t"], &both, Ok("a.b.c"));
    token(&["cookie:t", "header:Authorization"], &both, Ok("d.e.f"));
    token(&["query:t", "cookie:t"], &both, Ok("d.e.f"));
    let empty = carried(&[("Authorization", "")], &["t=d.e.f"], &[]);
    token(&["header:Authorization", "cookie:t"], &empty, Ok("d.e.f"));
    // One that is there and malformed counts as well: the next must not be a way around it.
    let basic = carried(&[("Authorization", "Basic x")], &["t=d.e.f"], &[]);
    token(&["header:Authorization", "cookie:t"], &basic, Err(Error::MalformedToken));
    token(&["header:Authorization", "cookie:u"], &carried(&[], &["t=d.e.f"], &[]), Err(Error::MissingToken));
}

#[test]
fn a_cookie_is_split_at_its_first_equals_sign_and_its_name_has_case() {
    let cookie = |header: &'static str| carried(&[("cookie", header)], &[], &[]);
    token(&["cookie:t"], &cookie("a=1; t=a.b.c; b=2"), Ok("a.b.c"));
    token(&["cookie:t"], &cookie("t=a.b.c"), Ok("a.b.c"));
    token(&["cookie:t"], &cookie("  t=a.b.c\t;"), Ok("a.b.c"));
    token(&["cookie:t"], &cookie("t=\"a.b.c\""), Ok("a.b.c"));
    token(&["cookie:t"], &cookie("t=Bearer a.b.c"), Ok("a.b.c"));
    for malformed in ["t=\"a.b.c", "t=a.b.c=", "t=a%2Eb.c", "t=a.b.c d", "t=a,b", "t==a.b.c"] {
        token(&["cookie:t"], &cookie(malformed), Err(Error::MalformedToken));
    }
    token(&["cookie:t"], &cookie("t =d.e.f; t=a.b.c"), Err(Error::MalformedToken));
    for missing in ["T=a.b.c", "xt=a.b.c", "t", "t=", "=a.b.c", "", "tt=a.b.c; x"] {
        token(&["cookie:t"], &cookie(missing), Err(Error::MissingToken));
    }
    let many: String = (0..10_000).map(|n| format!("c{n}=x; ")).collect();
    let many = format!("{many}t=a.b.c");
    token(&["cookie:t"], &carried(&[("cookie", &many)], &[], &[]), Ok("a.b.c"));
}

#[test]
fn the_token_is_the_one_subprotocol_after_bearer() {
    let protocols = |list: &'static str| carried(&[("sec-websocket-protocol", list)], &[], &[]);
    for good in ["bearer, a.b.c", "Bearer,a.b.c", "graphql-ws, bearer, a.b.c", "bearer, a.b.c, graphql-ws"] {
        token(&["websocket_protocol"], &protocols(good), Ok("a.b.c"));
    }
    // Names of subprotocols may have two dots.
    for named in ["wamp.2.json, bearer, a.b.c", "bearer, a.b.c, com.example.v1"] {
        token(&["websocket_protocol"], &protocols(named), Ok("a.b.c"));
    }
    // The same one twice, as gateways repeat it.
    for again in ["bearer, eyJ.b.c, bearer, eyJ.b.c", "eyJ.b.c, bearer, eyJ.b.c"] {
        token(&["websocket_protocol"], &protocols(again), Ok("eyJ.b.c"));
    }
    for malformed in [
        "a.b.c",
        "eyJ.b.c",
        "graphql-ws",
        "bearer",
        "bearer,",
        "bearer, ",
        "bearer a.b.c",
        "bearer, a.b.c, eyJ.e.f",
        "eyJ.e.f, bearer, a.b.c",
        "eyJ.e.f, eyJ.b.c, bearer, eyJ.b.c",
        "bearer, a.b.c, bearer, d.e.f",
        "bearer, a.b.c, bearer",
        "bearer, bearer, a.b.c",
        "bearer, Bearer a.b.c",
    ] {
        token(&["websocket_protocol"], &protocols(malformed), Err(Error::MalformedToken));
    }
    // RFC 6455 section 11.3.4: several headers are one list.
    let several = |lists: &[&'static str]| {
        let headers: Vec<_> = lists.iter().map(|list| ("Sec-WebSocket-Protocol", *list)).collect();
        carried(&headers, &[], &[])
    };
    token(&["websocket_protocol"], &several(&["bearer", "eyJ.b.c"]), Ok("eyJ.b.c"));
    token(&["websocket_protocol"], &several(&["", "bearer, eyJ.b.c", "bearer", "eyJ.b.c"]), Ok("eyJ.b.c"));
    for two in [&["bearer, a.b.c", "bearer, d.e.f"][..], &["bearer", "eyJ.b.c", "eyJ.e.f"]] {
        token(&["websocket_protocol"], &several(two), Err(Error::MalformedToken));
    }
    token(&["websocket_protocol"], &carried(&[], &[], &[]), Err(Error::MissingToken));
}
