//! Why there is no answer.

/// Why there is no answer, without the URL.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum WebError {
    /// The client or the request cannot be made: another attempt fails in the same way.
    #[error("{0}")]
    Unmade(String),
    /// No answer came, or only a part of one.
    #[error("{0}")]
    NoAnswer(String),
    /// The body is longer than the caller reads.
    #[error("the answer has more than {bytes_max} bytes")]
    TooLong {
        /// The caller's bound.
        bytes_max: usize,
    },
}

impl From<reqwest::Error> for WebError {
    fn from(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let cause = if error.is_timeout() { "no answer in time".to_owned() } else { innermost(&error) };
        if error.is_builder() { WebError::Unmade(cause) } else { WebError::NoAnswer(cause) }
    }
}

/// The innermost cause says most ("Connection refused"); those around it only say that something went wrong.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
