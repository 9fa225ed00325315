//! The way to a running hoptrail.

use std::time::Duration;

use serde::Serialize;

use crate::model::api::{Problem, WARNING_HEADER};
use crate::question;
use crate::web::{Client, Method, WebError, encode};

/// The time to connect. A process on this machine or near it is there at once, or not at all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The time to wait for an answer: longer than the server's own limit by default.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// The largest answer that is read: ten thousand events, each with all the ids it may carry.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// The reason why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    /// No server answers.
    #[error("cannot reach hoptrail at {url}: {cause}. Is it running? (--url says where)")]
    Unreachable {
        /// The URL.
        url: String,
        /// The reason.
        cause: String,
    },
    /// hoptrail refuses, and says why.
    #[error("{0}")]
    Refused(String),
    /// Another program answers.
    #[error("{url} does not answer like hoptrail: {cause}. Is --url right?")]
    Strange {
        /// The URL.
        url: String,
        /// The difference from hoptrail's answers.
        cause: String,
    },
    /// The format does not fit the question.
    #[error("{0}")]
    Usage(String),
    /// The system lacks the resources for a request.
    #[error("cannot begin to ask: {0}")]
    NoRuntime(std::io::Error),
    /// Standard output cannot be written.
    #[error("cannot write the answer: {0}")]
    Write(#[from] std::io::Error),
}

/// An answer's body, and the cursor of the next page.
#[derive(Debug)]
pub(super) struct Answer {
    /// The body, as it was sent.
    pub(super) body: Vec<u8>,
    /// The URL it came from, for messages.
    pub(super) url: String,
    /// The cursor of an export's next page.
    pub(super) next_cursor: Option<String>,
    /// The server's warning that parts of the journal are left out.
    pub(super) warning: Option<String>,
}

impl Answer {
    /// The body as a view.
    pub(super) fn view<T: serde::de::DeserializeOwned>(&self) -> Result<T, AskError> {
        serde_json::from_slice(&self.body)
            .map_err(|error| AskError::Strange { url: self.url.clone(), cause: error.to_string() })
    }
}

/// The path of a question: segments and parameters, encoded.
#[derive(Debug, Default)]
pub(super) struct Question {
    path: String,
    query: String,
}

impl Question {
    /// Begins with the segments after `/api/v1`.
    pub(super) fn new(segments: &[&str]) -> Self {
        let encoded = segments.iter().map(|segment| format!("/{}", encode(segment)));
        Question { path: encoded.collect(), query: String::new() }
    }

    /// Adds the parameters that are given.
    pub(super) fn asking(mut self, question: &impl Serialize) -> Self {
        for (name, value) in question::pairs(question) {
            let sign = if self.query.is_empty() { '?' } else { '&' };
            self.query += &format!("{sign}{name}={}", encode(&value));
        }
        self
    }

    fn url(&self, base: &str) -> String {
        format!("{}/api/v1{}{}", base.trim_end_matches('/'), self.path, self.query)
    }
}

/// Asks the hoptrail at `base`.
pub(super) async fn ask(base: &str, question: &Question) -> Result<Answer, AskError> {
    let unreachable = |error: WebError| AskError::Unreachable { url: base.to_owned(), cause: error.to_string() };
    let client = Client::builder(ANSWER_TIMEOUT).connect_timeout(CONNECT_TIMEOUT).build().map_err(unreachable)?;
    let response = client.request(Method::GET, &question.url(base)).send().await.map_err(unreachable)?;
    let status = response.status();
    let next_cursor = response.header("link").and_then(cursor_of);
    let warning = response.header(WARNING_HEADER).map(str::to_owned);
    let body = response.body(ANSWER_BYTES_MAX).await.map_err(|error| match error {
        WebError::TooLong { .. } => AskError::Strange { url: base.to_owned(), cause: error.to_string() },
        error => unreachable(error),
    })?;
    if status.is_success() {
        return Ok(Answer { body, url: base.to_owned(), next_cursor, warning });
    }
    match serde_json::from_slice::<Problem>(&body) {
        Ok(problem) if !problem.detail.is_empty() => Err(AskError::Refused(problem.detail)),
        _ => Err(AskError::Strange { url: base.to_owned(), cause: format!("it says {status}") }),
    }
}

/// The cursor in `<…&cursor=…>; rel="next"`; it is made of letters, digits, `-` and `_`.
fn cursor_of(link: &str) -> Option<String> {
    let (_, rest) = link.split_once("cursor=")?;
    let cursor: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect();
    Some(cursor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_encoded_whole() {
        let asked =
            question::Sessions { service: Some("a b&c".into()), limit: Some(7), ..question::Sessions::default() };
        let url = Question::new(&["orders", "A/1 ?#%&\u{1b}ü."]).asking(&asked).url("http://127.0.0.1:8673/");
        assert_eq!(url, "http://127.0.0.1:8673/api/v1/orders/A%2F1%20%3F%23%25%26%1B%C3%BC.?limit=7&service=a%20b%26c");
    }

    #[test]
    fn the_cursor_of_an_export_is_found_in_its_link() {
        let link = "</api/v1/events?format=csv&cursor=AQ-_x9>; rel=\"next\"";
        assert_eq!(cursor_of(link).as_deref(), Some("AQ-_x9"));
        assert_eq!(cursor_of("</>; rel=\"prev\""), None);
    }

    #[tokio::test]
    async fn nobody_there_is_said_in_words() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let error = ask(&url, &Question::new(&["alerts"])).await.unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot reach hoptrail at {url}: ")), "{error}");
        assert!(error.ends_with("Is it running? (--url says where)"), "{error}");
    }

    #[tokio::test]
    async fn a_wrong_url_is_said_in_words() {
        let error = ask("nonsense", &Question::new(&["alerts"])).await.unwrap_err().to_string();
        assert!(error.starts_with("cannot reach hoptrail at nonsense: "), "{error}");
    }
}
