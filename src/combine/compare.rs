//! Arrays that several sets have, compared with those of the first.

use std::sync::Arc;

use super::coordinate::name;
use super::dimensions::dimensions;
use super::findings::{Findings, Weight};
use super::inputs::Member;
use super::restore::Restore;
use super::roles::{Role, Roles};
use super::{Check, Policy, fills};
use crate::error::Error;
use crate::store::{Elements, Values};
use crate::zarr::{ArrayMetadata, Attributes};

/// How an array of several sets is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// By its values, which are inline: where they differ, it is along the axes.
    Inline,
    /// By its values: a difference is one of coordinates.
    Coordinate,
    /// By its values: a difference is one of an array that was thought to be the same.
    Values,
}

impl Roles<'_, '_> {
    /// Compares arrays of all sets with those of the first set that has each: the roles that follow, by path.
    pub(super) fn compare(
        &mut self,
        arrays: &[(usize, How)],
        findings: &mut Findings,
    ) -> Result<Vec<(usize, Role)>, Error> {
        // One round of requests for all arrays that there is room for.
        let (mut together, mut room) = (Vec::new(), self.held.at_once());
        let mut waiting = Vec::new();
        for (path, how) in arrays {
            let wanted = self.wanted(*path, *how, &self.sets_with(*path))?;
            let bytes = wanted.iter().map(|(set, path)| self.inputs.stored_bytes(*set, *path));
            match room.checked_sub(bytes.fold(0, u64::saturating_add)) {
                Some(left) => {
                    room = left;
                    together.extend(wanted);
                }
                None => waiting.push(*path),
            }
        }
        self.held.fetch(self.inputs, &together)?;
        let compare = |(path, how): &(usize, How)| {
            let keeps = !waiting.contains(path);
            Ok((*path, self.compare_array(*path, *how, keeps, findings)?))
        };
        arrays.iter().map(compare).collect()
    }

    /// The sets that have an array, the first set first.
    fn sets_with(&self, path: usize) -> Vec<usize> {
        self.members(path).map(|(set, _)| set).collect()
    }

    /// What has to be here of the first of some sets and of others, by set and path, to compare an array.
    fn wanted(&self, path: usize, how: How, sets: &[usize]) -> Result<Vec<(usize, usize)>, Error> {
        let Some((first, others)) = sets.split_first().filter(|_| how != How::Inline) else { return Ok(Vec::new()) };
        let mut wanted = vec![(*first, path)];
        for set in others {
            if self.sight(path, *first, *set, how)?.is_none() {
                wanted.push((*set, path));
            }
        }
        Ok(if wanted.len() > 1 { wanted } else { Vec::new() })
    }

    /// Compares one array; where its bytes of all sets are too many to be here at once, some sets after others. What is fetched for it
    /// is forgotten unless it is to be kept.
    fn compare_array(&mut self, path: usize, how: How, keeps: bool, findings: &mut Findings) -> Result<Role, Error> {
        let sets = self.sets_with(path);
        let Some((first, others)) = sets.split_first() else { return Ok(Role::Same) };
        let mut differ = false;
        for part in self.parts(path, others) {
            let both: Vec<usize> = std::iter::once(*first).chain(part.iter().copied()).collect();
            let wanted = self.wanted(path, how, &both)?;
            self.held.fetch(self.inputs, &wanted)?;
            for set in &part {
                if !self.is_same(path, *first, *set, how)? {
                    self.tell(path, how, (*first, *set), findings);
                    differ = true;
                }
            }
            for set in part.iter().filter(|_| !keeps) {
                self.held.forget(self.inputs, *set, path);
            }
        }
        // Small ones of the first set are held inline then.
        let is_taken = self.array(*first, path).is_some_and(|(metadata, _)| is_held_inline(metadata));
        if !keeps && !is_taken {
            self.held.forget(self.inputs, *first, path);
        }
        let policies = &self.options.policies;
        Ok(match self.check(how) {
            _ if !differ => Role::Same,
            None => Role::Along,
            Some(check) => match policies.get(check) {
                Policy::Drop => Role::Out,
                Policy::Expand => Role::Along,
                _ => Role::Same,
            },
        })
    }

    /// Sets in parts of which the bytes of an array are here at once; a part has one set, whatever its bytes.
    fn parts(&self, path: usize, sets: &[usize]) -> Vec<Vec<usize>> {
        let (mut parts, mut room) = (Vec::<Vec<usize>>::new(), 0);
        for set in sets {
            let bytes = self.inputs.stored_bytes(*set, path);
            if let (Some(part), true) = (parts.last_mut(), bytes <= room) {
                part.push(*set);
                room -= bytes;
            } else {
                parts.push(vec![*set]);
                room = self.held.at_once().saturating_sub(bytes);
            }
        }
        parts
    }

    /// The check whose policy says what becomes of an array that differs; without one it gets the axes.
    fn check(&self, how: How) -> Option<Check> {
        match how {
            // Batches of sets are combined as all sets at once are only if what differs between any two gets the axes.
            How::Inline if self.options.policies.chosen(Check::Static).is_none() => None,
            How::Coordinate => Some(Check::Coordinate),
            How::Inline | How::Values => Some(Check::Static),
        }
    }

    /// Says that an array of a set is not that of the first.
    fn tell(&self, path: usize, how: How, (first, set): (usize, usize), findings: &mut Findings) {
        let name = self.inputs.paths.get(path).map(String::as_str).unwrap_or_default();
        let Some(check) = self.check(how) else { return self.tell_along(name, path, first, findings) };
        let input = |set: usize| self.inputs.sets.get(set).map(|input| input.name.as_str());
        let what = || self.difference(path, first, set, input(first).unwrap_or_default());
        findings.add(self.options.policies.weight(check), check, name, input(set), what);
    }

    /// Says that an array which other sets have otherwise gets the axes; of scalars that is expected.
    fn tell_along(&self, name: &str, path: usize, first: usize, findings: &mut Findings) {
        if self.array(first, path).is_some_and(|(metadata, _)| !metadata.shape.is_empty()) {
            let axes: Vec<&str> = self.axes.iter().map(|axis| axis.name.as_str()).collect();
            findings.add(Weight::Note, Check::Static, name, None, || {
                format!("it differs between sets, and is along {} now", axes.join(", "))
            });
        }
    }

    fn member(&self, set: usize, path: usize) -> Option<&Member> {
        self.inputs.sets.get(set)?.member(path)
    }

    fn array(&self, set: usize, path: usize) -> Option<(&ArrayMetadata, &Attributes)> {
        self.member(set, path)?.array()
    }

    /// Whether two sets have the same array, as far as that is seen without its values.
    fn sight(&self, path: usize, a: usize, b: usize, how: How) -> Result<Option<bool>, Error> {
        let (Some(ours), Some(theirs)) = (self.member(a, path), self.member(b, path)) else { return Ok(Some(false)) };
        let (Some((first, _)), Some((other, _))) = (ours.array(), theirs.array()) else { return Ok(Some(false)) };
        if self.has_same_chunks(path, ours, theirs) {
            return Ok(Some(true));
        }
        let is_same_fill = fills::is_same(first.fill_value.as_ref(), other.fill_value.as_ref());
        if dimensions(ours) != dimensions(theirs) || first.shape != other.shape || !is_same_fill {
            return Ok(Some(false));
        }
        let (bytes, most) = (Restore::bytes(first), self.options.compare_bytes);
        if bytes <= most {
            return Ok(None);
        }
        if how == How::Inline {
            return Ok(Some(false));
        }
        let name = self.inputs.paths.get(path).map(String::as_str).unwrap_or_default();
        let problem =
            format!("{name} has {bytes} bytes, and at most {most} are compared (it can be named in --identical-dims)");
        Err(Error::Combine { input: String::new(), problem })
    }

    fn is_same(&self, path: usize, a: usize, b: usize, how: How) -> Result<bool, Error> {
        if let Some(is_same) = self.sight(path, a, b, how)? {
            return Ok(is_same);
        }
        let (ours, theirs) = (self.held.values(self.inputs, a, path), self.held.values(self.inputs, b, path));
        let (ours, theirs) = match how {
            // What is inline and cannot be decoded is said to differ.
            How::Inline => match (ours, theirs) {
                (Ok(ours), Ok(theirs)) => (ours, theirs),
                _ => return Ok(false),
            },
            _ => (ours?, theirs?),
        };
        // Numbers in other types are compared as numbers only where the bytes are alike too.
        Ok(ours.bytes() == theirs.bytes() && ours.texts() == theirs.texts() && ours.dtype == theirs.dtype)
    }

    /// How an array of one set differs from the first's.
    fn difference(&self, path: usize, first: usize, set: usize, first_name: &str) -> String {
        let (ours, theirs) = (self.member(first, path).map(dimensions), self.member(set, path).map(dimensions));
        let (ours, theirs) = (ours.unwrap_or_default(), theirs.unwrap_or_default());
        if ours != theirs {
            return format!("has dimensions {theirs:?} instead of {ours:?} of {first_name}");
        }
        if let (Some((ours, _)), Some((theirs, _))) = (self.array(first, path), self.array(set, path)) {
            if ours.shape != theirs.shape {
                return format!("has shape {:?} instead of {:?} of {first_name}", theirs.shape, ours.shape);
            }
            let (ours, theirs) = (ours.fill_value.as_ref(), theirs.fill_value.as_ref());
            if !fills::is_same(ours, theirs) {
                let (ours, theirs) = (fills::show(ours), fills::show(theirs));
                return format!("has fill value {theirs} instead of {ours} of {first_name}");
            }
        }
        let values = |set| self.held.values(self.inputs, set, path);
        let parts = values(first)
            .ok()
            .zip(values(set).ok())
            .map(|(ours, theirs)| (differing(&ours, &theirs), differing(&theirs, &ours)));
        let (ours, theirs) = parts.unwrap_or_default();
        format!("its values are not those of {first_name}: ...{theirs}... instead of ...{ours}...")
    }

    /// Whether an array has the same chunks in two sets, in the same documents.
    pub(super) fn has_same_chunks(&self, path: usize, ours: &Member, theirs: &Member) -> bool {
        let (Some((first, _)), Some((other, _))) = (ours.array(), theirs.array()) else { return false };
        ours.inline == theirs.inline
            && ours.grid == theirs.grid
            && self.inputs.columns(path).is_some_and(|columns| columns.are_equal(&ours.rows, &theirs.rows))
            && (Arc::ptr_eq(&ours.documents, &theirs.documents)
                || (first == other && dimensions(ours) == dimensions(theirs)))
    }
}

/// Whether an array that is the same in all sets is held inline where it had to be fetched: whoever opens the set wants coordinates at once.
pub(super) fn is_held_inline(metadata: &ArrayMetadata) -> bool {
    metadata.shape.len() < 2
}

/// The first elements in which values differ from others, in words.
fn differing(ours: &Values, theirs: &Values) -> String {
    const SHOWN: usize = 4;
    let text = match (ours.bytes(), theirs.bytes(), ours.texts(), theirs.texts()) {
        (Some(bytes), Some(others), ..) => {
            let size = crate::convert::narrow(ours.dtype.size().unwrap_or(1)).max(1);
            let same = bytes.iter().zip(others).take_while(|(a, b)| a == b).count() / size * size;
            let end = same.saturating_add(SHOWN * size).min(bytes.len());
            format!("{:?}", Elements::of(&ours.dtype, bytes.get(same..end).unwrap_or_default()))
        }
        (.., Some(texts), Some(others)) => {
            let same = texts.iter().zip(others).take_while(|(a, b)| a == b).count();
            format!("{:?}", texts.iter().skip(same).take(SHOWN).collect::<Vec<_>>())
        }
        _ => name(&ours.dtype),
    };
    text.chars().take(60).collect()
}
