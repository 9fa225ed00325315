//! Messages and orders that are past their deadline.

use crate::flow::StalledQuery;
use crate::model::api::StalledReport;
use crate::model::{StalledWhat, Timestamp, named};
use crate::question;
use crate::show::Words;

use super::error::BadQuestion;
use super::handles::Handles;
use super::read::{limit, parse};

/// Messages and orders for a person to read; the total stands beside them.
const LIMIT_MAX: usize = 1000;

named! {
    /// The choice between messages and orders, as the question names it.
    What {
        /// Messages only.
        Messages = "messages",
        /// Orders only.
        Orders = "orders",
    }
}

/// The question for messages and orders past their deadline.
#[derive(Clone, Debug)]
pub struct Stalled(StalledQuery);

impl Stalled {
    /// Reads the question.
    ///
    /// # Errors
    /// The question has no meaning.
    pub fn read(asked: &question::Stalled) -> Result<Stalled, BadQuestion> {
        let what = parse("what", asked.what.as_deref())?.map(|what| match what {
            What::Messages => StalledWhat::Message,
            What::Orders => StalledWhat::Order,
        });
        let status = match (&asked.status, &asked.step) {
            (Some(_), Some(_)) => {
                return Err(BadQuestion::Parameter("step is another name for status; give one".to_owned()));
            }
            (status, step) => status.as_ref().or(step.as_ref()),
        };
        Ok(Stalled(StalledQuery {
            what,
            service: asked.service.clone(),
            queue: asked.queue.clone(),
            status: status.cloned(),
            limit: limit(asked.limit, LIMIT_MAX)?,
        }))
    }

    /// All messages and orders that match, oldest first.
    #[must_use]
    pub fn answer(&self, handles: &Handles, now: Timestamp) -> StalledReport {
        let words = Words::english();
        StalledReport::new(handles.flow.stalled(&self.0, now), |verdict| words.headline(verdict))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stalled_question_is_passed_on() {
        let asked = question::Stalled {
            what: Some("orders".into()),
            step: Some("PACKAGING".into()),
            service: Some("MES".into()),
            queue: Some("q".into()),
            limit: Some(5),
            ..question::Stalled::default()
        };
        let Stalled(query) = Stalled::read(&asked).unwrap();
        assert_eq!(query.what, Some(StalledWhat::Order));
        assert_eq!(query.status.as_deref(), Some("PACKAGING"));
        assert_eq!((query.service.as_deref(), query.queue.as_deref(), query.limit), (Some("MES"), Some("q"), 5));
    }
}
