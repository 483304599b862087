//! What a Resource says after the stage.

use std::borrow::Cow;

use super::pattern::matches;

/// A method, or what stands for all, and a path; or a pattern of its own. It is put together only where it is written, for
/// most drafts are looked at and not written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Named<'a> {
    /// Empty for a pattern of its own.
    method: &'static str,
    path: Cow<'a, str>,
}

impl<'a> Named<'a> {
    pub(super) fn new(method: &'static str, path: impl Into<Cow<'a, str>>) -> Self {
        Self { method, path: path.into() }
    }

    /// For every method.
    pub(super) fn pattern(pattern: Cow<'a, str>) -> Self {
        Self { method: "", path: pattern }
    }

    /// Whether it covers a request, `METHOD/path`.
    pub(super) fn covers(&self, request: &str) -> bool {
        let [method, slash, path] = self.texts().map(str::chars);
        matches(method.chain(slash).chain(path), request)
    }

    /// With the stage before it.
    pub(super) fn after(&self, stage: &str) -> String {
        let [method, slash, path] = self.texts();
        [stage, method, slash, path].concat()
    }

    fn texts(&self) -> [&str; 3] {
        [self.method, if self.method.is_empty() { "" } else { "/" }, &self.path]
    }
}
