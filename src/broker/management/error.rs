//! Why the management API gave no answer.

/// Why the API gave no answer. Each text names the event, its object and the remedy.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ManagementError {
    /// No connection, or it broke.
    #[error(
        "the management API at {url} cannot be reached ({cause}): switch the plugin rabbitmq_management on, or correct \
         broker.management_url"
    )]
    Unreachable {
        /// Where.
        url: String,
        /// Why.
        cause: String,
    },
    /// 401.
    #[error(
        "the management API at {url} refused the user {user:?}: the password is wrong, or the user lacks the tag \
         \"management\" (rabbitmqctl set_user_tags {user} monitoring)"
    )]
    Unauthorized {
        /// Where.
        url: String,
        /// The user.
        user: String,
    },
    /// Any other status than success.
    #[error("the management API answered {status} to {path}")]
    Status {
        /// The path of the request.
        path: String,
        /// The status.
        status: u16,
    },
    /// The answer is not RabbitMQ's.
    #[error(
        "the management API answered {path} with something that is not RabbitMQ's ({cause}): is broker.management_url right?"
    )]
    Answer {
        /// The path of the request.
        path: String,
        /// The problem with the answer.
        cause: String,
    },
}
