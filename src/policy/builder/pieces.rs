//! What a pattern of an answer is written as, and how many bytes that takes.

use super::{Builder, Piece, Source, resource_bytes};
use crate::policy::MAX_RESOURCE_CHARS;
use crate::policy::pattern::{Form, NodeId, Part, PatternNode, PatternTree, ROOT, endings, spell, tails};
use crate::policy::plan::{Overlaps, TableId};

impl<'a> Builder<'a> {
    pub(super) fn overlaps(&self, piece: Piece) -> Option<&'a Overlaps> {
        let table = self.plan.tables.get(piece.table)?;
        Some(match piece.source {
            Source::Patterns => &table.patterns,
            Source::Extra => &table.extra,
        })
    }

    pub(super) fn tree(&self, piece: Piece) -> Option<&'a PatternTree> {
        self.overlaps(piece).map(|overlaps| &overlaps.tree)
    }

    pub(super) fn node(&self, table: TableId, node: NodeId) -> Option<&'a PatternNode> {
        self.plan.tables.get(table)?.patterns.tree.get(node)
    }

    pub(super) fn is_wild(&self, piece: Piece) -> Option<bool> {
        Some(piece.form != Form::Exact || self.tree(piece)?.get(piece.node)?.has_gap)
    }

    /// The Resources of a piece after the method and its slash.
    pub(super) fn tails(&self, piece: Piece) -> Option<Vec<String>> {
        let tree = self.tree(piece)?;
        let texts = &self.tuples.get(piece.tuple)?.texts;
        let base = spell(&tree.word(piece.node)?, &self.plan.literals, texts)?;
        Some(tails(&base, piece.form, tree.get(piece.node)?.is_gap()))
    }

    /// The characters and the bytes in JSON of a piece without what its form adds.
    pub(super) fn size(&self, piece: Piece) -> Option<(usize, usize)> {
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

    pub(super) fn is_too_long(&self, piece: Piece) -> Option<bool> {
        let method = self.methods(piece.table).iter().map(|method| method.len()).max()?;
        let ending = self.endings(piece)?.iter().map(|ending| ending.len()).max()?;
        let chars = [self.stage_chars, method, "/".len(), self.size(piece)?.0, ending];
        Some(chars.into_iter().fold(0, usize::saturating_add) > MAX_RESOURCE_CHARS)
    }

    /// What the form of a piece adds to each of its Resources.
    fn endings(&self, piece: Piece) -> Option<&'static [&'static str]> {
        Some(endings(piece.form, piece.node == ROOT, self.tree(piece)?.get(piece.node)?.is_gap()))
    }

    pub(super) fn bytes(&self, piece: Piece, method: &str) -> usize {
        let found = || {
            let (_, base) = self.size(piece)?;
            let before = self.stage_bytes.saturating_add(method.len()).saturating_add(1).saturating_add(base);
            let resources = self.endings(piece)?.iter().map(|end| resource_bytes(before.saturating_add(end.len())));
            Some(resources.fold(0, usize::saturating_add))
        };
        found().unwrap_or(usize::MAX)
    }

    /// The methods that a piece of a table speaks of.
    pub(super) fn methods(&self, table: TableId) -> &'a [&'static str] {
        self.plan.tables.get(table).map_or(&[], |table| table.methods.as_slice())
    }

    pub(super) fn allow_bytes(&self, piece: Piece) -> usize {
        self.methods(piece.table).iter().fold(0, |sum: usize, method| sum.saturating_add(self.bytes(piece, method)))
    }

    pub(super) fn deny_bytes(&self, piece: Piece) -> usize {
        let is_starred = self.methods(piece.table).len() > 1 && self.may_star(piece);
        if is_starred { self.bytes(piece, "*") } else { self.allow_bytes(piece) }
    }
}
