//! Scopes that come with others: what a group or a role stands for.

/// Scope, group or role -> the scopes that it also grants, one step deep: what is granted grants nothing further.
#[derive(Debug, Default)]
pub(crate) struct ScopeMap(Vec<(String, Vec<String>)>);

impl ScopeMap {
    pub(crate) fn new(entries: Vec<(String, Vec<String>)>) -> Self {
        Self(entries)
    }

    /// Each name, and what it grants.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0.iter().map(|(name, granted)| (name.as_str(), granted.as_slice()))
    }

    /// The names that grant a scope.
    pub(crate) fn granting(&self, scope: &str) -> impl Iterator<Item = &str> {
        self.entries().filter(move |(_, granted)| granted.iter().any(|granted| granted == scope)).map(|(name, _)| name)
    }

    /// Adds to sorted scopes what they grant. Each name is looked up once, however often a token repeats it.
    pub(super) fn extend(&self, scopes: &mut Vec<String>) {
        if self.0.is_empty() {
            return;
        }
        let is_held = |name: &str| scopes.binary_search_by(|scope| scope.as_str().cmp(name)).is_ok();
        let granted = self.entries().filter(|(name, _)| is_held(name)).flat_map(|(_, granted)| granted);
        let granted: Vec<String> = granted.cloned().collect();
        scopes.extend(granted);
        scopes.sort_unstable();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn extended(map: &[(&str, &[&str])], scopes: &[&str], expected: &[&str]) {
        let owned = |texts: &[&str]| -> Vec<String> { texts.iter().map(|text| (*text).to_owned()).collect() };
        let map = ScopeMap::new(map.iter().map(|(name, granted)| ((*name).to_owned(), owned(granted))).collect());
        let mut scopes = owned(scopes);
        map.extend(&mut scopes);
        assert_eq!(scopes, expected);
    }

    #[test]
    fn a_name_also_grants_its_scopes() {
        let map: &[(&str, &[&str])] = &[("admins", &["write", "read"]), ("Domain Users", &["read"])];
        extended(map, &[], &[]);
        extended(map, &["read"], &["read"]);
        extended(map, &["admins", "x"], &["admins", "read", "write", "x"]);
        extended(map, &["Domain Users"], &["Domain Users", "read"]);
        extended(map, &["Admins", "admins2", "users"], &["Admins", "admins2", "users"]);
    }

    #[test]
    fn what_is_granted_grants_nothing_further() {
        let map: &[(&str, &[&str])] = &[("a", &["b"]), ("b", &["c"]), ("c", &["a"])];
        extended(map, &["a"], &["a", "b"]);
        extended(map, &["b"], &["b", "c"]);
        extended(map, &["c"], &["a", "c"]);
    }

    #[test]
    fn a_name_that_is_repeated_grants_once() {
        extended(&[("a", &["b"])], &["a", "a", "a"], &["a", "a", "a", "b"]);
    }
}
