//! What became of many inputs, counted.

use std::collections::HashMap;

use serde::Serialize;

/// Reasons that are told apart; what goes beyond is counted together.
const REASONS: usize = 1000;

/// What can become of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It was worked on, and all is well.
    Done,
    /// What comes of it was there already.
    Existing,
    /// It was worked on, and objects of it were refused.
    Refused,
    /// Nothing came of it.
    Failed,
    /// It does not satisfy the conditions on inputs.
    #[serde(rename = "left_out")]
    LeftOut,
}

/// What became of inputs so far.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Inputs that were worked on, without a refusal.
    pub done: u64,
    /// Inputs of which the output was there.
    pub existing: u64,
    /// Inputs that were worked on, with refusals.
    pub refused: u64,
    /// Inputs of which nothing came.
    pub failed: u64,
    /// Inputs that do not satisfy the conditions.
    pub left_out: u64,
    /// Refusals, of existing outputs too.
    pub objects_refused: u64,
    reasons: HashMap<String, Reason>,
    /// Failures with further reasons.
    others: u64,
}

/// Why inputs failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The reason, as the first of them has it: they may differ in numbers.
    pub reason: String,
    /// How many inputs failed so.
    pub files: u64,
}

impl Tally {
    /// Counts an input, and refusals of objects in it.
    pub fn add(&mut self, kind: Kind, objects_refused: u64) {
        let count = match kind {
            Kind::Done => &mut self.done,
            Kind::Existing => &mut self.existing,
            Kind::Refused => &mut self.refused,
            Kind::Failed => &mut self.failed,
            Kind::LeftOut => &mut self.left_out,
        };
        *count = count.saturating_add(1);
        self.objects_refused = self.objects_refused.saturating_add(objects_refused);
    }

    /// Counts an input that failed.
    pub fn fail(&mut self, reason: &str) {
        self.add(Kind::Failed, 0);
        let key = without_numbers(reason);
        if let Some(known) = self.reasons.get_mut(&key) {
            known.files = known.files.saturating_add(1);
        } else if self.reasons.len() < REASONS {
            self.reasons.insert(key, Reason { reason: reason.to_owned(), files: 1 });
        } else {
            self.others = self.others.saturating_add(1);
        }
    }

    /// All inputs.
    pub fn inputs(&self) -> u64 {
        [self.done, self.existing, self.refused, self.failed, self.left_out].into_iter().fold(0, u64::saturating_add)
    }

    /// Why inputs failed, the most frequent reasons first.
    pub fn reasons(&self) -> Vec<Reason> {
        let mut reasons: Vec<Reason> = self.reasons.values().cloned().collect();
        if self.others > 0 {
            reasons.push(Reason { reason: "other reasons".to_owned(), files: self.others });
        }
        reasons.sort_by(|one, other| other.files.cmp(&one.files).then_with(|| one.reason.cmp(&other.reason)));
        reasons
    }
}

/// A reason without what is different in each file: addresses and sizes.
fn without_numbers(reason: &str) -> String {
    let mut key = String::with_capacity(reason.len());
    let mut in_number = false;
    for c in reason.chars() {
        let is_part = c.is_ascii_digit() || (in_number && (c.is_ascii_hexdigit() || c == 'x'));
        if !is_part {
            key.push(c);
        } else if !in_number {
            key.push('0');
        }
        in_number = is_part;
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_that_differ_in_numbers_are_one_and_the_most_frequent_come_first() {
        let mut tally = Tally::default();
        for reason in ["no such file", "node at 0x60: bad", "node at 0xff10: bad", "a", "node at 0x0: bad"] {
            tally.fail(reason);
        }
        tally.add(Kind::Done, 0);
        tally.add(Kind::Refused, 3);
        tally.add(Kind::Existing, 1);
        tally.add(Kind::LeftOut, 0);
        let reason = |reason: &str, files| Reason { reason: reason.to_owned(), files };
        assert_eq!(tally.reasons(), [reason("node at 0x60: bad", 3), reason("a", 1), reason("no such file", 1)]);
        assert_eq!((tally.inputs(), tally.failed, tally.objects_refused), (9, 5, 4));
    }

    #[test]
    fn reasons_without_end_are_counted_and_not_kept() {
        let mut tally = Tally::default();
        for n in 0..REASONS * 2 {
            let letters: String = n.to_string().bytes().map(|digit| char::from(digit + b'g' - b'0')).collect();
            tally.fail(&letters);
        }
        let reasons = tally.reasons();
        let others = Reason { reason: "other reasons".to_owned(), files: 1000 };
        assert_eq!((reasons.len(), &reasons[0]), (REASONS + 1, &others));
        assert_eq!(tally.failed, 2000);
    }
}
