//! What goes into an answer where not everything fits.

use serde_json::json;

use super::examples::{none, scope, sub, table};
use super::rules::{Mode, Token, Way};
use super::*;
use crate::error::Error;
use crate::policy::draft::json_bytes;

/// A table that starts, and what a token may do with it.
struct Table {
    routes: Routes,
    plan: Plan,
    token: Token,
}

impl Table {
    fn new(mode: Mode, entries: &[(&'static str, &str, Vec<Way>)]) -> Self {
        let routes = routes(&table(mode, entries)).unwrap();
        let (plan, _) = Plan::new(&routes).unwrap();
        Self { routes, plan, token: Token { scopes: Vec::new(), claims: json!({ "sub": "auth0|7" }) } }
    }

    /// The document for a request in so much room, and how much was left out.
    fn document(&self, request: &str, room: usize) -> (String, usize) {
        let (policy, left_out) = answer(&self.routes, &self.plan, &self.token, request, room);
        (json(&policy).to_string(), left_out)
    }

    /// Why a request is refused in so much room.
    fn refusal(&self, request: &str, room: usize) -> Option<Error> {
        let (token, arn) = (verified(&self.token), arn(request));
        let permit = self.routes.decide(&arn, &token).permit;
        self.plan.policy(&self.routes, &token, &arn, permit, PolicyExpiry::Token, room).1
    }

    /// The least room in which a document says this.
    #[track_caller]
    fn least_room(&self, request: &str, says: &str) -> usize {
        let says = format!("\"{STAGE}{says}\"");
        (0..7936).find(|room| self.document(request, *room).0.contains(&says)).unwrap()
    }
}

#[test]
fn a_text_is_as_long_as_in_json() {
    for text in ["GET/pets", "a\"b", "a\\b", "\u{1}\u{1f}", "\u{e9}\u{1f600}", ""] {
        assert_eq!(json_bytes(text), json!(text).to_string().len() - 2, "{text:?}");
    }
}

#[test]
fn all_that_is_encoded_is_refused_where_the_letters_take_too_much_room() {
    let table = Table::new(Mode::Deny, &[("GET", "/pets/{id}", none()), ("GET", "/pets/search", none())]);
    let least = table.least_room("GET/pets", "GET/pets/?*");
    let all = format!("\"{STAGE}*%*\"");
    let (text, left_out) = table.document("GET/pets", least);
    assert!(text.contains(&all) && left_out == 0, "{text}");
    let (text, left_out) = table.document("GET/pets", 7936);
    assert!(!text.contains(&all) && left_out == 0, "{text}");
}

#[test]
fn letters_are_told_apart_where_nothing_more_would_fit_without() {
    let long = format!("/{}/{{id}}", "x".repeat(400));
    let table = Table::new(Mode::Deny, &[("GET", "/pets/{id}", none()), ("GET", &long, none())]);
    let least = table.least_room("GET/pets", "*%25*");
    let (text, left_out) = table.document("GET/pets", least);
    assert!(text.contains("GET/pets/?*\"") && left_out == 1, "{text}");
}

#[test]
fn the_wildcard_of_a_long_request_goes_before_all_others() {
    let table = Table::new(
        Mode::Deny,
        &[("GET", "/a/{id}", none()), ("POST", "/b/{id}", none()), ("GET", "/b/{id}", none()), ("GET", "/c", none())],
    );
    let long = format!("GET/b/{}", "z".repeat(500));
    let least = table.least_room(&long, "GET/b/?*");
    let (text, left_out) = table.document(&long, least);
    for other in ["GET/a/?*", "POST/b/?*", "GET/c"] {
        assert!(!text.contains(&format!("{other}\"")), "{text}");
    }
    assert_eq!(left_out, 3);
    assert_eq!(least, text.len() + 2, "two lists each have a comma less than Resources");
}

#[test]
fn a_mask_takes_room_too() {
    let table = Table::new(Mode::Deny, &[("GET", "/pets/{id}", none())]);
    for room in 400..2000 {
        let (text, _) = table.document(&format!("GET/pets/${{{}}}", "a".repeat(100)), room);
        assert!(text.len() <= room, "{room}: {text}");
    }
}

#[test]
fn a_resource_has_at_most_512_characters() {
    // With the slash at its end.
    let path = |more: usize| format!("/{}", "x".repeat(512 - STAGE.len() - "GET//".len() + more));
    for (more, expected) in [(0, 0), (1, 1)] {
        let table = Table::new(Mode::Deny, &[("GET", &path(more), none())]);
        let (text, left_out) = table.document("GET/", 7936);
        assert_eq!((left_out, text.contains("xxx")), (expected, expected == 0), "{text}");
    }
}

#[test]
fn a_document_goes_into_as_much_room_as_it_takes() {
    for entries in [
        vec![("GET", "/pets/{id}", none())],
        vec![("GET PUT DELETE", "/pets/{id}", none())],
        vec![("GET PUT", "/pets/{id}", none()), ("POST", "/pets/{id}/toys", none())],
        vec![("GET PUT DELETE", "/pets/{id}", none()), ("GET POST", "/pets/new", scope("new"))],
        vec![("GET PUT", "/pets/{id}", none()), ("GET", "/users/{id}/posts/{post}", sub("{id}"))],
        vec![("ANY", "/{proxy+}", none()), ("ANY", "/admin/{path+}", scope("admin"))],
    ] {
        let table = Table::new(Mode::Deny, &entries);
        let (whole, left_out) = table.document("GET/pets/1", 7936);
        assert_eq!(left_out, 0);
        // The smaller room first, with nothing kept yet. Two lists each have a comma less than Resources.
        let table = Table::new(Mode::Deny, &entries);
        let fits = |room| table.document("GET/pets/1", room).0 == whole;
        assert!(!fits(whole.len() + 1) && fits(whole.len() + 2), "{whole}");
    }
}

#[test]
fn no_text_is_written_as_clients_encode_it_where_all_that_is_encoded_is_refused() {
    let table = Table::new(Mode::Deny, &[("GET", "/users/{id}", sub("{id}")), ("GET", "/pets/{id}", none())]);
    let least = table.least_room("GET/pets/1", "*%*");
    let (text, _) = table.document("GET/pets/1", least);
    assert!(text.contains("GET/users/auth0|7\"") && !text.contains("auth0%7C7"), "{text}");
    let (text, _) = table.document("GET/pets/1", 7936);
    assert!(text.contains("GET/users/auth0|7\"") && text.contains("GET/users/auth0%7C7\""), "{text}");
}

#[test]
fn a_request_that_the_rules_let_pass_and_no_document_can_name_is_refused() {
    let table = Table::new(Mode::Deny, &[("GET", "/pets/{id}", none()), ("GET", "/pets/search", none())]);
    let long = format!("GET/pets/{}", "z".repeat(500));
    let no_room = Some(Error::AmbiguousPath);
    for (request, room, expected) in [
        ("GET/pets/1", 7936, None),
        ("GET/pets/1", 100, no_room),
        (&long, 7936, None),
        (&long, 400, no_room),
        // Its own Resource is the only one that covers it.
        ("GET/pets/%73", 7936, None),
        ("GET/pets/%73", 100, no_room),
        ("GET/nowhere", 7936, Some(Error::UndeclaredRoute)),
        ("GET/nowhere", 100, Some(Error::UndeclaredRoute)),
    ] {
        assert_eq!(table.refusal(request, room), expected, "{request} with room for {room}");
    }
}

#[test]
fn undeclared_paths_of_most_methods_go_before_literals_where_not_all_fit() {
    let table = Table::new(Mode::Allow, &[("GET", "/health", none()), ("GET", "/admin/{path+}", scope("admin"))]);
    let (whole, left_out) = table.document("GET/x", 7936);
    assert_eq!((left_out, whole.contains("OPTIONS/*\"")), (0, true), "{whole}");
    let least = table.least_room("GET/x", "OPTIONS/*");
    let (most, left_out) = table.document("GET/x", least - 1);
    assert!(most.contains("GET/*\"") && left_out > 0, "{most}");
}
