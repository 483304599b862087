//! The part of the routes that is there for one method, and the marks its entries ask for.

use rustc_hash::FxHashMap;

use super::conditions::{ClaimSet, Mark};
use super::findings::TooTangled;
use crate::routes::Routes;

/// The most claims that entries compare with the parameter at one place, for each set of them is a symbol of its own.
pub(super) const MAX_CLAIMS_AT_A_PLACE: u32 = 4;

/// Marks of a table, one bit each.
pub(super) type MarkSet = u64;

/// The table of the methods for which the same entries count.
#[derive(Debug)]
pub(super) struct MethodTable<'a> {
    pub(super) routes: &'a Routes,
    /// A position in [`METHODS`](crate::routes::METHODS); any of its methods.
    pub(super) method: usize,
    /// By node of the routes, whether an entry of the method is there or below.
    live: Vec<bool>,
    pub(super) depth: Vec<usize>,
    /// The marks that entries ask for, and the set of each alone.
    marks: Vec<(Mark, MarkSet)>,
    /// By entry.
    pub(super) entry_marks: FxHashMap<usize, MarkSet>,
    /// By node of the routes, the marks of the entries there or below.
    pub(super) below: Vec<MarkSet>,
    pub(super) last_marks: MarkSet,
}

impl<'a> MethodTable<'a> {
    /// # Errors
    /// [`TooTangled`] for more marks than a set holds.
    pub(super) fn new(
        routes: &'a Routes,
        method: usize,
        marks_of: impl Fn(usize) -> Vec<Mark>,
    ) -> Result<Self, TooTangled> {
        let size = routes.nodes().len();
        let mut table = Self {
            routes,
            method,
            live: vec![false; size],
            depth: vec![0; size],
            marks: Vec::new(),
            entry_marks: FxHashMap::default(),
            below: vec![0; size],
            last_marks: 0,
        };
        for node in routes.nodes() {
            let Some(entry) = node.entry(method) else { continue };
            let mut set = 0;
            for mark in marks_of(entry) {
                set |= match table.marks.iter().find(|(known, _)| *known == mark) {
                    Some((_, bit)) => *bit,
                    None => {
                        let bit = u32::try_from(table.marks.len()).ok().and_then(|bit| 1_u64.checked_shl(bit));
                        let bit = bit.ok_or(TooTangled)?;
                        table.marks.push((mark, bit));
                        bit
                    }
                };
            }
            table.entry_marks.insert(entry, set);
        }
        table.last_marks = table.set(|mark| mark.last);
        table.visit(0, 0)?;
        Ok(table)
    }

    fn visit(&mut self, node: usize, depth: usize) -> Result<(bool, MarkSet), TooTangled> {
        let place = self.routes.nodes().get(node).ok_or(TooTangled)?;
        let own = place.entry(self.method);
        let mut live = own.is_some();
        let mut marks = match own {
            Some(entry) => *self.entry_marks.get(&entry).ok_or(TooTangled)?,
            None => 0,
        };
        for next in place.literals.values().chain(&place.parameter).chain(&place.greedy) {
            let (more, below) = self.visit(*next, depth.saturating_add(1))?;
            live |= more;
            marks |= below;
        }
        *self.live.get_mut(node).ok_or(TooTangled)? = live;
        *self.depth.get_mut(node).ok_or(TooTangled)? = depth;
        *self.below.get_mut(node).ok_or(TooTangled)? = marks;
        Ok((live, marks))
    }

    /// A node of the routes, if the method has an entry there or below.
    pub(super) fn live(&self, node: usize) -> Option<&'a crate::routes::Node> {
        self.live.get(node).filter(|live| **live)?;
        self.routes.nodes().get(node)
    }

    /// The marks that `wanted` names.
    pub(super) fn set(&self, wanted: impl Fn(&Mark) -> bool) -> MarkSet {
        self.marks.iter().filter(|(mark, _)| wanted(mark)).fold(0, |set, (_, bit)| set | bit)
    }

    /// The claims of some marks.
    pub(super) fn claims(&self, marks: MarkSet, wanted: impl Fn(&Mark) -> bool) -> ClaimSet {
        let held = self.marks.iter().filter(|(mark, bit)| marks & bit != 0 && wanted(mark));
        held.fold(0, |claims, (mark, _)| claims | mark.claim)
    }

    /// The claims that are compared with the segment after a node.
    ///
    /// # Errors
    /// [`TooTangled`] if they are too many.
    pub(super) fn claims_after(&self, node: usize) -> Result<ClaimSet, TooTangled> {
        let (Some(place), Some(depth)) = (self.live(node), self.depth.get(node)) else { return Ok(0) };
        let next = place.parameter.into_iter().chain(place.greedy);
        let below = next.filter_map(|next| self.below.get(next)).fold(0, |all, marks| all | marks);
        let claims = self.claims(below, |mark| mark.position == *depth);
        if claims.count_ones() > MAX_CLAIMS_AT_A_PLACE {
            return Err(TooTangled);
        }
        Ok(claims)
    }
}
