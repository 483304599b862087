//! From a route table to its [`Plan`]: everything that walks, walks here.

use std::collections::hash_map::Entry;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::ambiguity_denies::Encodable;
use super::automaton::{Automaton, Cell, CellId, Literals};
use super::cache::Cache;
use super::conditions::{ClaimSet, ConditionId, Conditions, Mark, Way};
use super::entailment::Entailment;
use super::findings::{TableMistake, TooTangled, Warning};
use super::method_table::{MarkSet, MethodTable};
use super::overlap::{self, Gaps};
use super::pattern::{NodeId, Part, PatternTree, ROOT};
use super::plan::{Overlaps, OwnPattern, Plan, Table, TableEntry, TableId, UNDECLARED};
use super::sorted::sorted;
use super::sources::{Sources, hits};
use super::{any_method, conflicts, diagnostics};
use crate::routes::{METHODS, Need, Routes, Segment, Undeclared};

/// The most segments of a path: more than a Resource of 512 characters has room for, with the shortest stage.
const MAX_SEGMENTS: usize = 220;

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
        let is_right = |routes: &Routes| Self::compile(routes).is_ok_and(|(_, mistakes, _)| mistakes.is_empty());
        if mistakes.is_empty() {
            Ok((plan, warnings))
        } else {
            Err(diagnostics::with_ways_out(routes, mistakes, is_right))
        }
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
        let (mistakes, collisions) = conflicts::find(&mut plan, &sources, &mut entailment)?;
        let mut warnings = diagnostics::falls_through(routes, &sources.ways, &mut entailment);
        drop(entailment);
        plan.conditions = conditions;
        plan.collides = !collisions.is_empty();
        any_method::find(&mut plan, &sources);
        plan.conditions.seal();
        warnings.extend(collisions);
        warnings.extend(diagnostics::refused_below(&plan, routes));
        warnings.extend(diagnostics::left_out(&plan, routes));
        Ok((plan, mistakes, warnings))
    }

    /// The needs as conditions, and an empty table for each group of methods.
    fn gather(routes: &Routes) -> Result<(Self, Sources<'_>), TooTangled> {
        let mut conditions = Conditions::default();
        let mut known: FxHashMap<&Need, Arc<Vec<Way>>> = FxHashMap::default();
        let mut ways = Vec::with_capacity(routes.entries().len());
        for entry in routes.entries() {
            ways.push(match known.entry(&*entry.need) {
                Entry::Occupied(known) => Arc::clone(known.get()),
                Entry::Vacant(new) => Arc::clone(new.insert(Arc::new(conditions.ways(&entry.need)?))),
            });
        }
        // With "allow", what no entry takes is open to everybody: a need of nothing.
        let everybody = conditions.ways(&Need::default())?.first().map(|way| way.condition);
        // By the entries of methods, one of the methods, and all their names.
        let mut groups: Vec<(Vec<Option<usize>>, usize, Vec<_>)> = Vec::new();
        for (method, name) in METHODS.into_iter().enumerate() {
            let entries: Vec<_> = routes.nodes().iter().map(|node| node.entry(method)).collect();
            if entries.iter().all(Option::is_none) && routes.undeclared() != Undeclared::Allow {
                continue;
            }
            match groups.iter_mut().find(|(known, ..)| *known == entries) {
                Some((_, _, names)) => names.push(name),
                None => groups.push((entries, method, vec![name])),
            }
        }
        let class = everybody.into_iter().filter(|_| routes.undeclared() == Undeclared::Allow).collect();
        let literals = Literals::new(routes);
        let table = |names: &Vec<_>| Table { methods: names.clone(), ..Table::default() };
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
            tables: groups.iter().map(|(_, _, names)| table(names)).collect(),
            collides: false,
            cache: Cache::default(),
        };
        let marks = |entry: usize| {
            let ways = ways.get(entry).into_iter().flat_map(|ways| ways.iter());
            sorted(ways.flat_map(|way| way.marks.iter().copied()))
        };
        let methods = groups.iter().map(|(_, method, _)| MethodTable::new(routes, *method, marks));
        let methods = methods.collect::<Result<_, _>>()?;
        let (automata, cells, classes) = (Vec::new(), vec![None], FxHashMap::default());
        Ok((plan, Sources { routes, ways, methods, automata, cells, classes }))
    }

    /// The patterns of a method's table and the cells that they overlap.
    fn overlap(&mut self, id: TableId, sources: &mut Sources<'_>) -> Result<(), TooTangled> {
        let method = sources.methods.get(id).ok_or(TooTangled)?;
        let mut known: FxHashMap<(usize, MarkSet), CellId> = FxHashMap::default();
        let cells = &mut sources.cells;
        let mut number = |entry, marks| {
            *known.entry((entry, marks)).or_insert_with(|| {
                cells.push(Some(Cell { table: id, entry, marks }));
                cells.len().saturating_sub(1)
            })
        };
        let automaton = Automaton::new(method, &self.literals, &mut number)?;
        let tree = PatternTree::of_entries(method, &self.literals)?;
        let mut entries = Vec::new();
        let mut by_entry: FxHashMap<usize, usize> = FxHashMap::default();
        for entry in sources.routes.nodes().iter().filter_map(|node| node.entry(method.method)) {
            let node = tree.of_entry(sources.routes, entry, &self.literals).ok_or(TooTangled)?;
            by_entry.insert(entry, entries.len());
            // An entry none of whose paths is its own has no cell: a wider one at the same place takes them all.
            entries.push(TableEntry { entry, node, plain: number(entry, 0) });
        }
        let mut entry_of = FxHashMap::default();
        for cell in self.class_of.len()..sources.cells.len() {
            let of = sources.cells.get(cell).and_then(Option::as_ref).ok_or(TooTangled)?;
            entry_of.insert(cell, *by_entry.get(&of.entry).ok_or(TooTangled)?);
            let class = class(of, method, sources.ways.get(of.entry).ok_or(TooTangled)?);
            let number = *sources.classes.entry(class.clone()).or_insert(self.classes.len());
            if number == self.classes.len() {
                self.classes.push(class);
            }
            self.class_of.push(number);
        }
        let undeclared = (self.undeclared != Undeclared::Absent).then_some(UNDECLARED);
        let reach = overlap::reach(&automaton, &tree, Gaps::Long, undeclared)?;
        let hits = hits(&tree, sources, &self.literals, id)?;
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
                        let needed = needed.fold(0, |claims, mark| claims | mark.claim);
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
        self.own = std::mem::take(&mut self.own).into_iter().map(sorted).collect();
        let has_text = |own: &OwnPattern| {
            let node = self.tables.get(own.table).and_then(|table| table.patterns.tree.get(own.node));
            node.is_none_or(|node| node.has_text)
        };
        self.opens_texts = self.own.iter().map(|own| own.iter().any(has_text)).collect();
        Ok(())
    }
}

/// The conditions that let a token use a cell. One of them is enough.
fn class(cell: &Cell, method: &MethodTable<'_>, ways: &[Way]) -> Vec<ConditionId> {
    let holds = |mark: &Mark| method.set(|known| known == mark) & cell.marks != 0;
    sorted(ways.iter().filter(|way| way.marks.iter().all(holds)).map(|way| way.condition))
}

/// The nodes for one more segment of an entry that needs these claims to have its text.
fn next(tree: &PatternTree, node: NodeId, segment: &Segment, needed: ClaimSet, literals: &Literals) -> Vec<NodeId> {
    let Some(at) = tree.get(node) else { return Vec::new() };
    let literal = match segment {
        Segment::Literal(text) => literals.number(text).and_then(|literal| at.next(Part::Literal(literal))),
        Segment::Parameter(_) | Segment::Greedy(_) if needed == 0 => at.gap,
        Segment::Parameter(_) | Segment::Greedy(_) => {
            let texts = at.texts.iter().filter(|(text, _)| text.held & needed == needed);
            return texts.map(|(_, next)| *next).collect();
        }
    };
    literal.into_iter().collect()
}
