//! The Resources of an answer, counted in bytes as units are taken in.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::{Builder, Draft, FRAME_BYTES, Unit, json_bytes, resource_bytes};
use crate::policy::ambiguity_denies::Grade;
use crate::policy::glob::matches;

/// The Resources of the units that were taken, each once.
pub(super) struct Assembly {
    allow: Vec<String>,
    /// By tail, the methods for which it is denied.
    denied: BTreeMap<String, Denied>,
    ambiguity_denies: Vec<String>,
    ambiguity_bytes: usize,
    is_wild: bool,
    used: usize,
}

#[derive(Clone, Debug)]
struct Denied {
    methods: Vec<&'static str>,
    may_star: bool,
}

impl Denied {
    fn names(&self) -> Vec<&'static str> {
        if self.methods.len() > 1 && self.may_star { vec!["*"] } else { self.methods.clone() }
    }

    fn bytes(&self, stage: usize, tail: usize) -> usize {
        self.names().iter().fold(0, |sum: usize, name| {
            let text = stage.saturating_add(name.len()).saturating_add(1).saturating_add(tail);
            sum.saturating_add(resource_bytes(text))
        })
    }
}

impl Assembly {
    pub(super) fn new(builder: &Builder<'_>, grade: Grade) -> Self {
        let denies = builder.plan.encodable.denies(grade);
        let bytes = denies.iter().fold(0, |sum: usize, deny| {
            sum.saturating_add(resource_bytes(builder.stage_bytes.saturating_add(json_bytes(deny))))
        });
        Self {
            allow: Vec::new(),
            denied: BTreeMap::new(),
            ambiguity_denies: denies,
            ambiguity_bytes: bytes,
            is_wild: false,
            used: FRAME_BYTES,
        }
    }

    /// Takes a unit in, if it fits with all its Denies.
    pub(super) fn add(&mut self, builder: &Builder<'_>, unit: &Unit) -> bool {
        let stage = builder.stage_bytes;
        let mut used = self.used;
        // Units share Denies, but never an Allow.
        if used.saturating_add(builder.allow_bytes(unit.allow)) > builder.room {
            return false;
        }
        let Some(allow) = builder.tails(unit.allow) else { return false };
        if unit.is_wild && !self.is_wild {
            used = used.saturating_add(self.ambiguity_bytes);
        }
        let mut resources = Vec::new();
        for method in builder.methods(unit.allow.table) {
            for tail in &allow {
                let resource = [method, "/", tail].concat();
                used = used.saturating_add(resource_bytes(stage.saturating_add(json_bytes(&resource))));
                resources.push(resource);
            }
        }
        let mut changed: FxHashMap<String, Denied> = FxHashMap::default();
        for piece in &unit.denies {
            let Some(tails) = builder.tails(*piece) else { return false };
            let may_star = builder.may_star(*piece);
            // A Deny that says nothing would leave its Allow alone.
            if tails.is_empty() || builder.methods(piece.table).is_empty() {
                return false;
            }
            for tail in tails {
                let known = changed.get(&tail).or_else(|| self.denied.get(&tail));
                let bytes = json_bytes(&tail);
                let mut denied = match known {
                    Some(known) => {
                        used = used.saturating_sub(known.bytes(stage, bytes));
                        known.clone()
                    }
                    None => Denied { methods: Vec::new(), may_star: true },
                };
                denied.may_star &= may_star;
                for method in builder.methods(piece.table) {
                    if !denied.methods.contains(method) {
                        denied.methods.push(*method);
                    }
                }
                used = used.saturating_add(denied.bytes(stage, bytes));
                changed.insert(tail, denied);
            }
        }
        if used > builder.room {
            return false;
        }
        self.used = used;
        self.is_wild |= unit.is_wild;
        self.allow.append(&mut resources);
        self.denied.extend(changed);
        true
    }

    pub(super) fn finish(self, left_out: usize) -> Draft {
        let deny: Vec<String> = self
            .denied
            .iter()
            .flat_map(|(tail, denied)| denied.names().into_iter().map(move |name| [name, "/", tail].concat()))
            .collect();
        // A Deny that names one path says nothing where a wider one stands as well.
        let wild: Vec<&String> = deny.iter().filter(|deny| deny.contains('*')).collect();
        let is_needed = |deny: &&String| deny.contains('*') || !wild.iter().any(|wider| matches(wider, deny));
        Draft {
            deny: deny.iter().filter(is_needed).cloned().collect(),
            ambiguity_denies: if self.is_wild { self.ambiguity_denies } else { Vec::new() },
            allow: self.allow,
            left_out,
        }
    }
}
