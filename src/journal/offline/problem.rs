//! The findings of a check.

use std::ops::RangeInclusive;

use crate::journal::part::PartName;
use crate::model::{Seq, Timestamp, named};

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// The partition; `None`: between partitions, or beside them.
    pub partition: Option<String>,
    /// The numbers that it concerns, where events are concerned.
    pub seqs: Option<RangeInclusive<Seq>>,
    /// Their times: nothing before the first moment and nothing after the second is concerned.
    pub times: Option<(Timestamp, Timestamp)>,
    /// What kind of damage it is.
    pub damage: Damage,
    /// What was found.
    pub what: String,
}

named! {
    /// Kinds of damage, by what can be done.
    Damage {
        /// Events cannot be read.
        Unreadable = "unreadable",
        /// Events are not there.
        Missing = "missing",
        /// The events are there, and something that can be made from them again is damaged.
        Derived = "derived",
        /// The numbers are complete, and yet this is not what was recorded there.
        Foreign = "foreign",
        /// What is known of a removed partition cannot be read.
        Record = "record",
    }
}

impl Damage {
    /// What to do, for people.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Damage::Unreadable => {
                "run `hoptrail journal salvage`: it saves what can be read around them and records the rest as a gap"
            }
            Damage::Missing => {
                "put the files back from a backup, or run `hoptrail journal salvage`, which records them as a gap"
            }
            Damage::Derived => "run `hoptrail journal salvage`, which makes it again; no event is lost",
            Damage::Foreign => "compare the partition with a backup; it may have come from another journal",
            Damage::Record => "put the file back from a backup; without it the statistics of that time are lost",
        }
    }
}

/// Problems as they are found.
#[derive(Default)]
pub(super) struct Problems(pub(super) Vec<Problem>);

impl Problems {
    /// Adds one that concerns `first` to `last`; one that goes on where the last one ended is joined to it.
    pub(super) fn add(
        &mut self,
        part: Option<PartName>,
        (first, last): (Seq, Seq),
        times: (Timestamp, Timestamp),
        damage: Damage,
        what: String,
    ) {
        let partition = part.map(|name| name.to_string());
        let previous = self.0.last_mut().filter(|other| (&other.partition, other.damage) == (&partition, damage));
        if let Some(Problem { seqs: Some(seqs), times: Some((_, to)), .. }) = previous
            && damage == Damage::Unreadable
            && seqs.end().next() == first
        {
            *seqs = *seqs.start()..=last;
            *to = times.1.max(*to);
            return;
        }
        self.0.push(Problem { partition, seqs: Some(first..=last), times: Some(times), damage, what });
    }

    /// Adds one that concerns no events.
    pub(super) fn add_beside(&mut self, part: Option<PartName>, damage: Damage, what: String) {
        let partition = part.map(|name| name.to_string());
        self.0.push(Problem { partition, seqs: None, times: None, damage, what });
    }
}
