//! A table that starts, and the checks that each of its answers must pass.

use serde_json::Value;

use super::iam::Document;
use super::rules::{Judge, Mode, Rules, Token};
use super::*;

/// The approximate number of bytes that an answer leaves for the policy.
pub(super) const ROOM: usize = 7936;

pub(super) struct Started {
    pub(super) rules: Rules,
    pub(super) routes: Routes,
    pub(super) plan: Plan,
    pub(super) warnings: Vec<String>,
}

impl Started {
    #[track_caller]
    pub(super) fn new(rules: Rules) -> Self {
        let routes = routes(&rules).unwrap();
        let (plan, warnings) = Plan::new(&routes).unwrap_or_else(|mistakes| panic!("{}", mistakes[0]));
        Self { rules, routes, plan, warnings: warnings.iter().map(ToString::to_string).collect() }
    }

    /// The document for a request, and the number of units left out.
    pub(super) fn answer(&self, token: &Token, request: &str, room: usize) -> (Value, usize) {
        let (policy, left_out) = answer(&self.routes, &self.plan, token, request, room);
        (json(&policy), left_out)
    }

    /// The answer to a request, checked with all paths of up to `deep` of these segments: it is sound, right for the
    /// request, and within its budget; and if nothing is left out, it refuses no ordinary path.
    #[track_caller]
    pub(super) fn judged(
        &self,
        token: &Token,
        request: &str,
        room: usize,
        segments: &[&str],
        deep: usize,
    ) -> (Value, usize) {
        let (policy, left_out) = self.answer(token, request, room);
        let text = policy.to_string();
        assert!(text.len() <= room.max(512), "{} bytes for {room}: {text}", text.len());
        let document = Document::new(&policy, STAGE);
        let judge = Judge::new(&self.rules);
        let (method, path) = request.split_once('/').unwrap();
        let asked = judge.read(path);
        let wanted = judge.allow(token, method, &asked);
        assert_eq!(document.allows(request), wanted, "{token:?} asks for {request}: {text}");
        // The declared methods, and OPTIONS.
        let declared = |method: &str| {
            let of = |methods: &[&str]| methods.is_empty() || methods.contains(&method);
            self.rules.entries.iter().any(|entry| of(&entry.methods)) || method == "OPTIONS"
        };
        let methods: Vec<_> = METHODS.into_iter().filter(|method| declared(method)).collect();
        let is_ordinary = !wanted || judge.ordinary(token, method, &asked);
        for path in paths(segments, deep) {
            let reading = judge.read(&path);
            for method in &methods {
                if self.rules.mode == Mode::Absent && !judge.declared(method, &reading) {
                    continue;
                }
                let tail = format!("{method}/{path}");
                let (wanted, given) = (judge.allow(token, method, &reading), document.allows(&tail));
                assert!(wanted || !given, "{token:?} may not use {tail}: {text}");
                let promised = left_out == 0 && is_ordinary && judge.ordinary(token, method, &reading);
                assert!(!wanted || given || !promised, "{token:?} may use {tail}: {text}");
            }
        }
        (policy, left_out)
    }
}

/// All paths of these segments, with and without a trailing slash.
pub(super) fn paths(segments: &[&str], deep: usize) -> Vec<String> {
    let mut paths = vec![String::new()];
    let mut level: Vec<String> = segments.iter().map(|segment| (*segment).to_owned()).collect();
    for _ in 0..deep {
        paths.extend(level.iter().cloned());
        paths.extend(level.iter().map(|path| format!("{path}/")));
        let longer = level.iter().flat_map(|path| segments.iter().map(move |segment| format!("{path}/{segment}")));
        level = longer.collect();
    }
    paths
}
