//! The number of items in an answer.

/// Items of an answer if the question gives no number: they fit a screen or two. The command line shows it as its default.
pub const LIMIT_DEFAULT: usize = 100;

#[cfg(test)]
mod tests {
    use clap::{Args, Parser};

    use super::*;
    use crate::question::{Events, Sessions, Stalled};

    #[derive(Parser)]
    struct Line<T: Args> {
        #[command(flatten)]
        asked: T,
    }

    fn without_words<T: Args>() -> T {
        Line::parse_from(["hoptrail"]).asked
    }

    #[test]
    fn the_command_line_has_the_same_default() {
        assert_eq!(without_words::<Events>().limit, Some(LIMIT_DEFAULT));
        assert_eq!(without_words::<Stalled>().limit, Some(LIMIT_DEFAULT));
        assert_eq!(without_words::<Sessions>().limit, Some(LIMIT_DEFAULT));
    }
}
