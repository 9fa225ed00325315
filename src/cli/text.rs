//! Text for a terminal: harmless text of messages, moments, lengths, and colours.

use std::time::Duration;

use crate::model::{State, Timestamp};
use crate::show::Words;

/// Writes characters that could drive a terminal, or turn the direction of text around, as escapes.
pub(super) fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if is_unsafe(c) => shown.extend(c.escape_default()),
            c => shown.push(c),
        }
    }
    shown
}

/// The character could drive a terminal, or change the look of other text.
pub(super) fn is_unsafe(c: char) -> bool {
    c.is_control() || is_invisible(c)
}

/// Zero-width characters, line separators, direction overrides and tags: they change the look of other text.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A moment for a list whose heading says that times are in UTC.
pub(super) fn moment(at: Timestamp) -> String {
    Words::english().moment_bare(at)
}

/// A length of time.
pub(super) fn length(length: Duration) -> String {
    Words::english().length(length)
}

/// The mark of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// The subject of the answer.
    Strong,
    /// The normal state.
    Good,
    /// Under way.
    Calm,
    /// Needs attention.
    Bad,
    /// A detail beside the point.
    Faint,
}

/// Whether marks are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paint {
    /// As colours.
    Colours,
    /// Not at all.
    Bare,
}

impl Paint {
    /// Marks text that is already harmless.
    pub(super) fn mark(self, mark: Mark, text: &str) -> String {
        let code = match mark {
            Mark::Strong => "1",
            Mark::Good => "32",
            Mark::Calm => "36",
            Mark::Bad => "1;31",
            Mark::Faint => "2",
        };
        match self {
            Paint::Colours => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            Paint::Bare => text.to_owned(),
        }
    }

    /// A state in its colour.
    pub(super) fn state(self, state: State) -> String {
        let mark = match state {
            State::Completed => Mark::Good,
            State::InFlight => Mark::Calm,
            State::Stalled | State::DeadLettered | State::Unroutable => Mark::Bad,
            State::Unknown => Mark::Faint,
        };
        self.mark(mark, &state.name().replace('_', " "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_drives_the_terminal() {
        assert_eq!(plain("A-1\u{1b}[2J\r\n\t\u{202e}x\u{9b}y\0"), "A-1\\u{1b}[2J\\r\\n\\t\\u{202e}x\\u{9b}y\\u{0}");
        assert_eq!(plain("Bestellung Ü 💍"), "Bestellung Ü 💍");
        for c in ['\u{200b}', '\u{2066}', '\u{feff}', '\u{e0041}', '\u{7f}', '\u{85}'] {
            assert!(plain(&c.to_string()).starts_with("\\u{"), "{c:?}");
        }
    }

    #[test]
    fn marks_are_shown_only_in_colour() {
        assert_eq!(Paint::Bare.state(State::DeadLettered), "dead lettered");
        assert_eq!(Paint::Colours.state(State::DeadLettered), "\u{1b}[1;31mdead lettered\u{1b}[0m");
    }
}
