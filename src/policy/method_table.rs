//! The part of the routes that is there for one method, and the marks its entries ask for.

use rustc_hash::FxHashMap;

use super::conditions::{ClaimSet, Mark, claim_bit};
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
    /// The marks that entries ask for.
    pub(super) marks: Vec<Mark>,
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
                let known = table.marks.iter().position(|known| *known == mark);
                let bit = known.unwrap_or(table.marks.len());
                if known.is_none() {
                    table.marks.push(mark);
                }
                let bit = u32::try_from(bit).ok().and_then(|bit| 1_u64.checked_shl(bit));
                set |= bit.ok_or(TooTangled)?;
            }
            table.entry_marks.insert(entry, set);
        }
        table.last_marks = table.set(|mark| mark.last);
        table.visit(0, 0);
        Ok(table)
    }

    fn visit(&mut self, node: usize, depth: usize) -> (bool, MarkSet) {
        let Some(place) = self.routes.nodes().get(node) else { return (false, 0) };
        let own = place.entry(self.method);
        let mut live = own.is_some();
        let mut marks = own.and_then(|entry| self.entry_marks.get(&entry).copied()).unwrap_or(0);
        for next in place.literals.values().chain(&place.parameter).chain(&place.greedy) {
            let (more, below) = self.visit(*next, depth.saturating_add(1));
            live |= more;
            marks |= below;
        }
        if let (Some(slot), Some(deep), Some(below)) =
            (self.live.get_mut(node), self.depth.get_mut(node), self.below.get_mut(node))
        {
            (*slot, *deep, *below) = (live, depth, marks);
        }
        (live, marks)
    }

    /// A node of the routes, if the method has an entry there or below.
    pub(super) fn live(&self, node: usize) -> Option<&'a crate::routes::Node> {
        self.live.get(node).filter(|live| **live)?;
        self.routes.nodes().get(node)
    }

    /// The marks that `wanted` names.
    pub(super) fn set(&self, wanted: impl Fn(&Mark) -> bool) -> MarkSet {
        let named = self.marks.iter().enumerate().filter(|(_, mark)| wanted(mark));
        named.fold(0, |set, (bit, _)| set | u32::try_from(bit).ok().and_then(|bit| 1_u64.checked_shl(bit)).unwrap_or(0))
    }

    /// The claims of some marks.
    pub(super) fn claims(&self, marks: MarkSet, wanted: impl Fn(&Mark) -> bool) -> ClaimSet {
        let mut claims = 0;
        for (bit, mark) in self.marks.iter().enumerate() {
            let held = u32::try_from(bit).is_ok_and(|bit| marks & 1_u64.checked_shl(bit).unwrap_or(0) != 0);
            if held && wanted(mark) {
                claims |= claim_bit(mark.claim);
            }
        }
        claims
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
