//! IAM patterns of paths, as a tree, segment by segment.
//!
//! A gap is `?*` between slashes: any text of at least one character, so of paths without empty segments it takes one
//! segment or more.

use super::automaton::{LiteralId, Literals, subsets};
use super::conditions::ClaimSet;
use super::findings::TooTangled;
use super::method_table::MethodTable;
use crate::routes::{Routes, Segment};

/// The most patterns of one method, texts of claims counted for each set of claims that may share them.
const MAX_NODES: usize = 200_000;

pub(super) type NodeId = usize;
pub(super) const ROOT: NodeId = 0;

/// One segment of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Part {
    Literal(LiteralId),
    /// `?*`: one segment or more.
    Gap,
    Text(TextPart),
}

/// A text of the token, which is not a literal of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct TextPart {
    /// The claims that are known to have this text or not to have it.
    pub(super) known: ClaimSet,
    /// Those that have it.
    pub(super) held: ClaimSet,
}

impl TextPart {
    /// Whether the text may stand where an entry asks for the claims `asked`, and exactly `found` of them have it.
    pub(super) fn fits(self, asked: ClaimSet, found: ClaimSet) -> bool {
        self.known & asked & self.held == self.known & found
    }
}

/// How the pattern of a node is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Form {
    /// `p` and `p/`: the slash at the end is ignored by the gateway.
    Exact,
    /// `p/?*`.
    Below,
    /// `p` and `p/*`.
    Subtree,
    /// `p*`, where only so many characters of the last literal are left: all of its siblings that begin like it.
    Prefix(usize),
}

#[derive(Debug, Default)]
pub(super) struct PatternNode {
    pub(super) parent: NodeId,
    /// The last segment; `None` for the root.
    pub(super) part: Option<Part>,
    pub(super) literals: Vec<(LiteralId, NodeId)>,
    pub(super) gap: Option<NodeId>,
    pub(super) texts: Vec<(TextPart, NodeId)>,
    /// The entries that are written like this.
    pub(super) entries: Vec<usize>,
    /// How many entries are written like this or longer.
    pub(super) weight: usize,
    pub(super) depth: usize,
    /// The characters of the pattern without texts, slashes included. A table's literals are ASCII without quotes and
    /// backslashes, so each is one byte of JSON.
    pub(super) fixed_chars: usize,
    pub(super) has_text: bool,
    pub(super) has_gap: bool,
}

#[derive(Debug)]
pub(super) struct PatternTree {
    pub(super) nodes: Vec<PatternNode>,
}

/// The root alone.
impl Default for PatternTree {
    fn default() -> Self {
        Self { nodes: vec![PatternNode::default()] }
    }
}

impl PatternTree {
    /// The patterns of a method's entries, with gaps for parameters and, where claims are bound to them, with texts; and
    /// below each pattern that several entries begin with, a gap.
    pub(super) fn of_entries(table: &MethodTable<'_>, literals: &Literals) -> Result<Self, TooTangled> {
        let mut tree = Self::default();
        tree.grow(table, literals, 0, ROOT)?;
        // A node comes after its parent.
        for node in (1..tree.nodes.len()).rev() {
            let own = tree.nodes.get(node).ok_or(TooTangled)?;
            let (weight, parent) = (own.weight, own.parent);
            let parent = tree.nodes.get_mut(parent).ok_or(TooTangled)?;
            parent.weight = parent.weight.saturating_add(weight);
        }
        for node in 0..tree.nodes.len() {
            if node == ROOT || tree.get(node).is_some_and(|node| node.weight > 1) {
                tree.child(node, Part::Gap, literals)?;
            }
        }
        Ok(tree)
    }

    fn grow(
        &mut self,
        table: &MethodTable<'_>,
        literals: &Literals,
        place: usize,
        node: NodeId,
    ) -> Result<(), TooTangled> {
        let Some(found) = table.live(place) else { return Ok(()) };
        if let Some(entry) = found.entry(table.method)
            && let Some(node) = self.nodes.get_mut(node)
        {
            node.entries.push(entry);
            node.weight = node.weight.saturating_add(1);
        }
        let mut next: Vec<_> = found.literals.iter().collect();
        next.sort_unstable();
        for (text, next) in next {
            let literal = std::str::from_utf8(text).ok().and_then(|text| literals.number(text));
            if table.live(*next).is_some() {
                let child = self.child(node, Part::Literal(literal.ok_or(TooTangled)?), literals)?;
                self.grow(table, literals, *next, child)?;
            }
        }
        let known = table.claims_after(place)?;
        let texts = subsets(known).map(|held| Part::Text(TextPart { known, held }));
        let parts: Vec<Part> = std::iter::once(Part::Gap).chain(texts).collect();
        let parameters = found.parameter.into_iter().chain(found.greedy).filter(|next| table.live(*next).is_some());
        for next in parameters {
            for part in &parts {
                let child = self.child(node, *part, literals)?;
                self.grow(table, literals, next, child)?;
            }
        }
        Ok(())
    }

    /// The node for one more segment, made if it is not there.
    pub(super) fn child(&mut self, node: NodeId, part: Part, literals: &Literals) -> Result<NodeId, TooTangled> {
        let next = self.nodes.len();
        let parent = self.nodes.get_mut(node).ok_or(TooTangled)?;
        if let Some(known) = parent.next(part) {
            return Ok(known);
        }
        match part {
            Part::Literal(literal) => {
                let place = parent.literals.partition_point(|(known, _)| *known < literal);
                parent.literals.insert(place, (literal, next));
            }
            Part::Gap => parent.gap = Some(next),
            Part::Text(text) => parent.texts.push((text, next)),
        }
        let chars = match part {
            Part::Literal(literal) => literals.text(literal).ok_or(TooTangled)?.len(),
            Part::Gap => 2,
            Part::Text(_) => 0,
        };
        let slash = usize::from(parent.part.is_some());
        let child = PatternNode {
            parent: node,
            part: Some(part),
            depth: parent.depth.saturating_add(1),
            fixed_chars: parent.fixed_chars.saturating_add(slash).saturating_add(chars),
            has_text: parent.has_text || matches!(part, Part::Text(_)),
            has_gap: parent.has_gap || part == Part::Gap,
            ..PatternNode::default()
        };
        if next > MAX_NODES {
            return Err(TooTangled);
        }
        self.nodes.push(child);
        Ok(next)
    }

    /// The nodes of whole patterns, made where they are not there.
    pub(super) fn insert(&mut self, words: &[Vec<Part>], literals: &Literals) -> Result<Vec<NodeId>, TooTangled> {
        let node = |word: &Vec<Part>| word.iter().try_fold(ROOT, |node, part| self.child(node, *part, literals));
        words.iter().map(node).collect()
    }

    pub(super) fn get(&self, node: NodeId) -> Option<&PatternNode> {
        self.nodes.get(node)
    }

    /// The segments from the root to a node; `None` for a node that does not exist.
    pub(super) fn word(&self, node: NodeId) -> Option<Vec<Part>> {
        let mut word = Vec::new();
        let mut at = self.nodes.get(node)?;
        while let Some(part) = at.part {
            word.push(part);
            at = self.nodes.get(at.parent)?;
        }
        word.reverse();
        Some(word)
    }

    /// The node of an entry with gaps for all of its parameters.
    pub(super) fn of_entry(&self, routes: &Routes, entry: usize, literals: &Literals) -> Option<NodeId> {
        routes.entries().get(entry)?.path.segments().iter().try_fold(ROOT, |node, segment| {
            let part = match segment {
                Segment::Literal(text) => Part::Literal(literals.number(text)?),
                Segment::Parameter(_) | Segment::Greedy(_) => Part::Gap,
            };
            self.nodes.get(node)?.next(part)
        })
    }
}

impl PatternNode {
    pub(super) fn next(&self, part: Part) -> Option<NodeId> {
        match part {
            Part::Literal(literal) => {
                let place = self.literals.binary_search_by_key(&literal, |(literal, _)| *literal).ok()?;
                self.literals.get(place).map(|(_, node)| *node)
            }
            Part::Gap => self.gap,
            Part::Text(text) => self.texts.iter().find(|(known, _)| *known == text).map(|(_, node)| *node),
        }
    }

    /// Whether an entry goes on from here with a parameter.
    pub(super) fn has_parameter(&self, tree: &PatternTree) -> bool {
        let gap = self.gap.and_then(|gap| tree.get(gap));
        gap.is_some_and(|gap| gap.weight > 0) || !self.texts.is_empty()
    }

    pub(super) fn is_gap(&self) -> bool {
        self.part == Some(Part::Gap)
    }
}

/// The text of a pattern after the method and its slash, `texts` standing in for the token's, in their order; `None` if one
/// is missing.
pub(super) fn spell(word: &[Part], literals: &Literals, texts: &[&str]) -> Option<String> {
    let mut text = String::new();
    let mut texts = texts.iter();
    for (position, part) in word.iter().enumerate() {
        if position > 0 {
            text.push('/');
        }
        text.push_str(match part {
            Part::Literal(literal) => literals.text(*literal)?,
            Part::Gap => "?*",
            Part::Text(_) => texts.next()?,
        });
    }
    Some(text)
}

/// What the Resources of a pattern end in, one for each.
pub(super) fn endings(form: Form, is_root: bool, ends_in_gap: bool) -> &'static [&'static str] {
    match (form, is_root) {
        (Form::Exact, false) if !ends_in_gap => &["", "/"],
        (Form::Exact, _) => &[""],
        (Form::Below, true) => &["?*"],
        (Form::Below, false) => &["/?*"],
        (Form::Subtree, false) => &["", "/*"],
        (Form::Subtree, true) | (Form::Prefix(_), _) => &["*"],
    }
}

/// The Resources of a pattern in a form, after the method and its slash.
pub(super) fn tails(base: &str, form: Form, ends_in_gap: bool) -> Vec<String> {
    let endings = endings(form, base.is_empty(), ends_in_gap).iter();
    let kept = match form {
        Form::Prefix(kept) => base.rfind('/').map_or(0, |slash| slash.saturating_add(1)).saturating_add(kept),
        Form::Exact | Form::Below | Form::Subtree => base.len(),
    };
    // Only a literal is shortened, which is ASCII.
    endings.map(|ending| [base.get(..kept).unwrap_or(base), ending].concat()).collect()
}

/// What two patterns match both, where the second is the path of an entry: its parameters are single segments, and only a
/// `{name+}` at its end is more. `None` where that takes more than `limit` patterns.
pub(super) fn intersection(pattern: &[Part], entry: &[CellPart], limit: usize) -> Option<Vec<Vec<Part>>> {
    let mut found = Vec::new();
    let mut open: Vec<(usize, bool, usize, Vec<Part>)> = vec![(0, false, 0, Vec::new())];
    while let Some((at, inside, read, word)) = open.pop() {
        if found.len() > limit || open.len() > limit.saturating_mul(64) {
            return None;
        }
        let Some(segment) = entry.get(read) else {
            if pattern.get(at).is_none() && !found.contains(&word) {
                found.push(word);
            }
            continue;
        };
        if *segment == CellPart::Rest {
            let rest = pattern.get(at..).unwrap_or_default();
            for lead in [inside.then_some(Part::Gap), None] {
                let tail: Vec<Part> = lead.into_iter().chain(rest.iter().copied()).collect();
                let word = [word.as_slice(), tail.as_slice()].concat();
                if !tail.is_empty() && !found.contains(&word) {
                    found.push(word);
                }
            }
            continue;
        }
        let mut step = |part: Part, at: usize, inside: bool| {
            let next = match (part, *segment) {
                (Part::Gap, CellPart::Literal(literal)) => Part::Literal(literal),
                (Part::Literal(own), CellPart::Literal(literal)) if own != literal => return,
                (Part::Text(_), CellPart::Literal(_)) => return,
                (part, _) => part,
            };
            let mut word = word.clone();
            word.push(next);
            open.push((at, inside, read.saturating_add(1), word));
        };
        if inside {
            step(Part::Gap, at, true);
        }
        if let Some(part) = pattern.get(at) {
            step(*part, at.saturating_add(1), *part == Part::Gap);
        }
    }
    Some(found)
}

/// One segment of the ordinary paths of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum CellPart {
    Literal(LiteralId),
    /// A text that is not a literal of the table.
    Free {
        asked: ClaimSet,
        found: ClaimSet,
    },
    /// One or more of them.
    Rest,
}

/// A pattern with one more gap in each of its runs of gaps: what it matches beside the paths in which each gap is one segment.
pub(super) fn cutbacks(pattern: &[Part]) -> Vec<Vec<Part>> {
    let mut found = Vec::new();
    for (position, part) in pattern.iter().enumerate() {
        let ends_run = *part == Part::Gap && pattern.get(position.saturating_add(1)) != Some(&Part::Gap);
        if ends_run {
            let mut longer = pattern.to_vec();
            longer.insert(position, Part::Gap);
            found.push(longer);
        }
    }
    found
}

/// The claims that a pattern's texts belong to.
pub(super) fn held_claims(word: &[Part]) -> ClaimSet {
    word.iter().fold(0, |held, part| match part {
        Part::Text(text) => held | text.held,
        Part::Literal(_) | Part::Gap => held,
    })
}

/// Whether a text that these claims have belongs to this part.
pub(super) fn belongs(part: TextPart, signature: ClaimSet) -> bool {
    signature & part.known == part.held
}
