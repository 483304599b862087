//! What API Gateway makes of a policy: in a Resource `*` stands for any text, also none, and `?` for one character; a Deny
//! beats every Allow; what nothing allows is refused.

use serde_json::Value;

use super::request::STAGE;
use crate::authorizer::Authorizer;
use crate::policy::glob::matches;
use crate::time::NumericDate;

/// What a policy says about one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// An Allow names it, and no Deny.
    Allowed,
    /// A Deny names it.
    ExplicitDeny,
    /// Nothing that is in force names it.
    ImplicitDeny,
}

/// The statements of a policy document.
pub(super) struct Policy(Vec<Statement>);

struct Statement {
    allow: bool,
    resources: Vec<String>,
    /// The end of what it allows.
    until: Option<String>,
}

impl Policy {
    /// Reads a document as it is sent.
    pub(super) fn new(document: &Value) -> Self {
        let list = |value: &Value, name: &str| value.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
        let statement = |statement: &Value| {
            let resources = list(statement, "Resource");
            let until = statement.pointer("/Condition/DateLessThan/aws:CurrentTime");
            Statement {
                allow: statement.get("Effect").is_some_and(|effect| effect == "Allow"),
                resources: resources.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
                until: until.and_then(Value::as_str).map(str::to_owned),
            }
        };
        Self(list(document, "Statement").iter().map(statement).collect())
    }

    /// What it says about a request.
    pub(super) fn verdict(&self, arn: &str, now: NumericDate) -> Verdict {
        // Dates in this form compare as texts.
        let in_time = |statement: &Statement| statement.until.as_ref().is_none_or(|until| now.iso8601() < *until);
        let named = |allow: bool| {
            self.0.iter().any(|statement| {
                statement.allow == allow
                    && in_time(statement)
                    && statement.resources.iter().any(|pattern| matches(pattern, arn))
            })
        };
        match (named(false), named(true)) {
            (true, _) => Verdict::ExplicitDeny,
            (false, true) => Verdict::Allowed,
            (false, false) => Verdict::ImplicitDeny,
        }
    }

    /// Whether it lets a request pass.
    pub(super) fn allows(&self, arn: &str, now: NumericDate) -> bool {
        self.verdict(arn, now) == Verdict::Allowed
    }

    /// When it stops to allow anything.
    pub(super) fn until(&self) -> Option<&str> {
        self.0.iter().filter(|statement| statement.allow).find_map(|statement| statement.until.as_deref())
    }
}

impl Authorizer {
    /// What API Gateway makes of a policy document, now, for a request like one of [`event`](super::event).
    #[must_use]
    pub fn verdict(&self, document: &Value, method: &str, path: &str) -> Verdict {
        let path = path.strip_prefix('/').unwrap_or(path);
        Policy::new(document).verdict(&format!("{STAGE}/{method}/{path}"), self.clock.now().date())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deny_wins_a_date_ends_its_own_statement_and_the_rest_is_refused() {
        let document = serde_json::json!({ "Statement": [
            { "Effect": "Allow", "Resource": ["a/*"], "Condition": { "DateLessThan": { "aws:CurrentTime": "2027-01-01T00:00:00Z" } } },
            { "Effect": "Allow", "Resource": ["b/?"] },
            { "Effect": "Deny", "Resource": ["a/secret*"] },
        ] });
        let policy = Policy::new(&document);
        for (arn, now, expected) in [
            ("a/b/c", 1_798_761_599.0, Verdict::Allowed),
            ("a/b/c", 1_798_761_600.0, Verdict::ImplicitDeny),
            ("a/secrets", 0.0, Verdict::ExplicitDeny),
            ("b/x", 1_900_000_000.0, Verdict::Allowed),
            ("b/xy", 0.0, Verdict::ImplicitDeny),
        ] {
            assert_eq!(policy.verdict(arn, NumericDate(now)), expected, "{arn} at {now}");
        }
    }
}
