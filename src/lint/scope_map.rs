//! Names of `scope_map` that grant nothing, or not what they seem to.

use std::collections::HashSet;

use serde_json::Value;

use super::Warnings;
use crate::claims::ScopeMap;
use crate::routes::Routes;

pub(super) fn lint(path: &str, map: &ScopeMap, routes: &Routes, warnings: &mut Warnings) {
    let ways = routes.entries().iter().flat_map(|entry| &entry.need.any_of);
    let needed: HashSet<&str> = ways.flat_map(|way| way.scopes.iter().flatten()).map(|scope| &**scope).collect();
    for (name, granted) in map.entries() {
        let path = format!("{path}.scope_map[{}]", Value::from(name));
        if name.trim() != name {
            warnings.add(&path, "the name begins or ends with white space, which is part of it; remove it");
        }
        if granted.iter().any(|scope| scope == name) {
            warnings.add(&path, "a token that has this name has it anyway; remove it from what it grants");
        }
        let mut others = granted.iter().filter(|scope| *scope != name);
        if others.clone().any(|scope| map.entries().any(|(further, _)| further == scope)) {
            warnings.add(&path, "what is granted grants nothing further; write out what it is to grant here, too");
        } else if others.any(|scope| !needed.contains(scope.as_str())) {
            warnings.add(&path, "no route needs one of the scopes that it grants; correct its spelling, or remove it");
        }
    }
}
