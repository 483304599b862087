//! Claim operators.

use super::*;

#[test]
fn an_operator_that_takes_more_or_less_than_it_seems_to_gets_a_warning() {
    let cases = [
        (json!({ "starts_with": "repo:acme/*" }), "the `*` at the end of `starts_with`"),
        (json!({ "starts_with": "^repo:acme/" }), "the beginning of a value is compared byte for byte"),
        (json!({ "starts_with": "{tenant}/" }), "the beginning of a value has braces"),
        (json!({ "none_of": ["pending "] }), "a value begins or ends with white space"),
        (json!([{ "present": true }, { "absent": true }]), "one of a list is enough, so `present` and `absent`"),
        (json!([{ "present": true }, "a"]), "one of a list is enough, so `present` takes"),
        (json!([{ "none_of": ["a"] }, { "none_of": ["b"] }]), "one of a list is enough, so of several `none_of`"),
    ];
    for (accepted, begins) in cases {
        let claims = json!({ "c": accepted });
        of_issuer(
            json!({ "issuer": "https://idp.test/", "required_claims": claims }),
            "issuers[0].required_claims",
            begins,
        );
        of_route(json!({ "path": "/pets", "claims": claims }), "routes[0].claims", begins);
    }
    for accepted in [
        json!({ "starts_with": "repo:acme/" }),
        json!([{ "absent": true }, { "none_of": ["pending"] }]),
        json!(["a", { "starts_with": "b:" }, { "absent": true }]),
        json!([{ "present": true }]),
    ] {
        let found = issuer(json!({ "issuer": "https://idp.test/", "required_claims": { "c": accepted } }));
        assert_eq!(found, [], "{accepted}");
    }
}
