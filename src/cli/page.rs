//! The page that commands of other rooms print.

use std::io;

use serde::Serialize;

use super::args::Color;
use super::output::{paint, width, write, write_data};
use super::table::table;
use super::text::{Mark, Paint, plain};

/// Text for people, made line by line and printed at once. Every text on it is made harmless for a terminal.
pub struct Page {
    text: String,
    width: Option<u16>,
    paint: Paint,
}

impl Page {
    /// An empty page, for this standard output.
    #[must_use]
    pub fn new(color: Color) -> Page {
        Page { text: String::new(), width: width(), paint: paint(color) }
    }

    /// Adds a line.
    pub fn line(&mut self, text: &str) {
        self.text += &plain(text);
        self.text.push('\n');
    }

    /// Adds a line that needs attention.
    pub fn bad(&mut self, text: &str) {
        self.text += &self.paint.mark(Mark::Bad, &plain(text));
        self.text.push('\n');
    }

    /// Adds a table.
    pub fn table(&mut self, headers: &[&str], rows: Vec<Vec<String>>) {
        let rows = rows.into_iter().map(|row| row.iter().map(|cell| plain(cell)).collect());
        self.text += &table(headers, rows.collect(), self.width, self.paint);
    }

    /// Prints the page to standard output.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn print(self) -> io::Result<()> {
        write(self.text.as_bytes()).map_err(io::Error::other)
    }
}

/// Prints a value as JSON.
///
/// # Errors
/// Standard output cannot be written.
pub fn print_json(value: &impl Serialize) -> io::Result<()> {
    write_data(&serde_json::to_vec_pretty(value)?).map_err(io::Error::other)
}
