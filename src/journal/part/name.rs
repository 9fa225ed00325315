//! The names of partitions' directories: `2026-11-20-0001`, and `2026-11-20-0001.2` when it has been rewritten twice.

use std::fmt;
use std::str::FromStr;

use crate::model::Timestamp;

/// Names a partition. The order is that of the events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::journal) struct PartName {
    /// Days since the epoch, UTC.
    pub(in crate::journal) day: i64,
    /// Counts a day's partitions from 1.
    pub(in crate::journal) number: u32,
    /// How often it has been rewritten.
    pub(in crate::journal) generation: u32,
}

impl PartName {
    /// The first partition of a day.
    pub(in crate::journal) fn first_of(day: i64) -> Self {
        PartName { day, number: 1, generation: 0 }
    }

    /// The partition itself, whatever its generation.
    pub(in crate::journal) fn id(self) -> (i64, u32) {
        (self.day, self.number)
    }

    /// The partition after this one, on the same day.
    pub(in crate::journal) fn next(self) -> Self {
        PartName { number: self.number + 1, generation: 0, ..self }
    }

    /// The same partition, once more rewritten.
    pub(in crate::journal) fn rewritten(self) -> Self {
        PartName { generation: self.generation + 1, ..self }
    }
}

impl fmt::Display for PartName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:04}", Timestamp::start_of_day(self.day).date(), self.number)?;
        if self.generation > 0 { write!(f, ".{}", self.generation) } else { Ok(()) }
    }
}

/// The text names no partition.
#[derive(Debug, PartialEq)]
pub(in crate::journal) struct NotAPart;

impl FromStr for PartName {
    type Err = NotAPart;

    fn from_str(text: &str) -> Result<Self, NotAPart> {
        let (name, generation) = text.split_once('.').unwrap_or((text, "0"));
        let (date, number) = name.rsplit_once('-').ok_or(NotAPart)?;
        let midnight: Timestamp = format!("{date}T00:00:00Z").parse().map_err(|_| NotAPart)?;
        let number = number.parse().map_err(|_| NotAPart)?;
        let part = PartName { day: midnight.day(), number, generation: generation.parse().map_err(|_| NotAPart)? };
        if part.to_string() == text { Ok(part) } else { Err(NotAPart) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_sort_like_their_events() {
        let names = ["2026-11-20-0001", "2026-11-20-0002.3", "2026-11-20-0010", "2026-11-21-0001", "2026-11-21-12345"];
        let parts: Vec<PartName> = names.iter().map(|name| name.parse().expect("a name")).collect();
        assert_eq!(parts.iter().map(ToString::to_string).collect::<Vec<_>>(), names);
        assert!(parts.is_sorted());
    }

    #[test]
    fn what_is_no_partition_has_no_name() {
        let others = [
            "2026-11-20",
            "2026-11-20-0001.damaged",
            "2026-11-20-0001.0",
            "2026-11-20-1",
            "lock",
            "2026-13-20-0001",
            "2026-11-20-0001.1.new",
            "",
            "-",
            "2026-11-20-0001.",
        ];
        for text in others {
            assert_eq!(text.parse::<PartName>(), Err(NotAPart), "{text}");
        }
    }
}
