//! What patterns and the cells of a table have in common.
//!
//! Three sets for each pattern. *Reach*: the cells with any path that it matches; it says which Denies an Allow needs.
//! *Hits*: the cells with an ordinary path that it matches, one whose parameters are not literals of the table; it says which
//! Denies hurt. And the reach *if each gap were one segment*, which holds only beside the pattern's cutbacks.

use rustc_hash::FxHashSet;

use super::automaton::{Automaton, CellId, DEAD, START, State, StateId};
use super::findings::TooTangled;
use super::pattern::{CellPart, NodeId, Part, PatternNode, PatternTree, ROOT};
use super::sorted::sorted;

/// The most pairs of a state and a pattern in one method's table: some hundred milliseconds' work.
const MAX_PAIRS: usize = 1_000_000;

/// By pattern, cells in order.
pub(super) type CellSets = Vec<Vec<CellId>>;

/// How far a gap goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gaps {
    /// Over slashes, as IAM's.
    Long,
    /// One segment.
    Short,
}

/// The cells that patterns reach. `undeclared` is the cell of the paths that no entry takes, if they matter.
///
/// # Errors
/// [`TooTangled`] if that takes too long.
pub(super) fn reach(
    automaton: &Automaton,
    tree: &PatternTree,
    gaps: Gaps,
    undeclared: Option<CellId>,
) -> Result<CellSets, TooTangled> {
    let mut walk = Walk {
        automaton,
        undeclared,
        seen: FxHashSet::default(),
        open: Vec::new(),
        reach: vec![Vec::new(); tree.nodes.len()],
        dead: vec![false; tree.nodes.len()],
    };
    walk.visit(START, ROOT)?;
    while let Some((state, node)) = walk.open.pop() {
        let (from, at) = automaton.states.get(state).zip(tree.get(node)).ok_or(TooTangled)?;
        walk.expand(from, node, at, gaps)?;
    }
    // From where nothing matches any more, every longer pattern goes on to what nothing takes.
    if let Some(undeclared) = undeclared {
        for (node, at) in tree.nodes.iter().enumerate() {
            // A parent comes first, and the root is its own.
            let is_dead = |node: NodeId| walk.dead.get(node).copied().ok_or(TooTangled);
            let dead = is_dead(node)? || is_dead(at.parent)?;
            *walk.dead.get_mut(node).ok_or(TooTangled)? = dead;
            walk.reach.get_mut(node).ok_or(TooTangled)?.extend(dead.then_some(undeclared));
        }
    }
    Ok(walk.reach.into_iter().map(sorted).collect())
}

struct Walk<'a> {
    automaton: &'a Automaton,
    undeclared: Option<CellId>,
    seen: FxHashSet<(StateId, NodeId)>,
    open: Vec<(StateId, NodeId)>,
    reach: CellSets,
    dead: Vec<bool>,
}

impl Walk<'_> {
    fn visit(&mut self, state: StateId, node: NodeId) -> Result<(), TooTangled> {
        if state == DEAD {
            *self.dead.get_mut(node).ok_or(TooTangled)? = true;
            return Ok(());
        }
        if !self.seen.insert((state, node)) {
            return Ok(());
        }
        if self.seen.len() > MAX_PAIRS {
            return Err(TooTangled);
        }
        let winner = self.automaton.states.get(state).ok_or(TooTangled)?.winner;
        let cells = self.reach.get_mut(node).ok_or(TooTangled)?;
        cells.extend(winner.or(self.undeclared));
        self.open.push((state, node));
        Ok(())
    }

    fn expand(&mut self, from: &State, node: NodeId, at: &PatternNode, gaps: Gaps) -> Result<(), TooTangled> {
        let stay = (gaps == Gaps::Long && at.is_gap()).then_some(node);
        for next in stay.into_iter().chain(at.gap) {
            for (_, state) in &from.literals {
                self.visit(*state, next)?;
            }
            for (_, state) in &from.texts {
                self.visit(*state, next)?;
            }
            self.visit(from.other, next)?;
        }
        for (literal, next) in &at.literals {
            self.visit(from.literal(*literal).unwrap_or(from.other), *next)?;
        }
        for (text, next) in &at.texts {
            for (claims, state) in from.texts.iter().copied().chain([(0, from.other)]) {
                if text.fits(from.claims, claims) {
                    self.visit(state, *next)?;
                }
            }
        }
        Ok(())
    }
}

/// Where patterns begin to match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    AtTheRoot,
    /// After any segments: what `*/` before a pattern says.
    Anywhere,
}

/// What stands in the place of parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Texts {
    /// No literals of the table.
    Ordinary,
    /// Anything.
    All,
}

/// Reads paths with all patterns of a tree at once.
pub(super) struct Matcher<'a> {
    tree: &'a PatternTree,
    /// By node, the last reading that came there.
    seen: Vec<usize>,
    reading: usize,
    active: Vec<NodeId>,
    next: Vec<NodeId>,
    /// How many nodes were looked at so far.
    pub(super) steps: usize,
}

impl<'a> Matcher<'a> {
    pub(super) fn new(tree: &'a PatternTree) -> Self {
        Self { tree, seen: vec![0; tree.nodes.len()], reading: 0, active: Vec::new(), next: Vec::new(), steps: 0 }
    }

    /// The nodes whose patterns match a path that is written like this.
    pub(super) fn matching(&mut self, word: &[CellPart], begin: Begin, texts: Texts) -> &[NodeId] {
        self.active.clear();
        self.active.push(ROOT);
        for part in word {
            self.advance(*part, begin, texts);
            std::mem::swap(&mut self.active, &mut self.next);
            if matches!(part, CellPart::Rest) {
                self.rest(*part, begin, texts);
            }
        }
        &self.active
    }

    /// One segment after another, until no pattern is new.
    fn rest(&mut self, part: CellPart, begin: Begin, texts: Texts) {
        let mut all: FxHashSet<NodeId> = self.active.iter().copied().collect();
        while !self.active.is_empty() {
            self.advance(part, begin, texts);
            std::mem::swap(&mut self.active, &mut self.next);
            self.active.retain(|node| all.insert(*node));
        }
        self.active.extend(all);
    }

    fn advance(&mut self, part: CellPart, begin: Begin, texts: Texts) {
        self.reading = self.reading.saturating_add(1);
        let Self { tree, seen, reading, active, next, .. } = self;
        next.clear();
        let mut reached = |node: NodeId| {
            if let Some(seen) = seen.get_mut(node)
                && *seen != *reading
            {
                *seen = *reading;
                next.push(node);
            }
        };
        for node in active.iter() {
            let Some(at) = tree.get(*node) else { continue };
            if at.is_gap() || *node == ROOT && begin == Begin::Anywhere {
                reached(*node);
            }
            at.gap.into_iter().for_each(&mut reached);
            if let CellPart::Literal(literal) = part {
                at.next(Part::Literal(literal)).into_iter().for_each(&mut reached);
                continue;
            }
            for (text, node) in &at.texts {
                let fits = match part {
                    CellPart::Free { asked, found } if texts == Texts::Ordinary => text.fits(asked, found),
                    _ => true,
                };
                if fits {
                    reached(*node);
                }
            }
            if texts == Texts::All {
                at.literals.iter().for_each(|(_, node)| reached(*node));
            }
        }
        self.steps = self.steps.saturating_add(self.next.len());
    }
}
