//! The Allows that a token's patterns ask for, each alone or one for a whole subtree.

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};

use super::{Branch, Builder, Paths, Piece, Source, json_bytes};
use crate::policy::pattern::{Form, NodeId, Part, ROOT, belongs};
use crate::policy::plan::{OwnPattern, TableId};
use crate::routes::Undeclared;

impl Branch {
    fn bytes(&self) -> usize {
        self.denies.values().fold(self.allow_bytes, |sum, bytes| sum.saturating_add(*bytes))
    }

    fn take(&mut self, mut other: Self) {
        if self.denies.len() < other.denies.len() {
            std::mem::swap(&mut self.denies, &mut other.denies);
        }
        self.denies.extend(other.denies);
        self.units.append(&mut other.units);
        self.allow_bytes = self.allow_bytes.saturating_add(other.allow_bytes);
        self.worth = self.worth.saturating_add(other.worth);
        self.left_out = self.left_out.saturating_add(other.left_out);
        self.has_broad |= other.has_broad;
    }
}

impl<'a> Builder<'a> {
    /// The patterns that the token's conditions open, but for those with texts where the token needs none.
    pub(super) fn own_patterns(&self) -> Vec<OwnPattern> {
        let opened = self.grants.conditions.iter().filter_map(|condition| self.plan.own.get(*condition)).flatten();
        let needed = |own: &&OwnPattern| {
            let has_text = self.node(own.table, own.node).is_some_and(|node| node.has_text);
            !(has_text && self.grants.allow(self.plan, own.plain))
        };
        let mut patterns: Vec<OwnPattern> = opened.filter(needed).copied().collect();
        patterns.sort_unstable();
        patterns.dedup_by_key(|own| (own.table, own.node));
        patterns
    }

    pub(super) fn units(&mut self, level: Option<usize>) -> Branch {
        if self.plan.undeclared != Undeclared::Allow || self.paths == Paths::Exact {
            return self.part(level);
        }
        let mut all = Branch { left_out: self.grants.texts_beyond, has_broad: true, ..Branch::default() };
        for table in 0..self.plan.tables.len() {
            let everything = Piece { table, source: Source::Patterns, node: ROOT, form: Form::Subtree, tuple: 0 };
            match self.unit(everything, 1) {
                Some(unit) => all.units.push(unit),
                None => all.left_out = all.left_out.saturating_add(1),
            }
        }
        all
    }

    /// The units of all tables, broad ones at prefixes of `level` segments and more.
    pub(super) fn part(&mut self, level: Option<usize>) -> Branch {
        let mut all = Branch { left_out: self.grants.texts_beyond, ..Branch::default() };
        let patterns = self.own_patterns();
        for table in 0..self.plan.tables.len() {
            let own: FxHashSet<NodeId> = patterns.iter().filter(|own| own.table == table).map(|own| own.node).collect();
            let Some(tree) = self.plan.tables.get(table).map(|table| &table.patterns.tree) else { continue };
            let mut children: FxHashMap<NodeId, Vec<NodeId>> = FxHashMap::default();
            let mut known: FxHashSet<NodeId> = FxHashSet::default();
            for node in &own {
                let mut at = *node;
                while at != ROOT
                    && known.insert(at)
                    && let Some(parent) = tree.get(at).map(|node| node.parent)
                {
                    children.entry(parent).or_default().push(at);
                    at = parent;
                }
            }
            children.values_mut().for_each(|nodes| nodes.sort_unstable());
            let branch = self.visit(table, &own, &children, level, ROOT, 0, &mut 0);
            all.take(Branch { denies: BTreeMap::new(), ..branch });
        }
        all
    }

    #[expect(clippy::too_many_arguments, reason = "a recursion over one table")]
    fn visit(
        &mut self,
        table: TableId,
        own: &FxHashSet<NodeId>,
        children: &FxHashMap<NodeId, Vec<NodeId>>,
        level: Option<usize>,
        node: NodeId,
        tuple: usize,
        spent: &mut usize,
    ) -> Branch {
        let mut branch = Branch::default();
        let exact = Piece { table, source: Source::Patterns, node, form: Form::Exact, tuple };
        let mut form = Form::Below;
        if own.contains(&node) {
            form = Form::Subtree;
            branch.take(self.branch(exact, 1));
        }
        for child in children.get(&node).into_iter().flatten() {
            let Some(Part::Text(part)) = self.node(table, *child).and_then(|node| node.part) else {
                branch.take(self.visit(table, own, children, level, *child, tuple, spent));
                continue;
            };
            let grants = self.grants;
            for text in grants.texts.iter().filter(|text| belongs(part, text.signature)) {
                let encoded = text.encoded.as_deref().filter(|_| self.encoded);
                for text in std::iter::once(text.text.as_str()).chain(encoded) {
                    // What cannot fit any more need not be looked at: a token may have a thousand texts.
                    let longer = if *spent > self.room { None } else { self.longer(tuple, text) };
                    let Some(longer) = longer else {
                        branch.left_out = branch.left_out.saturating_add(1);
                        break;
                    };
                    let before = *spent;
                    let part = self.visit(table, own, children, level, *child, longer, spent);
                    *spent = before.saturating_add(part.allow_bytes);
                    branch.take(part);
                }
            }
        }
        let deep = self.node(table, node).map_or(0, |node| node.depth);
        if level.is_some_and(|level| deep >= level) && branch.units.len() > 1 {
            let broad = self.branch(Piece { form, ..exact }, branch.worth);
            if !broad.units.is_empty() && broad.bytes() < branch.bytes() {
                return Branch { left_out: branch.left_out, has_broad: true, ..broad };
            }
        }
        branch
    }

    /// The tuple with one more text. The same texts always get the same tuple, so a piece never changes its meaning.
    fn longer(&mut self, tuple: usize, text: &'a str) -> Option<usize> {
        if let Some(known) = self.longer_tuples.get(&(tuple, text)) {
            return Some(*known);
        }
        let mut longer = self.tuples.get(tuple)?.clone();
        longer.texts.push(text);
        longer.chars = longer.chars.saturating_add(text.chars().count());
        longer.bytes = longer.bytes.saturating_add(json_bytes(text));
        let made = self.tuples.len();
        self.tuples.push(longer);
        self.longer_tuples.insert((tuple, text), made);
        Some(made)
    }

    /// One Allow alone.
    fn branch(&mut self, allow: Piece, worth: usize) -> Branch {
        let Some(unit) = self.unit(allow, worth) else { return Branch { left_out: 1, ..Branch::default() } };
        let denies = unit.denies.iter().map(|deny| (*deny, self.deny_bytes(*deny))).collect();
        let allow_bytes = self.allow_bytes(allow);
        Branch { allow_bytes, denies, worth: unit.worth, units: vec![unit], ..Branch::default() }
    }
}
