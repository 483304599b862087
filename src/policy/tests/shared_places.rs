//! Entries that share a place: a claim that several of them compare with it, and one Deny for several that are refused.

use super::examples::{document, none, scope, sub, table, token};
use super::rules::Mode;

#[test]
fn a_claim_is_known_below_a_literal_and_a_parameter_that_entries_compare_it_with() {
    let rules = table(Mode::Absent, &[("GET", "/a/{x}", sub("{x}")), ("GET", "/{p}/{x}", sub("{x}"))]);
    let allow = ["GET/?*/u1", "GET/?*/u1/", "GET/a/u1", "GET/a/u1/"];
    document(&rules, &token(&[], "u1"), "GET/a/u1", &allow, &[]);
}

#[test]
fn a_parameter_and_the_rest_of_a_path_at_one_place_share_their_resources() {
    let rules = table(Mode::Absent, &[("GET", "/o/{x}", sub("{x}")), ("GET", "/o/{rest+}", sub("{rest}"))]);
    document(&rules, &token(&[], "u1"), "GET/o/u1", &["GET/o/u1", "GET/o/u1/"], &[]);
}

#[test]
fn one_deny_covers_all_that_is_refused_below_a_literal() {
    let entries = [("GET", "/{id}", none()), ("GET", "/a/x", scope("s")), ("GET", "/a/y", scope("s"))];
    document(&table(Mode::Absent, &entries), &token(&[], "u1"), "GET/zz", &["GET/?*", "GET/zz"], &["GET/a/?*"]);
}

#[test]
fn no_deny_covers_a_literal_below_which_another_entry_is_open() {
    let entries = [("GET", "/{p}/{q}", none()), ("GET", "/a/x", scope("s")), ("GET", "/a/y", scope("s"))];
    let deny = ["GET/a/x", "GET/a/x/", "GET/a/y", "GET/a/y/"];
    document(&table(Mode::Absent, &entries), &token(&[], "u1"), "GET/zz/zz", &["GET/?*/?*", "GET/zz/zz"], &deny);
}
