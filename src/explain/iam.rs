//! What API Gateway makes of a policy: in a Resource `*` stands for any text, also none, and `?` for one character; a Deny
//! beats every Allow; what nothing allows is refused.

use serde_json::Value;

use crate::policy::glob::matches;
use crate::time::NumericDate;

/// The Resources of a policy document.
pub(super) struct Policy {
    allow: Vec<String>,
    deny: Vec<String>,
    /// The end of what it allows.
    until: Option<String>,
}

impl Policy {
    /// Reads a document as it is sent.
    pub(super) fn new(document: &Value) -> Self {
        let mut policy = Self { allow: Vec::new(), deny: Vec::new(), until: None };
        let list =
            |value: &'_ Value, name: &str| value.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
        for statement in list(document, "Statement") {
            let resources = list(&statement, "Resource");
            let resources = resources.iter().filter_map(Value::as_str).map(str::to_owned);
            if statement.get("Effect").is_some_and(|effect| effect == "Allow") {
                policy.allow.extend(resources);
                let until = statement.pointer("/Condition/DateLessThan/aws:CurrentTime");
                policy.until = until.and_then(Value::as_str).map(str::to_owned);
            } else {
                policy.deny.extend(resources);
            }
        }
        policy
    }

    /// Whether it lets a request pass.
    pub(super) fn allows(&self, arn: &str, now: NumericDate) -> bool {
        let one_of = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, arn));
        // Dates in this form compare as texts.
        let in_time = self.until.as_ref().is_none_or(|until| now.iso8601() < *until);
        in_time && one_of(&self.allow) && !one_of(&self.deny)
    }

    /// When it stops to allow anything.
    pub(super) fn until(&self) -> Option<&str> {
        self.until.as_deref()
    }
}
