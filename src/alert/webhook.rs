//! One POST of an alert to an HTTP receiver.

use crate::config;
use crate::config::Secret;
use crate::model::Alert;
use crate::model::api::AlertView;
use crate::show::Words;
use crate::web::{Client, Method, StatusCode, WebError};

/// The receiver.
#[derive(Debug)]
pub(super) struct Webhook {
    client: Client,
    url: Secret,
}

/// The outcome of a POST.
#[derive(Debug, PartialEq)]
pub(super) enum Attempt {
    /// Answered with success.
    Delivered,
    /// A later attempt may succeed: no answer came, or the receiver is in trouble. Gives the reason, without the URL.
    Retry(String),
    /// No attempt will succeed: the receiver does not want the alert. Gives the reason.
    Refused(String),
}

impl Webhook {
    pub(super) fn new(settings: &config::Webhook) -> Result<Self, WebError> {
        // A redirect would turn the POST into a GET, or carry the alert to a receiver that was not configured.
        let client = Client::builder(settings.timeout).without_redirects().build()?;
        Ok(Webhook { client, url: settings.url.clone() })
    }

    pub(super) async fn send(&self, alert: &Alert) -> Attempt {
        let view = AlertView::new(alert, Words::english().headline(&alert.verdict()));
        match self.client.request(Method::POST, self.url.reveal()).json(&view).send().await {
            Ok(response) if response.status().is_success() => Attempt::Delivered,
            Ok(response) if may_pass(response.status()) => Attempt::Retry(format!("answered {}", response.status())),
            Ok(response) => Attempt::Refused(format!("answered {}", response.status())),
            Err(error @ WebError::Unmade(_)) => Attempt::Refused(error.to_string()),
            Err(error) => Attempt::Retry(error.to_string()),
        }
    }
}

/// A later attempt may get another answer. Other errors of the 4xx kind, and redirects, will be the same the next time.
fn may_pass(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
}
