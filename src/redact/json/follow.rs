//! The values that paths select, found by walking over the text.
//!
//! Every member is looked at, also one of several with the same name: whoever reads the text may take any of them.

use std::ops::Range;

use super::cursor::Cursor;
use crate::config::{JsonPath, Progress};

/// The places of the outermost values that the paths select, in order. The text must be JSON, and not too deep. Paths
/// that cannot be followed select nothing here.
pub(super) fn select<'a>(text: &'a str, paths: impl Iterator<Item = &'a JsonPath>) -> Vec<Range<usize>> {
    let alive = paths.filter_map(|path| Some((path, path.start()?))).collect();
    let mut walk = Walk { cursor: Cursor { text, at: 0 }, alive, found: Vec::new() };
    if !walk.alive.is_empty() {
        walk.cursor.skip_space();
        walk.value(0);
    }
    walk.found
}

struct Walk<'a> {
    cursor: Cursor<'a>,
    /// A stack: how far each path has come at each level, as long as it may select something there.
    alive: Vec<(&'a JsonPath, Progress)>,
    found: Vec<Range<usize>>,
}

impl Walk<'_> {
    /// The value here; `level` is where its paths begin on the stack.
    fn value(&mut self, level: usize) {
        let start = self.cursor.at;
        let mut here = self.alive.iter().skip(level);
        if here.any(|(path, progress)| path.selects(*progress)) {
            self.cursor.skip_value();
            self.found.push(start..self.cursor.at);
            return;
        }
        match self.cursor.peek() {
            Some(b'{') if self.alive.len() > level => self.object(level),
            Some(b'[') if self.alive.len() > level => self.array(level),
            _ => self.cursor.skip_value(),
        }
    }

    fn object(&mut self, level: usize) {
        self.cursor.at += 1;
        while self.cursor.next() {
            let name = self.cursor.name();
            self.child(level, |path, progress| path.member(progress, &name));
        }
    }

    fn array(&mut self, level: usize) {
        self.cursor.at += 1;
        let mut index = 0;
        while self.cursor.next() {
            self.child(level, |path, progress| path.item(progress, index));
            index += 1;
        }
    }

    fn child(&mut self, level: usize, step: impl Fn(&JsonPath, Progress) -> Progress) {
        let next = self.alive.len();
        for index in level..next {
            let Some((path, progress)) = self.alive.get(index).copied() else { break };
            let progress = step(path, progress);
            if !progress.is_over() {
                self.alive.push((path, progress));
            }
        }
        self.value(next);
        self.alive.truncate(next);
    }
}
