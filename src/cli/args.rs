//! The words of the command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use crate::question;

/// The flight recorder for RabbitMQ: records what happened to every message and says where an order is.
#[derive(Clone, Debug, Parser)]
#[command(name = "hoptrail", version, arg_required_else_help = true, propagate_version = true)]
pub struct Args {
    /// Configuration file
    #[arg(long, global = true, value_name = "FILE", env = "HOPTRAIL_CONFIG")]
    pub config: Option<PathBuf>,
    /// When to colour output
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// When output is coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Record, and answer questions
    Run(Run),
    /// Check the configuration, and whether the broker and the journal can be reached
    Check(Check),
    /// Look at, check and repair the journal of a stopped hoptrail
    #[command(subcommand)]
    Journal(Journal),
    /// Questions to a running hoptrail.
    #[command(flatten)]
    Ask(Box<Ask>),
}

/// `hoptrail run`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Run {
    /// Settings above the file's and the environment's.
    #[command(flatten)]
    pub settings: Settings,
}

/// `hoptrail check`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Check {
    /// Settings above the file's and the environment's.
    #[command(flatten)]
    pub settings: Settings,
    /// Check the configuration only, not the broker and the journal's directory
    #[arg(long)]
    pub no_environment: bool,
}

/// `hoptrail journal`.
#[derive(Clone, Debug, Subcommand)]
pub enum Journal {
    /// What is in it: partitions, events by kind, sizes, and what was removed
    Stat(Stopped),
    /// Read everything, and tell what is damaged; changes nothing
    Check(Stopped),
    /// Save what can be read of damaged partitions, and record the rest as gaps
    Salvage(Stopped),
    /// Apply retention as of now, at full speed, and rewrite what was never rewritten in less room
    Compact(Stopped),
}

impl Journal {
    /// Which journal, and how the answer looks.
    #[must_use]
    pub fn stopped(&self) -> &Stopped {
        let (Journal::Stat(stopped) | Journal::Check(stopped) | Journal::Salvage(stopped) | Journal::Compact(stopped)) =
            self;
        stopped
    }
}

/// The journal of a stopped hoptrail.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Stopped {
    /// The journal's directory, instead of journal.dir of the configuration
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Settings above the file's and the environment's.
    #[command(flatten)]
    pub settings: Settings,
    /// How the answer looks
    #[arg(short, long, value_enum, default_value_t = Form::Table, value_name = "FORMAT")]
    pub output: Form,
}

/// How an answer about a journal looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
}

/// Settings given as flags: what [`crate::config::load`] takes as its overrides.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Settings {
    /// Set one key of the configuration, such as serve.listen=127.0.0.1:8674; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = setting)]
    pub set: Vec<(String, String)>,
}

fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write it KEY=VALUE, such as serve.listen=127.0.0.1:8674".to_owned()),
    }
}

/// Questions to a running hoptrail.
#[derive(Clone, Debug, Subcommand)]
pub enum Ask {
    /// Where an order is, and why it is stuck
    Order {
        /// The order's id
        id: String,
        /// How to ask.
        #[command(flatten)]
        how: How,
    },
    /// What happened to a message
    Message {
        /// The message's id, or its fingerprint: fp: and 32 hexadecimal digits
        id: String,
        /// How to ask.
        #[command(flatten)]
        how: How,
    },
    /// Search events, newest first
    Events {
        /// Which.
        #[command(flatten)]
        question: Box<question::Events>,
        /// Oldest first
        #[arg(long)]
        oldest_first: bool,
        /// How to ask.
        #[command(flatten)]
        how: How,
    },
    /// Messages and orders that are past their deadline
    Stalled {
        /// Which.
        #[command(flatten)]
        question: question::Stalled,
        /// How to ask.
        #[command(flatten)]
        how: How,
    },
    /// Dead letters, counted by what they have in common
    DeadLetters {
        /// Which.
        #[command(flatten)]
        question: question::DeadLetters,
        /// How to ask.
        #[command(flatten)]
        how: How,
    },
    /// What was recorded in numbers, also of what is no longer kept
    Statistics {
        /// Which.
        #[command(flatten)]
        question: question::Statistics,
        /// How to ask.
        #[command(flatten)]
        how: How,
    },
    /// Who is connected through the proxy now, and what each holds
    Sessions {
        /// Which.
        #[command(flatten)]
        question: question::Sessions,
        /// How to ask.
        #[command(flatten)]
        how: How,
    },
    /// Alerts that are firing, and recent ones
    Alerts(How),
    /// What is observed, by which source, and what was missed
    Coverage(How),
}

/// How to ask, and how the answer looks.
#[derive(Clone, Debug, clap::Args)]
pub struct How {
    /// The running hoptrail
    #[arg(long, default_value = "http://127.0.0.1:8673", env = "HOPTRAIL_URL")]
    pub url: String,
    /// How the answer looks
    #[arg(short, long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    pub output: Format,
}

/// How an answer looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// As the API sends it.
    Json,
    /// One JSON object a line.
    Ndjson,
    /// For spreadsheets.
    Csv,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definitions_are_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn settings_may_be_repeated() {
        let args = Args::try_parse_from(["hoptrail", "run", "--set", "a.b=c=d", "--set", "e=", "--config", "f.toml"]);
        let args = args.unwrap();
        assert_eq!(args.config, Some("f.toml".into()));
        let Command::Run(run) = args.command else { panic!("not run") };
        assert_eq!(run.settings.set, [("a.b".to_owned(), "c=d".to_owned()), ("e".to_owned(), String::new())]);
        assert!(Args::try_parse_from(["hoptrail", "run", "--set", "nonsense"]).is_err());
    }

    #[test]
    fn an_id_may_begin_with_a_dash_after_two() {
        let args = Args::try_parse_from(["hoptrail", "order", "-o", "json", "--", "-7"]).unwrap();
        let Command::Ask(ask) = args.command else { panic!("not a question") };
        let Ask::Order { id, how } = *ask else { panic!("not order") };
        assert_eq!((id.as_str(), how.output), ("-7", Format::Json));
    }
}
