//! Which Denies an Allow needs, and which of those that would do refuse nothing else.

use super::{Builder, Paths, Piece, Source, Unit, resource_bytes};
use crate::policy::automaton::CellId;
use crate::policy::glob::matches;
use crate::policy::overlap::CellSets;
use crate::policy::pattern::{Form, NodeId, Part, ROOT};
use crate::policy::plan::{Overlaps, Table, TableId, UNDECLARED};
use crate::routes::Undeclared;

impl Builder<'_> {
    /// An Allow with its Denies; `None` if it cannot stand in an answer to this token.
    pub(super) fn unit(&mut self, allow: Piece, worth: usize) -> Option<Unit> {
        if allow.tuple != 0 {
            return self.made(allow, worth);
        }
        if let Some(known) = self.known.get(&allow) {
            return known.clone();
        }
        let made = self.made(allow, worth);
        self.known.insert(allow, made.clone());
        made
    }

    fn made(&mut self, allow: Piece, worth: usize) -> Option<Unit> {
        let table = self.plan.tables.get(allow.table)?;
        let is_wild = self.is_wild(allow)?;
        if self.is_too_long(allow)? || is_wild && self.paths == Paths::Exact {
            return None;
        }
        let [exact, below] = table.patterns.cells(&table.patterns.reach, allow.node, allow.form)?;
        let refused: Vec<CellId> =
            exact.iter().chain(below).filter(|cell| !self.grants.allow(self.plan, **cell)).copied().collect();
        let cutbacks = table.cutbacks.get(&allow.node).filter(|_| allow.form == Form::Exact);
        // Only cutbacks refuse what no entry takes.
        let without = (!refused.contains(&UNDECLARED)).then(|| self.denies(table, allow, &refused, None)).flatten();
        let denies = without.or_else(|| self.denies(table, allow, &refused, Some(cutbacks?)))?;
        Some(Unit { allow, denies, worth, is_wild })
    }

    /// What refuses these cells to an Allow, its cutbacks included if they are given; `None` if some Deny would refuse what
    /// the token may use.
    fn denies(
        &mut self,
        table: &Table,
        allow: Piece,
        refused: &[CellId],
        cutbacks: Option<&Vec<NodeId>>,
    ) -> Option<Vec<Piece>> {
        let mut denies = Vec::new();
        let mut before = None;
        let least = resource_bytes(self.stage_bytes);
        for node in cutbacks.into_iter().flatten() {
            denies.push(self.harmless(Piece { source: Source::Extra, node: *node, form: Form::Exact, ..allow })?);
        }
        for cell in refused {
            if cutbacks.is_some() && table.short_reach.get(allow.node)?.binary_search(cell).is_err() {
                continue;
            }
            let own = table.entry(*cell)?.node;
            if let Some(deny) = self.own_deny(allow.table, own) {
                if before != Some(deny) {
                    denies.push(deny);
                }
                before = Some(deny);
                // More Denies than there is room for: the Allow could not stand anyway.
                if denies.len().saturating_mul(least) > self.room {
                    denies.sort_unstable();
                    denies.dedup();
                    if denies.len().saturating_mul(least) > self.room {
                        return None;
                    }
                }
                continue;
            }
            for node in table.common.get(&(allow.node, *cell)).filter(|_| allow.form == Form::Exact)? {
                denies.push(self.harmless(Piece { source: Source::Extra, node: *node, form: Form::Exact, ..allow })?);
            }
        }
        denies.sort_unstable();
        denies.dedup();
        Some(denies)
    }

    /// The Deny for the whole of an entry: the widest around it that hurts nobody.
    fn own_deny(&mut self, table: TableId, node: NodeId) -> Option<Piece> {
        if let Some(known) = self.own_denies.get(&(table, node)) {
            return *known;
        }
        let piece = |node, form| Piece { table, source: Source::Patterns, node, form, tuple: 0 };
        let mut found = self.harmless(piece(node, Form::Exact));
        if found.is_some() && self.plan.undeclared != Undeclared::Allow {
            let mut at = self.node(table, node)?.parent;
            while at != ROOT {
                let around = self.node(table, at)?;
                // What stands alone there is not worth a wider Deny.
                if around.weight > 1 {
                    let form = if around.entries.is_empty() { Form::Below } else { Form::Subtree };
                    match self.harmless(piece(at, form)) {
                        Some(wider) => found = Some(wider),
                        None => break,
                    }
                }
                at = around.parent;
            }
        }
        let found = found.map(|piece| self.shortened(piece).unwrap_or(piece));
        self.own_denies.insert((table, node), found);
        found
    }

    /// One Deny for all the literals at one place that begin alike, where none of those that the token may use does. `None`
    /// where a parameter may stand there.
    fn shortened(&mut self, piece: Piece) -> Option<Piece> {
        let tree = self.tree(piece)?;
        let node = tree.get(piece.node)?;
        let Some(Part::Literal(own)) = node.part else { return None };
        let parent = tree.get(node.parent)?;
        let may = self.plan.undeclared != Undeclared::Allow && self.spare.is_none();
        if !may || parent.has_gap || parent.has_text || parent.has_parameter(tree) {
            return None;
        }
        // A path that begins like this and goes on differently may be another entry's, if one has a parameter further up.
        let mut above = node.parent;
        while above != ROOT && !self.plan.collides {
            above = tree.get(above)?.parent;
            if tree.get(above)?.has_parameter(tree) {
                return None;
            }
        }
        let place = (piece.table, node.parent);
        if !self.used_literals.contains_key(&place) {
            let mut used = Vec::new();
            for (literal, child) in &parent.literals {
                if self.is_used_below(piece, *child)? {
                    used.push(self.plan.literals.text(*literal)?);
                }
            }
            self.used_literals.insert(place, used);
        }
        let own = self.plan.literals.text(own)?;
        let alike = |other: &&str| own.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
        let kept = self.used_literals.get(&place)?.iter().map(alike).max().unwrap_or(0).saturating_add(1);
        let beginning = own.get(..kept)?;
        // The same node for each of them.
        let siblings = parent.literals.iter();
        let first = siblings
            .filter(|(literal, _)| self.plan.literals.text(*literal).is_some_and(|text| text.starts_with(beginning)));
        let node = first.map(|(_, node)| *node).min()?;
        let shortened = Piece { node, form: Form::Prefix(kept), ..piece };
        (!self.is_too_long(shortened)?).then_some(shortened)
    }

    /// Whether the token may use some path that a pattern at or below a node matches.
    fn is_used_below(&self, piece: Piece, node: NodeId) -> Option<bool> {
        let overlaps = self.overlaps(piece)?;
        // Where a warning has told of them, literals in the place of parameters are not spared.
        let sets = if self.plan.collides { &overlaps.hits } else { &overlaps.reach };
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            if sets.get(node)?.iter().any(|cell| self.grants.allow(self.plan, *cell)) {
                return Some(true);
            }
            let at = overlaps.tree.get(node)?;
            let literals = at.literals.iter().map(|(_, next)| *next);
            open.extend(literals.chain(at.gap).chain(at.texts.iter().map(|(_, next)| *next)));
        }
        Some(false)
    }

    /// The piece, if denying it refuses nothing that the token may use, nor the request that must be spared.
    fn harmless(&mut self, piece: Piece) -> Option<Piece> {
        if let Some(known) = self.free.get(&piece) {
            return known.then_some(piece);
        }
        let harmless = self.hits_nothing(piece).unwrap_or(false) && !self.is_too_long(piece).unwrap_or(true);
        self.free.insert(piece, harmless);
        harmless.then_some(piece)
    }

    /// Whether the token may use none of the cells of a piece; `None` if they are not known.
    fn uses_none(&self, piece: Piece, overlaps: &Overlaps, sets: &CellSets) -> Option<bool> {
        let [exact, below] = overlaps.cells(sets, piece.node, piece.form)?;
        Some(exact.iter().chain(below).all(|cell| !self.grants.allow(self.plan, *cell)))
    }

    fn hits_nothing(&self, piece: Piece) -> Option<bool> {
        let overlaps = self.overlaps(piece)?;
        // A wider Deny than a table's own may refuse what no warning told of.
        let is_wider = piece.form != Form::Exact && !self.plan.collides;
        if !self.uses_none(piece, overlaps, &overlaps.hits)?
            || is_wider && !self.uses_none(piece, overlaps, &overlaps.reach)?
        {
            return Some(false);
        }
        let Some((method, path)) = self.spare.and_then(|spare| spare.split_once('/')) else { return Some(true) };
        let of_the_table = self.methods(piece.table).contains(&method);
        Some(!of_the_table || !self.tails(piece)?.iter().any(|tail| matches(tail, path)))
    }

    /// Whether `*` may stand for the method of a Deny.
    pub(super) fn may_star(&self, piece: Piece) -> bool {
        let asked = || {
            let overlaps = self.overlaps(piece)?;
            // `*/` alone would refuse every path that ends in a slash.
            let spares = |spare: &str| {
                self.tails(piece).is_some_and(|tails| !tails.iter().any(|tail| matches(&format!("*/{tail}"), spare)))
            };
            let unused = || self.uses_none(piece, overlaps, overlaps.anywhere.as_ref()?);
            Some(piece.node != ROOT && unused()? && self.spare.is_none_or(spares))
        };
        asked().unwrap_or(false)
    }
}
