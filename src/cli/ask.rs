//! Carries out the commands that ask a running hoptrail.

use std::process::ExitCode;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::model::api::{
    AlertsReport, CoverageReport, DeadLettersReport, EventsPage, SessionsReport, StalledReport, StatisticsReport, Trail,
};
use crate::question::{self, Order};

use super::args::{Ask, Color, Format, How};
use super::client::{self, Answer, AskError, Question};
use super::output::{paint, width, write, write_data};
use super::text::{Paint, plain};
use super::{coverage, events, reports, sessions, statistics, trail};

const USAGE: u8 = 2;

/// Asks, and prints the answer. Answers go to standard output, errors to standard error. The exit code is 0, or 1
/// without an answer, or 2 for a question that cannot be asked like this. The function has a runtime of its own, so it
/// must not be called within another.
#[must_use]
pub fn run(command: &Ask, color: Color) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let answered = match runtime {
        Ok(runtime) => runtime.block_on(answer(command, paint(color))),
        Err(error) => Err(AskError::NoRuntime(error)),
    };
    let Err(error) = answered else { return ExitCode::SUCCESS };
    eprintln!("hoptrail: {}", plain(&error.to_string()));
    match error {
        AskError::Usage(_) => ExitCode::from(USAGE),
        _ => ExitCode::FAILURE,
    }
}

async fn answer(command: &Ask, paint: Paint) -> Result<(), AskError> {
    let width = width();
    match command {
        Ask::Order { id, how } => {
            let question = Question::new(&["orders", known(id)?]);
            show::<Trail, ()>(how, &question, |view| trail::render(view, paint), None).await
        }
        Ask::Message { id, how } => {
            let question = Question::new(&["messages", known(id)?]);
            show::<Trail, ()>(how, &question, |view| trail::render(view, paint), None).await
        }
        Ask::Events { question, oldest_first, how } => {
            let order = oldest_first.then_some(Order::Asc);
            let asked = question::Events { order, format: exported(how.output), ..(**question).clone() };
            list_events(how, &asked, width, paint).await
        }
        Ask::Stalled { question, how } => {
            let render = |view: &StalledReport| reports::stalled(view, width, paint);
            show(how, &Question::new(&["stalled"]).asking(question), render, Some(|view| view.stalled)).await
        }
        Ask::DeadLetters { question, how } => {
            let render = |view: &DeadLettersReport| reports::dead_letters(view, width, paint);
            show(how, &Question::new(&["dead-letters"]).asking(question), render, Some(|view| view.groups)).await
        }
        Ask::Statistics { question, how } => {
            let render = |view: &StatisticsReport| statistics::render(view, width, paint);
            show(how, &Question::new(&["statistics"]).asking(question), render, Some(|view| view.rows)).await
        }
        Ask::Sessions { question, how } => {
            let asked = question::Sessions { format: exported(how.output), ..question.clone() };
            list_sessions(how, &asked, width, paint).await
        }
        Ask::Alerts(how) => {
            let render = |view: &AlertsReport| reports::alerts(view, width, paint);
            show(how, &Question::new(&["alerts"]), render, Some(|view| view.alerts)).await
        }
        Ask::Coverage(how) => {
            let render = |view: &CoverageReport| coverage::render(view, width, paint);
            show::<_, ()>(how, &Question::new(&["coverage"]), render, None).await
        }
    }
}

/// Asks, and passes hoptrail's warnings on.
async fn ask(url: &str, question: &Question) -> Result<Answer, AskError> {
    let answer = client::ask(url, question).await?;
    if let Some(warning) = &answer.warning {
        eprintln!("hoptrail: {}", plain(warning));
    }
    Ok(answer)
}

/// Refuses ids that a path cannot name: an empty id, and ids that mean "here" or "above" in every URL, however encoded.
fn known(id: &str) -> Result<&str, AskError> {
    match id {
        "" => Err(AskError::Usage("the id is empty".to_owned())),
        "." | ".." => Err(AskError::Usage(format!("{id:?} cannot stand in a URL; search with events --order-id"))),
        id => Ok(id),
    }
}

/// Asks and shows the answer. `items` splits it into the items of one line each; `None`: the answer has no items.
async fn show<V, I>(
    how: &How,
    question: &Question,
    render: impl Fn(&V) -> String,
    items: Option<fn(V) -> Vec<I>>,
) -> Result<(), AskError>
where
    V: DeserializeOwned,
    I: Serialize,
{
    let refuse = |format: &str, instead: &str| {
        Err(AskError::Usage(format!(
            "-o {format} does not fit this answer; use {instead} (-o csv goes with events and sessions)"
        )))
    };
    match (how.output, items) {
        (Format::Csv, Some(_)) => refuse("csv", "table, json or ndjson"),
        (Format::Csv, None) => refuse("csv", "table or json"),
        (Format::Ndjson, None) => refuse("ndjson", "table or json"),
        (Format::Json, _) => write_data(&ask(&how.url, question).await?.body),
        (Format::Table, _) => write(render(&ask(&how.url, question).await?.view()?).as_bytes()),
        (Format::Ndjson, Some(items)) => {
            let view = ask(&how.url, question).await?.view()?;
            let lines = items(view).into_iter().filter_map(|item| serde_json::to_string(&item).ok());
            write_data(lines.map(|line| line + "\n").collect::<String>().as_bytes())
        }
    }
}

async fn list_events(how: &How, asked: &question::Events, width: Option<u16>, paint: Paint) -> Result<(), AskError> {
    let answer = ask(&how.url, &Question::new(&["events"]).asking(asked)).await?;
    match how.output {
        Format::Table => write(events::render(&answer.view::<EventsPage>()?, width, paint).as_bytes()),
        Format::Json => write_data(&answer.body),
        Format::Ndjson | Format::Csv => export(&answer),
    }
}

async fn list_sessions(
    how: &How,
    asked: &question::Sessions,
    width: Option<u16>,
    paint: Paint,
) -> Result<(), AskError> {
    let answer = ask(&how.url, &Question::new(&["sessions"]).asking(asked)).await?;
    match how.output {
        Format::Table => write(sessions::render(&answer.view::<SessionsReport>()?, width, paint).as_bytes()),
        Format::Json | Format::Ndjson | Format::Csv => write_data(&answer.body),
    }
}

/// The `format` of a question whose answer is printed as it comes.
fn exported(format: Format) -> Option<question::Format> {
    match format {
        Format::Table | Format::Json => None,
        Format::Ndjson => Some(question::Format::NdJson),
        Format::Csv => Some(question::Format::Csv),
    }
}

fn export(answer: &Answer) -> Result<(), AskError> {
    write_data(&answer.body)?;
    if let Some(cursor) = &answer.next_cursor {
        eprintln!("hoptrail: there may be more: --cursor {}", plain(cursor));
    }
    Ok(())
}
