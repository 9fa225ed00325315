//! One POST of an alert to an HTTP receiver.

use reqwest::StatusCode;

use crate::config;
use crate::config::Secret;
use crate::model::api::AlertView;

/// The receiver.
#[derive(Debug)]
pub(super) struct Webhook {
    client: reqwest::Client,
    url: Secret,
}

/// What came of a POST.
#[derive(Debug, PartialEq)]
pub(super) enum Attempt {
    /// Answered with success.
    Delivered,
    /// Not this time: no answer, or the receiver is in trouble. Says why, without the URL.
    Retry(String),
    /// Never: the receiver does not want it. Says why.
    Refused(String),
}

impl Webhook {
    pub(super) fn new(settings: &config::Webhook) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .user_agent(concat!("hoptrail/", env!("CARGO_PKG_VERSION")))
            .timeout(settings.timeout)
            // A redirect would turn the POST into a GET, or carry the alert to someone who was not configured.
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Webhook { client, url: settings.url.clone() })
    }

    pub(super) async fn send(&self, alert: &AlertView) -> Attempt {
        match self.client.post(self.url.reveal()).json(alert).send().await {
            Ok(response) if response.status().is_success() => Attempt::Delivered,
            Ok(response) if may_pass(response.status()) => Attempt::Retry(format!("answered {}", response.status())),
            Ok(response) => Attempt::Refused(format!("answered {}", response.status())),
            Err(error) if error.is_builder() => Attempt::Refused(describe(error)),
            Err(error) => Attempt::Retry(describe(error)),
        }
    }
}

/// Other errors of the 4xx kind, and redirects, will be the same the next time.
fn may_pass(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
}

/// The error with its causes and without the URL, which may carry a token.
fn describe(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
