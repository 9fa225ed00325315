//! The words of the command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use crate::question;

/// The flight recorder for RabbitMQ: records the life of every message, and says where an order is.
#[derive(Clone, Debug, Parser)]
#[command(name = "hoptrail", version, arg_required_else_help = true, propagate_version = true)]
pub struct Args {
    /// Configuration file
    #[arg(long, global = true, value_name = "FILE", env = "HOPTRAIL_CONFIG")]
    pub config: Option<PathBuf>,
    /// Colours in the output
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
    /// Settings that override the file and the environment.
    #[command(flatten)]
    pub settings: Settings,
}

/// `hoptrail check`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Check {
    /// Settings that override the file and the environment.
    #[command(flatten)]
    pub settings: Settings,
    /// Check the configuration only, not the broker and the journal's directory
    #[arg(long)]
    pub no_environment: bool,
}

/// `hoptrail journal`.
#[derive(Clone, Debug, Subcommand)]
pub enum Journal {
    /// Print partitions, events by kind, sizes, and removed ranges
    Stat(Stopped),
    /// Read everything, and report damage; changes nothing
    Check(Stopped),
    /// Save the readable events of damaged partitions, and record the others as gaps
    Salvage(Stopped),
    /// Apply retention as of now, at full speed, and rewrite the other partitions in less room
    Compact(Stopped),
}

impl Journal {
    /// The journal, and the form of the answer.
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
    /// Settings that override the file and the environment.
    #[command(flatten)]
    pub settings: Settings,
    /// The form of the answer
    #[arg(short, long, value_enum, default_value_t = Form::Table, value_name = "FORMAT")]
    pub output: Form,
}

/// The form of an answer about a journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
}

/// Settings given as flags: the overrides of [`crate::config::load`].
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
    /// Show where an order is, and why it does not go on
    Order {
        /// The order's id
        id: String,
        /// The hoptrail to ask, and the form of the answer.
        #[command(flatten)]
        how: How,
    },
    /// Show the life of a message
    Message {
        /// The message's id, or its fingerprint: fp: and 32 hexadecimal digits
        id: String,
        /// The hoptrail to ask, and the form of the answer.
        #[command(flatten)]
        how: How,
    },
    /// Search events, newest first
    Events {
        /// The question.
        #[command(flatten)]
        question: Box<question::Events>,
        /// Oldest first
        #[arg(long)]
        oldest_first: bool,
        /// The hoptrail to ask, and the form of the answer.
        #[command(flatten)]
        how: How,
    },
    /// List messages and orders past their deadline
    Stalled {
        /// The question.
        #[command(flatten)]
        question: question::Stalled,
        /// The hoptrail to ask, and the form of the answer.
        #[command(flatten)]
        how: How,
    },
    /// Count dead letters by queue, reason, exchange or service
    DeadLetters {
        /// The question.
        #[command(flatten)]
        question: question::DeadLetters,
        /// The hoptrail to ask, and the form of the answer.
        #[command(flatten)]
        how: How,
    },
    /// Count recorded events, also those that are no longer kept
    Statistics {
        /// The question.
        #[command(flatten)]
        question: question::Statistics,
        /// The hoptrail to ask, and the form of the answer.
        #[command(flatten)]
        how: How,
    },
    /// List the clients that are connected through the proxy now, and the messages that each holds
    Sessions {
        /// The question.
        #[command(flatten)]
        question: question::Sessions,
        /// The hoptrail to ask, and the form of the answer.
        #[command(flatten)]
        how: How,
    },
    /// List alerts that fire, and recent ones
    Alerts(How),
    /// Show the state of each source, and the gaps
    Coverage(How),
}

/// The hoptrail to ask, and the form of the answer.
#[derive(Clone, Debug, clap::Args)]
pub struct How {
    /// The URL of the running hoptrail
    #[arg(long, default_value = "http://127.0.0.1:8673", env = "HOPTRAIL_URL")]
    pub url: String,
    /// The form of the answer
    #[arg(short, long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    pub output: Format,
}

/// The form of an answer.
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
