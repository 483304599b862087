//! `token_sources` and `http_api_answer`: REQUEST events, and their answers.

use super::walk::{Node, all};
use crate::event::{PROTOCOLS, TokenSource};
use crate::response::Form;

/// Reads `token_sources`.
pub(super) fn token_sources(node: &Node<'_>) -> Option<Vec<TokenSource>> {
    const EXPECTED: &str =
        "expected `header:NAME`, `cookie:NAME`, `query:NAME` or `websocket_protocol`, or a list of these";
    let source = |item: Node<'_>| {
        let source = TokenSource::parse(&item.text(EXPECTED)?);
        match &source {
            None => item.reject(EXPECTED),
            Some(TokenSource::Header(name)) if name.eq_ignore_ascii_case("Cookie") => {
                item.reject("this header holds cookies, not a token; name the cookie: `cookie:NAME`")
            }
            Some(TokenSource::Header(name)) if name.eq_ignore_ascii_case(PROTOCOLS) => {
                item.reject("this header holds a list of subprotocols, not a token; set `websocket_protocol`")
            }
            Some(_) => source,
        }
    };
    let sources = all(node.one_or_more()?.map(source))?;
    if sources.len() > 1 {
        node.walk.warning(
            &node.place,
            "an answer is kept by the identity sources of the gateway's authorizer, and without a token in one of them it is not asked; with \
             several places for the token, leave the identity sources out and set its cache time to 0",
        );
    }
    Some(sources)
}

/// Reads `http_api_answer`; `single_request` says whether a policy speaks of one request, if that is known.
pub(super) fn http_api_answer(node: &Node<'_>, single_request: Option<bool>) -> Option<Form> {
    let answer = node.word(&[("iam", Form::Policy), ("simple", Form::Simple)])?;
    if answer == Form::Simple && single_request == Some(false) {
        return node.reject(
            "`simple` says yes or no to whatever the gateway keeps the answer for, so it needs `policy` `single_request`, and an authorizer \
             whose identity sources are the token, `$context.routeKey` and the path, or whose cache time is 0",
        );
    }
    Some(answer)
}
