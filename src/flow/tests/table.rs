//! The table against a plain list in the order of the last changes.

use super::super::table::{Limits, Table};
use super::*;

const LIMITS: Limits =
    Limits { len_max: 30, finished_max: 12, finished_kept: Duration::from_secs(40), kept: Duration::from_secs(300) };

/// Key, value, whether it is finished, and when it changed.
type Row = (u32, u64, bool, Timestamp);

/// Removes the oldest rows, at most `count`, while `goes` accepts them. Returns their number.
fn remove(rows: &mut Vec<Row>, finished: bool, count: usize, goes: impl Fn(&Row) -> bool) -> usize {
    for removed in 0..count {
        let oldest = rows.iter().position(|row| row.2 == finished);
        let Some(oldest) = oldest.filter(|at| goes(&rows[*at])) else { return removed };
        rows.remove(oldest);
    }
    count
}

fn sweep(rows: &mut Vec<Row>, now: Timestamp) -> u64 {
    remove(rows, true, 4, |row| now.since(row.3) > LIMITS.finished_kept);
    let finished = rows.iter().filter(|row| row.2).count();
    remove(rows, true, finished.saturating_sub(LIMITS.finished_max), |_| true);
    let aged = remove(rows, false, 4, |row| now.since(row.3) > LIMITS.kept);
    let over = rows.len().saturating_sub(LIMITS.len_max);
    let finished = remove(rows, true, over, |_| true);
    (aged + remove(rows, false, over - finished, |_| true)) as u64
}

#[test]
fn whatever_changes_and_leaves_the_table_holds_what_the_list_holds() {
    let (mut table, mut rows): (Table<u32, u64>, Vec<Row>) = (Table::new(), Vec::new());
    let (mut random, mut seconds, mut evicted) = (7u64, 0, [0; 2]);
    for step in 0..20_000u64 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (key, noise) = ((random >> 40) as u32 % 80, random >> 33);
        // The step is mostly short, and sometimes long enough that old entries leave.
        seconds += if noise % 97 == 0 { 200 } else { (noise % 3) as i64 };
        let now = at(seconds * 1000);
        // In every other phase, few entries are finished.
        let finishes = noise % 8 < if step / 1000 % 2 == 0 { 5 } else { 1 };
        table.change(
            key,
            now,
            |key| u64::from(*key),
            |value| value % 2 == 1,
            |value| {
                *value = 2 * step + u64::from(finishes);
            },
        );
        rows.retain(|row| row.0 != key);
        rows.push((key, 2 * step + u64::from(finishes), finishes, now));
        evicted[0] += table.sweep(now, &LIMITS);
        evicted[1] += sweep(&mut rows, now);
        table.check_invariants();
        let mut left: Vec<(u32, u64)> = table.iter().map(|(key, value)| (*key, *value)).collect();
        let mut expected: Vec<(u32, u64)> = rows.iter().map(|row| (row.0, row.1)).collect();
        left.sort_unstable();
        expected.sort_unstable();
        assert_eq!((left, evicted[0]), (expected, evicted[1]), "step {step}");
        assert_eq!(table.get(&key), rows.iter().find(|row| row.0 == key).map(|row| &row.1));
    }
    assert!(evicted[0] > 100, "{} were evicted unfinished", evicted[0]);
}
