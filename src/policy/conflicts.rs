//! Whether every token can have a policy that neither allows what the rules refuse nor refuses what they allow.
//!
//! An Allow whose pattern reaches paths that some token may not use needs Denies. There are three kinds: the refused
//! entry's own pattern, the cutbacks of the Allow's, and what both match. A table may start if for every token one of them
//! hits nothing that the token may use.

use std::borrow::Cow;
use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::automaton::{CellId, Literals};
use super::conditions::{ClaimSet, ConditionId, Entailment};
use super::diagnostics::{Label, TableMistake, TooTangled, Warning};
use super::overlap::{self, Gaps};
use super::pattern::{EntryPart, Form, NodeId, Part, ROOT, cutbacks, held_claims, intersection, spell};
use super::plan::{ClassId, Overlaps, Plan, Sources, Table, TableId, UNDECLARED};
use crate::routes::{METHODS, Segment, Undeclared};

/// The most findings that anybody reads.
const MAX_FINDINGS: usize = 100;
const MAX_COLLISIONS: usize = 5;
/// The most patterns that one Allow and one refused entry may have in common.
const MAX_COMMON: usize = 16;
/// The most questions about a table, each of some set operations: some seconds' work at the worst.
const MAX_QUESTIONS: usize = 4_000_000;

/// What is wrong with a table, and what to know about it.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) mistakes: Vec<TableMistake>,
    pub(super) collisions: Vec<Warning>,
}

/// An Allow that some token gets.
#[derive(Clone, Copy, Debug)]
struct Allowed {
    node: NodeId,
    form: Form,
    condition: ConditionId,
    held: ClaimSet,
}

/// Finds the conflicts of all tables, and adds the Denies that only some Allows need.
///
/// # Errors
/// [`TooTangled`] if that takes too long.
pub(super) fn find(
    plan: &mut Plan,
    sources: &Sources<'_>,
    entailment: &mut Entailment<'_>,
) -> Result<Found, TooTangled> {
    let mut search = Search { entailment, questions: 0, mistakes: BTreeMap::new(), collisions: Vec::new() };
    for id in 0..plan.tables.len() {
        let allowed = allowed(plan, id)?;
        let contested = search.contested(plan, id, &allowed)?;
        add_denies(plan, sources, id, &allowed, &contested)?;
        search.judge(plan, sources, id, &allowed, &contested)?;
        search.collide(plan, sources, id, &allowed)?;
    }
    let undeclared = plan.undeclared;
    let mistakes = search.mistakes.into_iter().map(|((allowed, refused), hit)| TableMistake::Conflict {
        allowed,
        refused,
        hit,
        undeclared,
        ways_out: Vec::new(),
    });
    Ok(Found { mistakes: mistakes.collect(), collisions: search.collisions })
}

/// The Allows of a table.
fn allowed(plan: &Plan, id: TableId) -> Result<Vec<Allowed>, TooTangled> {
    if plan.undeclared == Undeclared::Allow {
        let everybody = plan.classes.first().and_then(|class| class.first()).copied();
        let condition = everybody.ok_or(TooTangled)?;
        return Ok(vec![Allowed { node: ROOT, form: Form::Subtree, condition, held: 0 }]);
    }
    let table = plan.tables.get(id).ok_or(TooTangled)?;
    let mut allowed = Vec::new();
    for (condition, own) in plan.own.iter().enumerate() {
        for own in own.iter().filter(|own| own.table == id) {
            let word = table.patterns.tree.word(own.node).ok_or(TooTangled)?;
            allowed.push(Allowed { node: own.node, form: Form::Exact, condition, held: held_claims(&word) });
        }
    }
    Ok(allowed)
}

/// An Allow, by its place, and a cell that it reaches, whose own pattern may hit what some token may use.
type Contested = Vec<(usize, CellId)>;

struct Search<'a, 'b> {
    entailment: &'a mut Entailment<'b>,
    questions: usize,
    mistakes: BTreeMap<(Label, Label), Label>,
    collisions: Vec<Warning>,
}

impl Search<'_, '_> {
    /// Whether some token with this Allow may not use `refused` and may use one cell of each of `hits`.
    fn possible(
        &mut self,
        plan: &Plan,
        allowed: &Allowed,
        refused: CellId,
        hits: &[ClassId],
    ) -> Result<bool, TooTangled> {
        self.questions = self.questions.saturating_add(1);
        if self.questions > MAX_QUESTIONS {
            return Err(TooTangled);
        }
        let classes: Option<Vec<_>> =
            hits.iter().map(|class| plan.classes.get(*class).map(|found| (*class, found.as_slice()))).collect();
        let (refused, classes) = plan.class(refused).zip(classes).ok_or(TooTangled)?;
        Ok(self.entailment.possible(allowed.condition, allowed.held, refused, &classes))
    }

    /// Those of the classes that some token may use which has this Allow and may not use `refused`.
    fn usable(
        &mut self,
        plan: &Plan,
        allowed: &Allowed,
        refused: CellId,
        classes: &[ClassId],
    ) -> Result<Vec<ClassId>, TooTangled> {
        let mut usable = Vec::new();
        for class in classes {
            if self.possible(plan, allowed, refused, &[*class])? {
                usable.push(*class);
            }
        }
        Ok(usable)
    }

    fn contested(&mut self, plan: &Plan, id: TableId, allowed: &[Allowed]) -> Result<Contested, TooTangled> {
        let table = plan.tables.get(id).ok_or(TooTangled)?;
        let mut classes = ClassCache::default();
        let mut contested = Vec::new();
        for (place, allow) in allowed.iter().enumerate() {
            for cell in reached(table, allow)?.iter().copied() {
                if cell == UNDECLARED || !self.possible(plan, allow, cell, &[])? {
                    continue;
                }
                let node = own_node(table, cell)?;
                let hits = classes.of(plan, &table.patterns, Set::Hits, node)?;
                if !self.usable(plan, allow, cell, &hits)?.is_empty() {
                    contested.push((place, cell));
                }
            }
        }
        Ok(contested)
    }

    /// Asks of each Allow whether its Denies may do harm.
    fn judge(
        &mut self,
        plan: &Plan,
        sources: &Sources<'_>,
        id: TableId,
        allowed: &[Allowed],
        contested: &Contested,
    ) -> Result<(), TooTangled> {
        let table = plan.tables.get(id).ok_or(TooTangled)?;
        let hit_by = |nodes: &[NodeId]| -> Result<Vec<ClassId>, TooTangled> {
            let mut classes = Vec::new();
            for node in nodes {
                let cells = table.extra.hits.get(*node).ok_or(TooTangled)?;
                classes.extend(cells.iter().filter_map(|cell| plan.class_of.get(*cell)));
            }
            classes.sort_unstable();
            classes.dedup();
            Ok(classes)
        };
        let cut = |allow: &Allowed, cell: CellId| -> Result<Option<Vec<ClassId>>, TooTangled> {
            let short = table.short_reach.get(allow.node);
            match table.cutbacks.get(&allow.node) {
                Some(nodes) if short.is_some_and(|short| short.binary_search(&cell).is_err()) => {
                    Ok(Some(hit_by(nodes)?))
                }
                _ => Ok(None),
            }
        };
        if plan.undeclared == Undeclared::Deny {
            for allow in allowed {
                if self.mistakes.len() > MAX_FINDINGS {
                    return Ok(());
                }
                if reached(table, allow)?.binary_search(&UNDECLARED).is_err() {
                    continue;
                }
                match cut(allow, UNDECLARED)? {
                    None => self.conflict(plan, sources, id, allow, UNDECLARED, None)?,
                    Some(hits) => {
                        if let Some(hit) = self.usable(plan, allow, UNDECLARED, &hits)?.first() {
                            self.conflict(plan, sources, id, allow, UNDECLARED, Some(*hit))?;
                        }
                    }
                }
            }
        }
        let mut classes = ClassCache::default();
        for (place, cell) in contested {
            if self.mistakes.len() > MAX_FINDINGS {
                return Ok(());
            }
            let allow = allowed.get(*place).ok_or(TooTangled)?;
            let own = classes.of(plan, &table.patterns, Set::Hits, own_node(table, *cell)?)?;
            let own = self.usable(plan, allow, *cell, &own)?;
            // An option that does not exist hurts every token, and asks for nothing more.
            let mut options: Vec<Vec<Option<ClassId>>> = vec![own.iter().copied().map(Some).collect()];
            for option in
                [table.common.get(&(allow.node, *cell)).map(|nodes| hit_by(nodes)).transpose()?, cut(allow, *cell)?]
            {
                options.push(match option {
                    None => vec![None],
                    Some(hits) => self.usable(plan, allow, *cell, &hits)?.into_iter().map(Some).collect(),
                });
            }
            let mut hurt = None;
            'search: for first in options.first().into_iter().flatten() {
                for second in options.get(1).into_iter().flatten() {
                    for third in options.get(2).into_iter().flatten() {
                        let hits: Vec<ClassId> = [*first, *second, *third].into_iter().flatten().collect();
                        if self.possible(plan, allow, *cell, &hits)? {
                            hurt = *first;
                            break 'search;
                        }
                    }
                }
            }
            if let Some(hit) = hurt {
                self.conflict(plan, sources, id, allow, *cell, Some(hit))?;
            }
        }
        Ok(())
    }

    /// Notes that no Deny of `refused` spares `hit`.
    fn conflict(
        &mut self,
        plan: &Plan,
        sources: &Sources<'_>,
        id: TableId,
        allow: &Allowed,
        refused: CellId,
        hit: Option<ClassId>,
    ) -> Result<(), TooTangled> {
        let table = plan.tables.get(id).ok_or(TooTangled)?;
        let method = table.methods.first().and_then(|method| METHODS.get(*method)).copied().unwrap_or("ANY");
        let node = table.patterns.tree.get(allow.node).ok_or(TooTangled)?;
        let label = |entry: Option<usize>| {
            let found = entry.and_then(|entry| Some((entry, sources.routes.entries().get(entry)?.path.as_str())));
            found.map_or(Label::Undeclared, |(index, path)| Label::Entry { index, method, path: path.to_owned() })
        };
        let entry_of = |cell: CellId| sources.cells.get(cell).and_then(|cell| cell.as_ref()).map(|cell| cell.entry);
        let all_hits = |overlaps: &Overlaps, node: NodeId| overlaps.hits.get(node).cloned().unwrap_or_default();
        let mut candidates = match table.entry_of.get(&refused).and_then(|place| table.entries.get(*place)) {
            Some(place) => all_hits(&table.patterns, place.node),
            None => table
                .cutbacks
                .get(&allow.node)
                .into_iter()
                .flatten()
                .flat_map(|node| all_hits(&table.extra, *node))
                .collect(),
        };
        candidates.sort_unstable();
        let hit =
            hit.and_then(|class| candidates.iter().find(|cell| plan.class_of.get(**cell) == Some(&class)).copied());
        let key = (label(node.entries.first().copied()), label(entry_of(refused)));
        self.mistakes.entry(key).or_insert_with(|| label(hit.and_then(entry_of)));
        Ok(())
    }

    /// Notes the Denies that refuse paths whose parameters are literals of the table.
    fn collide(
        &mut self,
        plan: &Plan,
        sources: &Sources<'_>,
        id: TableId,
        allowed: &[Allowed],
    ) -> Result<(), TooTangled> {
        let table = plan.tables.get(id).ok_or(TooTangled)?;
        let mut classes = ClassCache::default();
        for allow in allowed {
            for cell in reached(table, allow)?.iter().copied() {
                if self.collisions.len() >= MAX_COLLISIONS {
                    return Ok(());
                }
                if !self.possible(plan, allow, cell, &[])? {
                    continue;
                }
                let mut denies: Vec<(&Overlaps, NodeId)> = Vec::new();
                if cell != UNDECLARED {
                    denies.push((&table.patterns, own_node(table, cell)?));
                }
                let extra = table.cutbacks.get(&allow.node).into_iter().chain(table.common.get(&(allow.node, cell)));
                denies.extend(extra.flatten().map(|node| (&table.extra, *node)));
                for (overlaps, node) in denies {
                    let usable = match std::ptr::eq(overlaps, &table.patterns) {
                        true => classes.of(plan, overlaps, Set::Collisions, node)?,
                        false => collisions(plan, overlaps, node)?,
                    };
                    if let Some(class) = self.usable(plan, allow, cell, &usable)?.first() {
                        self.collision(plan, sources, id, overlaps, node, cell, *class);
                    }
                }
            }
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "all of it goes into one warning")]
    fn collision(
        &mut self,
        plan: &Plan,
        sources: &Sources<'_>,
        id: TableId,
        overlaps: &Overlaps,
        node: NodeId,
        refused: CellId,
        class: ClassId,
    ) {
        let found = || {
            let table = plan.tables.get(id)?;
            let method = *METHODS.get(*table.methods.first()?)?;
            let hits = overlaps.hits.get(node)?;
            let mut cells = overlaps.reach.get(node)?.iter().filter(|cell| hits.binary_search(cell).is_err());
            let cell = *cells.find(|cell| plan.class_of.get(**cell) == Some(&class))?;
            let entry = |cell: CellId| sources.cells.get(cell)?.as_ref().map(|cell| cell.entry);
            let label = |cell: CellId| {
                let found = entry(cell).and_then(|entry| Some((entry, sources.routes.entries().get(entry)?)));
                found.map_or(Label::Undeclared, |(index, route)| Label::Entry {
                    index,
                    method,
                    path: route.path.as_str().to_owned(),
                })
            };
            let word = overlaps.tree.word(node)?;
            let example = example(sources, &plan.literals, &word, entry(cell)?, *table.methods.first()?);
            Some(Warning::Collision { open: label(cell), refused: label(refused), example })
        };
        if let Some(warning) = found()
            && !self.collisions.contains(&warning)
        {
            self.collisions.push(warning);
        }
    }
}

/// A path of an entry that a Deny matches.
fn example(sources: &Sources<'_>, literals: &Literals, deny: &[Part], entry: usize, method: usize) -> Option<String> {
    let parts = entry_parts(sources, literals, entry)?;
    let texts = deny.iter().map(|_| "u1").collect::<Vec<_>>();
    let words = intersection(deny, &parts, MAX_COMMON)?;
    // A gap is one segment or more.
    let paths = words.iter().flat_map(|word| ["7", "7/8"].map(|text| (word, text))).filter_map(|(word, text)| {
        let path = spell(word, literals, &texts)?.replace("?*", text);
        (sources.routes.taken(&path, method) == Some(entry)).then_some(path)
    });
    paths.min().map(|path| format!("/{path}"))
}

fn entry_parts(sources: &Sources<'_>, literals: &Literals, entry: usize) -> Option<Vec<EntryPart>> {
    let segments = sources.routes.entries().get(entry)?.path.segments().iter();
    segments
        .map(|segment| {
            Some(match segment {
                Segment::Literal(text) => EntryPart::Literal(literals.number(text)?),
                Segment::Parameter(_) => EntryPart::Parameter,
                Segment::Greedy(_) => EntryPart::Greedy,
            })
        })
        .collect()
}

/// The cells that an Allow reaches, in order.
fn reached<'a>(table: &'a Table, allow: &Allowed) -> Result<Cow<'a, [CellId]>, TooTangled> {
    let [exact, below] = Plan::reached(&table.patterns, allow.node, allow.form).ok_or(TooTangled)?;
    if below.is_empty() {
        return Ok(Cow::Borrowed(exact));
    }
    let mut cells = [exact, below].concat();
    cells.sort_unstable();
    cells.dedup();
    Ok(Cow::Owned(cells))
}

/// The pattern of a cell's entry without texts.
fn own_node(table: &Table, cell: CellId) -> Result<NodeId, TooTangled> {
    let place = table.entry_of.get(&cell).and_then(|place| table.entries.get(*place));
    place.map(|place| place.node).ok_or(TooTangled)
}

/// Makes the Denies that only some Allows need.
fn add_denies(
    plan: &mut Plan,
    sources: &Sources<'_>,
    id: TableId,
    allowed: &[Allowed],
    contested: &Contested,
) -> Result<(), TooTangled> {
    let (undeclared, literals) = (plan.undeclared, std::mem::take(&mut plan.literals));
    let table = plan.tables.get_mut(id).ok_or(TooTangled)?;
    let mut cut: Vec<NodeId> = Vec::new();
    if undeclared != Undeclared::Allow {
        for allow in allowed {
            if undeclared == Undeclared::Deny && reached(table, allow)?.binary_search(&UNDECLARED).is_ok() {
                cut.push(allow.node);
            }
        }
        cut.extend(contested.iter().filter_map(|(place, _)| allowed.get(*place)).map(|allow| allow.node));
        cut.sort_unstable();
        cut.dedup();
        for node in &cut {
            let word = table.patterns.tree.word(*node).ok_or(TooTangled)?;
            let cutbacks = cutbacks(&word);
            let nodes =
                cutbacks.iter().map(|word| table.extra.tree.insert(word, &literals)).collect::<Result<_, _>>()?;
            table.cutbacks.insert(*node, nodes);
        }
    }
    for (place, cell) in contested {
        let allow = allowed.get(*place).ok_or(TooTangled)?;
        let entry = sources.cells.get(*cell).and_then(|cell| cell.as_ref()).ok_or(TooTangled)?.entry;
        let parts = entry_parts(sources, &literals, entry).ok_or(TooTangled)?;
        let word = table.patterns.tree.word(allow.node).ok_or(TooTangled)?;
        if allow.form == Form::Exact
            && let Some(words) = intersection(&word, &parts, MAX_COMMON)
        {
            let nodes = words.iter().map(|word| table.extra.tree.insert(word, &literals)).collect::<Result<_, _>>()?;
            table.common.insert((allow.node, *cell), nodes);
        }
    }
    if !cut.is_empty() {
        let automaton = sources.automata.get(id).ok_or(TooTangled)?;
        let matters = (undeclared != Undeclared::Absent).then_some(UNDECLARED);
        table.short_reach = overlap::reach(automaton, &table.patterns.tree, Gaps::Short, matters)?;
    }
    plan.literals = literals;
    plan.add_extra(id, sources)
}

/// Which cells of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Set {
    Hits,
    /// Those of which it only matches paths whose parameters are literals of the table.
    Collisions,
}

/// The classes of patterns' cells, asked once.
#[derive(Default)]
struct ClassCache(FxHashMap<(Set, NodeId), Vec<ClassId>>);

impl ClassCache {
    fn of(&mut self, plan: &Plan, overlaps: &Overlaps, set: Set, node: NodeId) -> Result<Vec<ClassId>, TooTangled> {
        if let Some(known) = self.0.get(&(set, node)) {
            return Ok(known.clone());
        }
        let classes = match set {
            Set::Hits => {
                let hits = overlaps.hits.get(node).ok_or(TooTangled)?;
                let mut classes: Vec<_> = hits.iter().filter_map(|cell| plan.class_of.get(*cell)).copied().collect();
                classes.sort_unstable();
                classes.dedup();
                classes
            }
            Set::Collisions => collisions(plan, overlaps, node)?,
        };
        self.0.insert((set, node), classes.clone());
        Ok(classes)
    }
}

fn collisions(plan: &Plan, overlaps: &Overlaps, node: NodeId) -> Result<Vec<ClassId>, TooTangled> {
    let (hits, reach) = overlaps.hits.get(node).zip(overlaps.reach.get(node)).ok_or(TooTangled)?;
    let only = reach.iter().filter(|cell| **cell != UNDECLARED && hits.binary_search(cell).is_err());
    let mut classes: Vec<_> = only.filter_map(|cell| plan.class_of.get(*cell)).copied().collect();
    classes.sort_unstable();
    classes.dedup();
    Ok(classes)
}
