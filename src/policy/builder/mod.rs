//! From what a token may do to the Resources of its policy.
//!
//! An [`Unit`] is an Allow that owns the Denies it needs: it goes into an answer whole or not at all. Which units there are
//! is a function of the table and the token's grants; only bytes decide which of them fit.

mod assembly;
mod denies;

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};

use assembly::Assembly;

use super::MAX_RESOURCE_CHARS;
use super::ambiguity_denies::{GRADES, Grade};
use super::grants::Grants;
use super::pattern::{Form, NodeId, Part, PatternTree, ROOT, belongs, spell, tails};
use super::plan::{Overlaps, OwnPattern, Plan, TableId};
use crate::routes::{METHODS, Undeclared};

/// What a document with one Allow and one Deny holds besides its Resources.
pub(super) const FRAME_BYTES: usize = r#"{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"Allow","Resource":[],"Condition":{"DateLessThan":{"aws:CurrentTime":"9999-12-31T23:59:59Z"}}},{"Action":"execute-api:Invoke","Effect":"Deny","Resource":[]}]}"#.len();

/// Which patterns may be in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Paths {
    All,
    /// No wildcards, and so no Denies for ambiguous paths.
    Exact,
}

/// The Resources of an answer after the stage, without the request's own.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) allow: Vec<String>,
    pub(super) deny: Vec<String>,
    /// Those that any wildcard brings along.
    pub(super) ambiguity_denies: Vec<String>,
    /// How many units did not fit.
    pub(super) left_out: usize,
}

/// What an answer is built from.
pub(super) struct Builder<'a> {
    plan: &'a Plan,
    grants: &'a Grants,
    stage_chars: usize,
    stage_bytes: usize,
    room: usize,
    paths: Paths,
    /// A request, `METHOD/path`, that no Deny may match.
    spare: Option<&'a str>,
    /// Whether texts are also written as clients encode them.
    encoded: bool,
    tuples: Vec<Tuple<'a>>,
    free: FxHashMap<Piece, bool>,
    own_denies: FxHashMap<(TableId, NodeId), Option<Piece>>,
    /// By place, the literals there that the token may use.
    used_literals: FxHashMap<(TableId, NodeId), Vec<&'a str>>,
    left_out: usize,
    /// What units of patterns without texts came to.
    known: FxHashMap<Piece, Option<Unit>>,
}

/// The token's texts in a pattern, in their order.
#[derive(Clone, Debug, Default)]
struct Tuple<'a> {
    texts: Vec<&'a str>,
    chars: usize,
    bytes: usize,
}

/// A pattern with texts in it, for all methods of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Piece {
    table: TableId,
    source: Source,
    node: NodeId,
    form: Form,
    tuple: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Source {
    Patterns,
    Extra,
}

/// An Allow with all the Denies that it needs.
#[derive(Clone, Debug)]
struct Unit {
    allow: Piece,
    denies: Vec<Piece>,
    /// How many entries it opens.
    worth: usize,
    is_wild: bool,
}

/// The units of a part of a table, and what they take.
#[derive(Default)]
struct Branch {
    units: Vec<Unit>,
    allow_bytes: usize,
    denies: BTreeMap<Piece, usize>,
    worth: usize,
}

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
    }
}

/// The bytes of a text in JSON, without its quotes.
pub(super) fn json_bytes(text: &str) -> usize {
    text.bytes().fold(0, |sum: usize, byte| {
        sum.saturating_add(match byte {
            b'"' | b'\\' => 2,
            0x08 | 0x09 | 0x0a | 0x0c | 0x0d => 2,
            0..=0x1f => 6,
            _ => 1,
        })
    })
}

/// The bytes of a Resource in a list, given those of its text.
pub(super) fn resource_bytes(text: usize) -> usize {
    text.saturating_add(r#""","#.len())
}

impl<'a> Builder<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        grants: &'a Grants,
        stage: &'a str,
        room: usize,
        paths: Paths,
        spare: Option<&'a str>,
    ) -> Self {
        Self {
            plan,
            grants,
            stage_chars: stage.chars().count(),
            stage_bytes: json_bytes(stage),
            room,
            paths,
            spare,
            encoded: false,
            tuples: vec![Tuple::default()],
            free: FxHashMap::default(),
            own_denies: FxHashMap::default(),
            used_literals: FxHashMap::default(),
            known: FxHashMap::default(),
            left_out: grants.texts_beyond,
        }
    }

    /// Whether some answer leaves nothing out.
    pub(super) fn fits(mut self) -> bool {
        let shortest = self.shortest();
        self.left_out == 0 && self.assembled(&shortest, Grade::All).is_some()
    }

    /// The broadest units: where they do not fit, no others leave nothing out.
    fn shortest(&mut self) -> Vec<Unit> {
        let widest = match self.plan.undeclared {
            Undeclared::Allow => None,
            Undeclared::Deny | Undeclared::Absent => Some(0),
        };
        self.units(widest)
    }

    /// The narrowest answer that leaves nothing out; where there is none, the one that is worth most.
    pub(super) fn build(mut self) -> Draft {
        let shortest = self.shortest();
        // Nothing is narrower and fits if the shortest does not.
        if self.left_out > 0 || self.assembled(&shortest, Grade::All).is_none() {
            return self.what_fits(shortest);
        }
        for level in self.levels() {
            self.encoded = true;
            self.left_out = self.grants.texts_beyond;
            let mut units = self.units(level);
            for grade in GRADES {
                // Where all that is encoded is refused, texts need not be written that way.
                if grade == Grade::All && self.grants.texts.iter().any(|text| text.encoded.is_some()) {
                    (self.encoded, self.left_out) = (false, self.grants.texts_beyond);
                    units = self.units(level);
                }
                if self.left_out == 0
                    && let Some(draft) = self.assembled(&units, grade)
                {
                    return draft;
                }
            }
        }
        self.what_fits(shortest)
    }

    /// The levels at which the Allows may fit, the narrowest first: at a level each prefix of its depth takes one at least.
    fn levels(&self) -> Vec<Option<usize>> {
        if self.plan.undeclared == Undeclared::Allow {
            return vec![None];
        }
        let own = self.own_patterns();
        let least = resource_bytes(self.stage_bytes.saturating_add("GET/".len()));
        let fits = |patterns: usize| least.saturating_mul(patterns) <= self.room;
        let mut prefixes: Vec<FxHashSet<(TableId, NodeId)>> = Vec::new();
        let mut bytes = 0_usize;
        for pattern in &own {
            let piece = Piece {
                table: pattern.table,
                source: Source::Patterns,
                node: pattern.node,
                form: Form::Exact,
                tuple: 0,
            };
            bytes = bytes.saturating_add(self.allow_bytes(piece));
            let mut at = pattern.node;
            while let Some(node) = self.node(pattern.table, at) {
                while prefixes.len() <= node.depth {
                    prefixes.push(FxHashSet::default());
                }
                if !prefixes.get_mut(node.depth).is_some_and(|known| known.insert((pattern.table, at))) || at == ROOT {
                    break;
                }
                at = node.parent;
            }
        }
        let narrowest = (bytes <= self.room).then_some(None);
        let sizes = prefixes.iter().map(FxHashSet::len).enumerate().rev();
        narrowest.into_iter().chain(sizes.filter(|(_, size)| fits(*size)).map(|(level, _)| Some(level))).collect()
    }

    /// As much as fits: the literal units first, then those that open most for their bytes; of the broad units and the narrow
    /// ones those of which more fits.
    fn what_fits(&mut self, shortest: Vec<Unit>) -> Draft {
        self.encoded = false;
        self.left_out = self.grants.texts_beyond;
        let mut narrow = self.part(None);
        let beyond = self.left_out;
        self.by_price(&mut narrow);
        let mut broad = shortest;
        if self.plan.undeclared == Undeclared::Allow {
            // What everybody may do goes first, then what is left of the rest.
            broad.sort_by_key(|unit| unit.allow);
            broad.extend(narrow.iter().cloned());
        } else {
            self.by_price(&mut broad);
        }
        let worth = |units: &[Unit]| units.iter().fold(0, |sum: usize, unit| sum.saturating_add(unit.worth));
        let fitting = |(units, grade): (&Vec<Unit>, Grade)| {
            let mut assembly = Assembly::new(self, grade);
            let fits: Vec<Unit> = units.iter().filter(|unit| assembly.add(self, unit)).cloned().collect();
            let left_out = worth(units).saturating_sub(worth(&fits));
            assembly.finish(beyond.saturating_add(left_out))
        };
        let choices = match self.plan.undeclared {
            Undeclared::Allow => vec![&broad],
            Undeclared::Deny | Undeclared::Absent => vec![&broad, &narrow],
        };
        let choices = choices.into_iter().flat_map(|units| GRADES.map(|grade| (units, grade)));
        choices.map(fitting).min_by_key(|draft| draft.left_out).unwrap_or_default()
    }

    /// Literals first, then by bytes for each entry.
    fn by_price(&mut self, units: &mut Vec<Unit>) {
        let mut keyed: Vec<_> = units
            .drain(..)
            .map(|unit| {
                let denies = unit.denies.iter().fold(0, |sum: usize, deny| sum.saturating_add(self.deny_bytes(*deny)));
                let bytes = self.allow_bytes(unit.allow).saturating_add(denies).saturating_mul(1000);
                (unit.is_wild, bytes.checked_div(unit.worth.max(1)).unwrap_or(usize::MAX), unit)
            })
            .collect();
        keyed.sort_by_key(|(is_wild, price, unit)| (*is_wild, *price, unit.allow));
        units.extend(keyed.into_iter().map(|(_, _, unit)| unit));
    }

    fn assembled(&self, units: &[Unit], grade: Grade) -> Option<Draft> {
        let mut assembly = Assembly::new(self, grade);
        units.iter().all(|unit| assembly.add(self, unit)).then(|| assembly.finish(self.left_out))
    }

    /// The patterns that the token's conditions open, but for those with texts where the token needs none.
    fn own_patterns(&self) -> Vec<OwnPattern> {
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

    fn units(&mut self, level: Option<usize>) -> Vec<Unit> {
        if self.plan.undeclared != Undeclared::Allow || self.paths == Paths::Exact {
            return self.part(level);
        }
        let mut units = Vec::new();
        for table in 0..self.plan.tables.len() {
            let everything = Piece { table, source: Source::Patterns, node: ROOT, form: Form::Subtree, tuple: 0 };
            match self.unit(everything, 1) {
                Some(unit) => units.push(unit),
                None => self.left_out = self.left_out.saturating_add(1),
            }
        }
        units
    }

    /// The units of all tables, broad ones at prefixes of `level` segments and more.
    fn part(&mut self, level: Option<usize>) -> Vec<Unit> {
        self.tuples.truncate(1);
        self.free.retain(|piece, _| piece.tuple == 0);
        let mut units = Vec::new();
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
            let mut spent = 0;
            units.extend(self.visit(table, &own, &children, level, ROOT, 0, &mut spent).units);
        }
        units
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
            match self.unit(exact, 1) {
                Some(unit) => branch.take(self.branch(unit)),
                None => self.left_out = self.left_out.saturating_add(1),
            }
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
                    if *spent > self.room {
                        self.left_out = self.left_out.saturating_add(1);
                        break;
                    }
                    let longer = self.longer(tuple, text);
                    let before = *spent;
                    let part = self.visit(table, own, children, level, *child, longer, spent);
                    *spent = before.saturating_add(part.allow_bytes);
                    branch.take(part);
                }
            }
        }
        let deep = self.node(table, node).map_or(0, |node| node.depth);
        if level.is_some_and(|level| deep >= level) && branch.units.len() > 1 {
            let broad = Piece { form, ..exact };
            if let Some(unit) = self.unit(broad, branch.worth) {
                let broad = self.branch(unit);
                if broad.bytes() < branch.bytes() {
                    return broad;
                }
            }
        }
        branch
    }

    fn longer(&mut self, tuple: usize, text: &'a str) -> usize {
        let mut longer = self.tuples.get(tuple).cloned().unwrap_or_default();
        longer.texts.push(text);
        longer.chars = longer.chars.saturating_add(text.chars().count());
        longer.bytes = longer.bytes.saturating_add(json_bytes(text));
        self.tuples.push(longer);
        self.tuples.len().saturating_sub(1)
    }

    fn branch(&mut self, unit: Unit) -> Branch {
        Branch {
            allow_bytes: self.allow_bytes(unit.allow),
            denies: unit.denies.iter().map(|deny| (*deny, self.deny_bytes(*deny))).collect(),
            worth: unit.worth,
            units: vec![unit],
        }
    }

    fn overlaps(&self, piece: Piece) -> Option<&'a Overlaps> {
        let table = self.plan.tables.get(piece.table)?;
        Some(match piece.source {
            Source::Patterns => &table.patterns,
            Source::Extra => &table.extra,
        })
    }

    fn tree(&self, piece: Piece) -> Option<&'a PatternTree> {
        self.overlaps(piece).map(|overlaps| &overlaps.tree)
    }

    fn node(&self, table: TableId, node: NodeId) -> Option<&'a super::pattern::PatternNode> {
        self.plan.tables.get(table)?.patterns.tree.get(node)
    }

    fn is_wild(&self, piece: Piece) -> Option<bool> {
        Some(piece.form != Form::Exact || self.tree(piece)?.get(piece.node)?.has_gap)
    }

    /// The Resources of a piece after the method and its slash.
    fn tails(&self, piece: Piece) -> Option<Vec<String>> {
        let tree = self.tree(piece)?;
        let texts = &self.tuples.get(piece.tuple)?.texts;
        let base = spell(&tree.word(piece.node)?, &self.plan.literals, texts)?;
        Some(tails(&base, piece.form, tree.get(piece.node)?.is_gap()))
    }

    /// The characters and the bytes in JSON of a piece without what its form adds.
    fn size(&self, piece: Piece) -> Option<(usize, usize)> {
        let node = self.tree(piece)?.get(piece.node)?;
        let tuple = self.tuples.get(piece.tuple)?;
        let less = match (piece.form, node.part) {
            (Form::Prefix(kept), Some(Part::Literal(literal))) => {
                self.plan.literals.text(literal)?.len().saturating_sub(kept)
            }
            _ => 0,
        };
        let fixed = node.fixed_chars.saturating_sub(less);
        Some((fixed.saturating_add(tuple.chars), fixed.saturating_add(tuple.bytes)))
    }

    fn is_too_long(&self, piece: Piece) -> Option<bool> {
        let method = self.methods(piece.table).map(str::len).max()?;
        let form = self.form_bytes(piece)?.iter().max()?;
        let chars = [self.stage_chars, method, "/".len(), self.size(piece)?.0, *form];
        Some(chars.into_iter().fold(0, usize::saturating_add) > MAX_RESOURCE_CHARS)
    }

    /// What the form of a piece adds to each of its Resources.
    fn form_bytes(&self, piece: Piece) -> Option<&'static [usize]> {
        let is_gap = self.tree(piece)?.get(piece.node)?.is_gap();
        Some(match (piece.form, piece.node == ROOT) {
            (Form::Exact, true) => &[0],
            (Form::Exact, false) if is_gap => &[0],
            (Form::Exact, false) => &[0, 1],
            (Form::Below, true) => &[2],
            (Form::Below, false) => &[3],
            (Form::Subtree, true) => &[1],
            (Form::Subtree, false) => &[0, 2],
            (Form::Prefix(_), _) => &[1],
        })
    }

    fn bytes(&self, piece: Piece, method: &str) -> usize {
        let found = || {
            let (_, base) = self.size(piece)?;
            let lengths = self.form_bytes(piece)?;
            let before = self.stage_bytes.saturating_add(method.len()).saturating_add(1).saturating_add(base);
            Some(
                lengths
                    .iter()
                    .fold(0, |sum: usize, more| sum.saturating_add(resource_bytes(before.saturating_add(*more)))),
            )
        };
        found().unwrap_or(usize::MAX)
    }

    fn methods(&self, table: TableId) -> impl Iterator<Item = &'static str> + use<'a> {
        let methods = self.plan.tables.get(table).map(|table| table.methods.as_slice()).unwrap_or_default();
        methods.iter().filter_map(|method| METHODS.get(*method).copied())
    }

    fn allow_bytes(&self, piece: Piece) -> usize {
        self.methods(piece.table).fold(0, |sum: usize, method| sum.saturating_add(self.bytes(piece, method)))
    }

    fn deny_bytes(&self, piece: Piece) -> usize {
        match self.methods(piece.table).count() {
            0 | 1 => self.allow_bytes(piece),
            _ if self.may_star(piece) => self.bytes(piece, "*"),
            _ => self.allow_bytes(piece),
        }
    }
}
