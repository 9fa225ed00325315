//! The clients that are connected through the proxy.

use crate::model::{SessionView, SessionsReport, Timestamp};
use crate::question::{self, Format};

use super::error::BadQuestion;
use super::handles::Handles;
use super::read::limit;

/// Sessions for a person to read; the total stands beside them.
const LIMIT_MAX: usize = 1000;
/// Sessions of an export: more than most brokers have.
const EXPORT_LIMIT_MAX: usize = 10_000;

/// The question for the clients that are connected through the proxy.
#[derive(Clone, Debug)]
pub struct Sessions {
    service: Option<String>,
    user: Option<String>,
    vhost: Option<String>,
    limit: usize,
}

impl Sessions {
    /// Reads the question.
    ///
    /// # Errors
    /// The question has no meaning.
    pub fn read(asked: &question::Sessions) -> Result<Sessions, BadQuestion> {
        let limit_max = if asked.format.unwrap_or_default() == Format::Json { LIMIT_MAX } else { EXPORT_LIMIT_MAX };
        let (service, user, vhost) = (asked.service.clone(), asked.user.clone(), asked.vhost.clone());
        Ok(Sessions { service, user, vhost, limit: limit(asked.limit, limit_max)? })
    }

    /// The first sessions that match, oldest first. The total counts all sessions that match.
    #[must_use]
    pub fn answer(&self, handles: &Handles, now: Timestamp) -> SessionsReport {
        let mut report = handles.live.sessions.report(now);
        report.sessions.retain(|session| self.matches(session));
        report.total = report.sessions.len() as u64;
        report.sessions.truncate(self.limit);
        report
    }

    fn matches(&self, session: &SessionView) -> bool {
        let pairs = [(&self.service, &session.service), (&self.user, &session.user), (&self.vhost, &session.vhost)];
        pairs.into_iter().all(|(wanted, found)| wanted.is_none() || wanted.as_deref() == found.as_deref())
    }
}
