//! The Resources of a statement.

use std::sync::Arc;

use serde::ser::{Serialize, SerializeSeq as _, Serializer};
use serde_json::value::RawValue;

/// The request's own Resource, then the others, none of which repeats it.
#[derive(Clone, Debug)]
pub(crate) struct Resources {
    own: Option<String>,
    /// In JSON already, for many policies.
    others: Arc<[Box<RawValue>]>,
}

impl Resources {
    pub(super) fn new(own: Option<String>, others: &Arc<[Box<RawValue>]>) -> Self {
        Self { own, others: Arc::clone(others) }
    }

    /// One alone.
    pub(super) fn one(own: String) -> Self {
        Self { own: Some(own), others: Arc::default() }
    }

    pub(super) fn are_none(&self) -> bool {
        self.own.is_none() && self.others.is_empty()
    }
}

/// A Resource without the quotes of JSON. One that needs escapes looks different in JSON, but such a Resource is never a request's own.
fn unquoted(written: &RawValue) -> &str {
    let text = written.get();
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
}

impl Serialize for Resources {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        let own = self.own.as_deref();
        if let Some(own) = own {
            list.serialize_element(own)?;
        }
        let mut others = self.others.iter().filter(|other| own != Some(unquoted(other)));
        others.try_for_each(|other| list.serialize_element(other))?;
        list.end()
    }
}
