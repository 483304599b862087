//! Everything about a route table's policies that does not depend on a token, found once at start-up.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::ambiguity_denies::Encodable;
use super::automaton::{Automaton, Cell, CellId, Literals, MarkSet, MethodTable};
use super::cache::Cache;
use super::conditions::{ClaimSet, ConditionId, Conditions, Entailment, Mark, Way, claim_bit};
use super::conflicts;
use super::diagnostics::{self, TableMistake, TooTangled, Warning};
use super::overlap::{self, Begin, CellPart, CellSets, Gaps, Matcher, Texts};
use super::pattern::{Form, NodeId, Part, PatternTree, ROOT};
#[cfg(feature = "authz")]
use super::pattern::{spell, tails};
use crate::routes::{METHODS, Need, Routes, Segment, Undeclared};

/// The most segments of a path: more than a Resource of 512 characters has room for, with the shortest stage.
const MAX_SEGMENTS: usize = 220;
/// The most that is compared to find out which Denies may leave their method out.
const MAX_STAR_STEPS: usize = 400_000;

/// The cell of all that no entry takes, for every method.
pub(super) const UNDECLARED: CellId = 0;

pub(super) type TableId = usize;
pub(super) type ClassId = usize;

/// A route table, ready to become a policy for any token.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(super) undeclared: Undeclared,
    pub(super) conditions: Conditions,
    pub(super) literals: Literals,
    /// By class, the conditions of which one is enough.
    pub(super) classes: Vec<Vec<ConditionId>>,
    /// By condition, the classes that it is enough for.
    pub(super) classes_of: Vec<Vec<ClassId>>,
    /// By cell.
    pub(super) class_of: Vec<ClassId>,
    pub(super) tables: Vec<Table>,
    /// By condition, the patterns that it opens.
    pub(super) own: Vec<Vec<OwnPattern>>,
    /// By condition, whether some of its patterns hold texts of the token.
    pub(super) opens_texts: Vec<bool>,
    pub(super) encodable: Encodable,
    /// Whether some Deny may refuse a path whose parameter is a literal of the table, of which a warning tells.
    pub(super) collides: bool,
    pub(super) cache: Cache,
}

/// The patterns of the methods for which the same entries count.
#[derive(Debug)]
pub(super) struct Table {
    /// Positions in [`METHODS`].
    pub(super) methods: Vec<usize>,
    pub(super) entries: Vec<TableEntry>,
    /// By cell, the place in `entries`.
    pub(super) entry_of: FxHashMap<CellId, usize>,
    pub(super) patterns: Overlaps,
    /// Patterns that are only denied.
    pub(super) extra: Overlaps,
    /// If each gap is one segment; empty where no pattern needs it.
    pub(super) short_reach: CellSets,
    /// By pattern, its cutbacks in `extra`.
    pub(super) cutbacks: FxHashMap<NodeId, Vec<NodeId>>,
    /// By pattern and cell, what both match, in `extra`.
    pub(super) common: FxHashMap<(NodeId, CellId), Vec<NodeId>>,
}

/// An entry of one method's table.
#[derive(Debug)]
pub(super) struct TableEntry {
    /// In the order of the routes.
    pub(super) entry: usize,
    pub(super) node: NodeId,
    /// The cell where no mark holds.
    pub(super) plain: CellId,
}

/// Patterns and the cells they overlap.
#[derive(Debug)]
pub(super) struct Overlaps {
    pub(super) tree: PatternTree,
    pub(super) reach: CellSets,
    pub(super) hits: CellSets,
    /// The cells that the pattern must not hit if it has any method and any segments before it; `None` if they are not known.
    pub(super) anywhere: Option<Vec<CellSets>>,
}

/// A pattern of an entry, and the condition under which its paths are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct OwnPattern {
    pub(super) table: TableId,
    pub(super) node: NodeId,
    /// The cell of the entry without marks: where it is usable, the pattern without texts says all.
    pub(super) plain: CellId,
}

/// What is found while a table is compiled.
pub(super) struct Sources<'a> {
    pub(super) routes: &'a Routes,
    /// By entry.
    pub(super) ways: Vec<Arc<Vec<Way>>>,
    pub(super) methods: Vec<MethodTable<'a>>,
    pub(super) automata: Vec<Automaton>,
    pub(super) cells: Vec<Option<Cell>>,
    classes: FxHashMap<Vec<ConditionId>, ClassId>,
}

impl Plan {
    /// Compiles a table.
    ///
    /// # Errors
    /// Every reason why some token's policy could not be cached without refusing what the rules allow.
    pub(crate) fn new(routes: &Routes) -> Result<(Self, Vec<Warning>), Vec<TableMistake>> {
        if routes.entries().iter().any(|entry| entry.path.segments().len() > MAX_SEGMENTS) {
            return Err(vec![TableMistake::TooLong]);
        }
        let (plan, mistakes, warnings) = Self::compile(routes).map_err(|TooTangled| vec![TableMistake::TooTangled])?;
        if mistakes.is_empty() { Ok((plan, warnings)) } else { Err(diagnostics::with_ways_out(routes, mistakes)) }
    }

    /// The plan of a table, why it may not be used, and what to know about it.
    pub(super) fn compile(routes: &Routes) -> Result<(Self, Vec<TableMistake>, Vec<Warning>), TooTangled> {
        let (mut plan, mut sources) = Self::gather(routes)?;
        for table in 0..plan.tables.len() {
            plan.overlap(table, &mut sources)?;
        }
        plan.open_patterns(&sources)?;
        let conditions = std::mem::take(&mut plan.conditions);
        let mut entailment = Entailment::new(&conditions);
        let found = conflicts::find(&mut plan, &sources, &mut entailment)?;
        let mut warnings = diagnostics::falls_through(routes, &sources.ways, &mut entailment);
        drop(entailment);
        plan.conditions = conditions;
        plan.collides = !found.collisions.is_empty();
        plan.anywhere(&sources);
        plan.conditions.seal();
        warnings.extend(found.collisions);
        let warnings = diagnostics::warnings(&plan, routes, warnings);
        Ok((plan, found.mistakes, warnings))
    }

    /// The needs as conditions, and an empty table for each group of methods.
    fn gather(routes: &Routes) -> Result<(Self, Sources<'_>), TooTangled> {
        let mut conditions = Conditions::default();
        let mut known: FxHashMap<&Need, Arc<Vec<Way>>> = FxHashMap::default();
        let mut ways = Vec::with_capacity(routes.entries().len());
        for entry in routes.entries() {
            let need: &Need = &entry.need;
            let found = match known.get(need) {
                Some(found) => Arc::clone(found),
                None => {
                    let found = Arc::new(conditions.ways(need)?);
                    known.insert(need, Arc::clone(&found));
                    found
                }
            };
            ways.push(found);
        }
        // With "allow", what no entry takes is open to everybody: a need of nothing.
        let everybody = conditions.ways(&Need::default())?.first().map(|way| way.condition);
        let mut groups: Vec<(Vec<Option<usize>>, Vec<usize>)> = Vec::new();
        for method in 0..METHODS.len() {
            let entries: Vec<_> = routes.nodes().iter().map(|node| node.entry(method)).collect();
            if entries.iter().all(Option::is_none) && routes.undeclared() != Undeclared::Allow {
                continue;
            }
            match groups.iter_mut().find(|(known, _)| *known == entries) {
                Some((_, methods)) => methods.push(method),
                None => groups.push((entries, vec![method])),
            }
        }
        let class = match routes.undeclared() {
            Undeclared::Allow => everybody.into_iter().collect(),
            Undeclared::Deny | Undeclared::Absent => Vec::new(),
        };
        let literals = Literals::new(routes);
        let plan = Self {
            undeclared: routes.undeclared(),
            encodable: Encodable::of(literals.iter()),
            own: Vec::new(),
            opens_texts: Vec::new(),
            conditions,
            literals,
            classes: vec![class],
            classes_of: Vec::new(),
            class_of: vec![0],
            tables: groups.iter().map(|(_, methods)| Table::of_methods(methods.clone())).collect(),
            collides: false,
            cache: Cache::default(),
        };
        let marks = |entry: usize| -> Vec<Mark> {
            let mut marks: Vec<Mark> =
                ways.get(entry).into_iter().flat_map(|ways| ways.iter()).flat_map(|way| way.marks.clone()).collect();
            marks.sort_unstable();
            marks.dedup();
            marks
        };
        let methods = groups
            .iter()
            .map(|(_, methods)| MethodTable::new(routes, methods.first().copied().unwrap_or(METHODS.len()), marks))
            .collect::<Result<_, _>>()?;
        Ok((
            plan,
            Sources { routes, ways, methods, automata: Vec::new(), cells: vec![None], classes: FxHashMap::default() },
        ))
    }

    /// The patterns of a method's table and the cells that they overlap.
    fn overlap(&mut self, id: TableId, sources: &mut Sources<'_>) -> Result<(), TooTangled> {
        let method = sources.methods.get(id).ok_or(TooTangled)?;
        let mut known: FxHashMap<(usize, MarkSet), CellId> = FxHashMap::default();
        let cells = &mut sources.cells;
        let automaton = Automaton::new(method, &self.literals, |entry, marks| {
            *known.entry((entry, marks)).or_insert_with(|| {
                cells.push(Some(Cell { table: id, entry, marks }));
                cells.len().saturating_sub(1)
            })
        })?;
        let tree = PatternTree::of_entries(method, &self.literals)?;
        let mut entries = Vec::new();
        let mut by_entry: FxHashMap<usize, usize> = FxHashMap::default();
        let numbers: Vec<usize> = sources.routes.nodes().iter().filter_map(|node| node.entry(method.method)).collect();
        for entry in numbers {
            let node = tree.of_entry(sources.routes, entry, &self.literals).ok_or(TooTangled)?;
            // An entry none of whose paths is its own has no cell: a wider one at the same place takes them all.
            let plain = *known.entry((entry, 0)).or_insert_with(|| {
                cells.push(Some(Cell { table: id, entry, marks: 0 }));
                cells.len().saturating_sub(1)
            });
            by_entry.insert(entry, entries.len());
            entries.push(TableEntry { entry, node, plain });
        }
        let mut entry_of = FxHashMap::default();
        for ((entry, _), cell) in &known {
            entry_of.insert(*cell, *by_entry.get(entry).ok_or(TooTangled)?);
        }
        let first = self.class_of.len();
        for number in first..sources.cells.len() {
            let cell = sources.cells.get(number).and_then(Option::as_ref).ok_or(TooTangled)?;
            let class = class(cell, method, sources.ways.get(cell.entry).ok_or(TooTangled)?);
            let number = *sources.classes.entry(class.clone()).or_insert(self.classes.len());
            if number == self.classes.len() {
                self.classes.push(class);
            }
            self.class_of.push(number);
        }
        let undeclared = (self.undeclared != Undeclared::Absent).then_some(UNDECLARED);
        let reach = overlap::reach(&automaton, &tree, Gaps::Long, undeclared)?;
        let own_cells = first..sources.cells.len();
        let hits = hits(&tree, sources, &self.literals, id, own_cells)?;
        let table = self.tables.get_mut(id).ok_or(TooTangled)?;
        table.entries = entries;
        table.entry_of = entry_of;
        table.patterns = Overlaps { tree, reach, hits, anywhere: None };
        sources.automata.push(automaton);
        Ok(())
    }

    /// The patterns that each condition opens.
    fn open_patterns(&mut self, sources: &Sources<'_>) -> Result<(), TooTangled> {
        self.own = vec![Vec::new(); self.conditions.len()];
        self.classes_of = vec![Vec::new(); self.conditions.len()];
        for (class, conditions) in self.classes.iter().enumerate() {
            for condition in conditions {
                self.classes_of.get_mut(*condition).ok_or(TooTangled)?.push(class);
            }
        }
        for (id, table) in self.tables.iter().enumerate() {
            for place in &table.entries {
                let segments = sources.routes.entries().get(place.entry).ok_or(TooTangled)?.path.segments();
                for way in sources.ways.get(place.entry).into_iter().flat_map(|ways| ways.iter()) {
                    let mut nodes = vec![ROOT];
                    for (position, segment) in segments.iter().enumerate() {
                        let needed = way.marks.iter().filter(|mark| mark.position == position);
                        let needed = needed.fold(0, |claims, mark| claims | claim_bit(mark.claim));
                        nodes = nodes
                            .iter()
                            .flat_map(|node| next(&table.patterns.tree, *node, segment, needed, &self.literals))
                            .collect();
                    }
                    let own = self.own.get_mut(way.condition).ok_or(TooTangled)?;
                    own.extend(nodes.into_iter().map(|node| OwnPattern { table: id, node, plain: place.plain }));
                }
            }
        }
        for own in &mut self.own {
            own.sort_unstable();
            own.dedup();
        }
        let has_text = |own: &OwnPattern| {
            let node = self.tables.get(own.table).and_then(|table| table.patterns.tree.get(own.node));
            node.is_none_or(|node| node.has_text)
        };
        self.opens_texts = self.own.iter().map(|own| own.iter().any(has_text)).collect();
        Ok(())
    }

    /// Finds out which Denies may have `*` for the method. Where that takes too long, none may.
    fn anywhere(&mut self, sources: &Sources<'_>) {
        let methods: usize = self.tables.iter().map(|table| table.methods.len()).sum();
        if methods < 2 || self.undeclared == Undeclared::Allow {
            return;
        }
        let beginnings: usize =
            self.tables.iter().filter_map(|table| Some(table.patterns.tree.get(ROOT)?.literals().len())).sum();
        let most = if self.collides { 1 } else { beginnings };
        if sources.cells.len().saturating_mul(most) > MAX_STAR_STEPS {
            return;
        }
        let words: Option<Vec<(CellId, Vec<CellPart>)>> =
            (1..sources.cells.len()).map(|cell| Some((cell, word(sources, &self.literals, cell)?))).collect();
        let Some(words) = words else { return };
        // Where a Deny may refuse a path whose parameter is a literal anyway, only ordinary paths are spared.
        let readings: &[Texts] = if self.collides { &[Texts::Ordinary] } else { &[Texts::Ordinary, Texts::All] };
        let mut steps = 0_usize;
        for table in &mut self.tables {
            for overlaps in [&mut table.patterns, &mut table.extra] {
                let mut matcher = Matcher::new(&overlaps.tree);
                let mut sets = Vec::new();
                for texts in readings {
                    let mut cells = vec![Vec::new(); overlaps.tree.nodes.len()];
                    for (cell, word) in &words {
                        for node in matcher.matching(word, Begin::Anywhere, *texts) {
                            if let Some(cells) = cells.get_mut(node) {
                                cells.push(*cell);
                            }
                        }
                        if steps.saturating_add(matcher.steps) > MAX_STAR_STEPS {
                            return;
                        }
                    }
                    sets.push(cells);
                }
                steps = steps.saturating_add(matcher.steps);
                overlaps.anywhere = Some(sets);
            }
        }
    }

    /// Adds patterns that are only denied, and what they overlap.
    pub(super) fn add_extra(&mut self, id: TableId, sources: &Sources<'_>) -> Result<(), TooTangled> {
        let undeclared = (self.undeclared != Undeclared::Absent).then_some(UNDECLARED);
        let table = self.tables.get_mut(id).ok_or(TooTangled)?;
        let automaton = sources.automata.get(id).ok_or(TooTangled)?;
        let extra = &mut table.extra;
        extra.reach = overlap::reach(automaton, &extra.tree, Gaps::Long, undeclared)?;
        extra.hits = hits(&extra.tree, sources, &self.literals, id, 1..sources.cells.len())?;
        Ok(())
    }

    /// What an Allow for an entry says after the method, and what may have to be denied beside it.
    #[cfg(feature = "authz")]
    pub(crate) fn spelt(&self, entry: usize) -> (Vec<String>, Vec<String>) {
        let found = || {
            let of = |table: &Table, entry: usize| {
                table.entries.iter().find(|place| place.entry == entry).map(|place| place.node)
            };
            let (table, node) = self.tables.iter().find_map(|table| Some((table, of(table, entry)?)))?;
            let written = |overlaps: &Overlaps, node: NodeId| -> Option<Vec<String>> {
                let base = spell(&overlaps.tree.word(node)?, &self.literals, &[])?;
                Some(tails(&base, Form::Exact, overlaps.tree.get(node)?.is_gap()))
            };
            let mut denies = Vec::new();
            for cutback in table.cutbacks.get(&node).into_iter().flatten() {
                denies.extend(written(&table.extra, *cutback)?);
            }
            for cell in table.patterns.reach.get(node)?.iter().filter(|cell| **cell != UNDECLARED) {
                let place = table.entries.get(*table.entry_of.get(cell)?)?;
                // A token that may use the one may use the other.
                let conditions = |cell: CellId| self.class(cell).map(|(_, conditions)| conditions);
                let own = conditions(table.entries.iter().find(|place| place.entry == entry)?.plain)?;
                let other = conditions(*cell)?;
                let implied = !own.is_empty() && own.iter().all(|condition| other.contains(condition));
                if place.entry != entry && !implied {
                    denies.extend(written(&table.patterns, place.node)?);
                }
            }
            denies.sort_unstable();
            denies.dedup();
            Some((written(&table.patterns, node)?, denies))
        };
        found().unwrap_or_default()
    }

    pub(super) fn class(&self, cell: CellId) -> Option<(ClassId, &[ConditionId])> {
        let class = *self.class_of.get(cell)?;
        Some((class, self.classes.get(class)?))
    }

    /// The cells that a pattern reaches in a form; `None` if that is not known.
    pub(super) fn reached(overlaps: &Overlaps, node: NodeId, form: Form) -> Option<[&[CellId]; 2]> {
        Self::cells(&overlaps.tree, &overlaps.reach, node, form)
    }

    /// The cells of a pattern in a form, of sets by pattern; `None` if they are not known.
    pub(super) fn cells<'a>(
        tree: &PatternTree,
        sets: &'a CellSets,
        node: NodeId,
        form: Form,
    ) -> Option<[&'a [CellId]; 2]> {
        let exact = || sets.get(node).map(Vec::as_slice);
        let below = || sets.get(tree.get(node)?.gap?).map(Vec::as_slice);
        Some(match form {
            Form::Exact => [exact()?, &[]],
            Form::Below => [&[], below()?],
            Form::Subtree => [exact()?, below()?],
            // It has cells of its siblings, too.
            Form::Prefix(_) => return None,
        })
    }
}

impl Table {
    fn of_methods(methods: Vec<usize>) -> Self {
        let nothing =
            || Overlaps { tree: PatternTree::empty(), reach: vec![Vec::new()], hits: vec![Vec::new()], anywhere: None };
        Self {
            methods,
            entries: Vec::new(),
            entry_of: FxHashMap::default(),
            patterns: nothing(),
            extra: nothing(),
            short_reach: Vec::new(),
            cutbacks: FxHashMap::default(),
            common: FxHashMap::default(),
        }
    }
}

/// The conditions of which one lets a token use a cell.
fn class(cell: &Cell, method: &MethodTable<'_>, ways: &[Way]) -> Vec<ConditionId> {
    let holds = |mark: &Mark| method.set(|known| known == mark) & cell.marks != 0;
    let mut class: Vec<_> = ways.iter().filter(|way| way.marks.iter().all(holds)).map(|way| way.condition).collect();
    class.sort_unstable();
    class.dedup();
    class
}

/// The ordinary paths of a cell, as one word.
fn word(sources: &Sources<'_>, literals: &Literals, cell: CellId) -> Option<Vec<CellPart>> {
    let cell = sources.cells.get(cell)?.as_ref()?;
    let method = sources.methods.get(cell.table)?;
    let own = method.entry_marks.get(&cell.entry).copied().unwrap_or(0);
    let mut word = Vec::new();
    for (position, segment) in sources.routes.entries().get(cell.entry)?.path.segments().iter().enumerate() {
        let claims = |marks: MarkSet| -> ClaimSet { method.claims(marks, |mark| mark.position == position) };
        word.push(match segment {
            Segment::Literal(text) => CellPart::Literal(literals.number(text)?),
            Segment::Parameter(_) => CellPart::Free { asked: claims(own), found: claims(cell.marks) },
            Segment::Greedy(_) if claims(cell.marks) != 0 => {
                CellPart::Free { asked: claims(own), found: claims(cell.marks) }
            }
            Segment::Greedy(_) => CellPart::Rest,
        });
    }
    Some(word)
}

/// The cells whose ordinary paths each pattern matches.
fn hits(
    tree: &PatternTree,
    sources: &Sources<'_>,
    literals: &Literals,
    table: TableId,
    cells: std::ops::Range<CellId>,
) -> Result<CellSets, TooTangled> {
    let mut hits = vec![Vec::new(); tree.nodes.len()];
    let mut matcher = Matcher::new(tree);
    for cell in cells {
        if sources.cells.get(cell).and_then(|cell| cell.as_ref()).is_none_or(|cell| cell.table != table) {
            continue;
        }
        let word = word(sources, literals, cell).ok_or(TooTangled)?;
        for node in matcher.matching(&word, Begin::AtTheRoot, Texts::Ordinary) {
            hits.get_mut(node).ok_or(TooTangled)?.push(cell);
        }
    }
    Ok(hits)
}

/// The nodes for one more segment of an entry that needs these claims to have its text.
fn next(tree: &PatternTree, node: NodeId, segment: &Segment, needed: ClaimSet, literals: &Literals) -> Vec<NodeId> {
    let Some(at) = tree.get(node) else { return Vec::new() };
    let literal = match segment {
        Segment::Literal(text) => literals.number(text).and_then(|literal| at.next(Part::Literal(literal))),
        Segment::Parameter(_) | Segment::Greedy(_) if needed == 0 => at.gap,
        Segment::Parameter(_) | Segment::Greedy(_) => {
            let fits = |next: &&NodeId| match tree.get(**next).and_then(|node| node.part) {
                Some(Part::Text(text)) => text.held & needed == needed,
                _ => false,
            };
            return at.texts.iter().filter(fits).copied().collect();
        }
    };
    literal.into_iter().collect()
}
