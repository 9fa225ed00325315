//! Keeps the firehose switched on.
//!
//! Tracing is a state of each node and vhost, and is lost when the node restarts (RabbitMQ's firehose guide). So
//! hoptrail checks it again and again, and switches it on again. Tracing costs the broker throughput, so hoptrail
//! switches it off when it stops, if it had switched it on.

use super::topology::bound;
use crate::broker::{Management, ManagementError};
use crate::model::Timestamp;

/// The exchange that tracing publishes to.
pub(super) const EXCHANGE: &str = "amq.rabbitmq.trace";

/// The knowledge of tracing in one vhost.
#[derive(Debug, Default)]
pub(super) struct Switch {
    /// hoptrail switched it on.
    ours: bool,
    /// When it was last seen on.
    seen_on: Option<Timestamp>,
}

/// How tracing was found.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tracing {
    /// On.
    On,
    /// Off, and switched on now. Before, it had been seen on at this time.
    TurnedOn(Option<Timestamp>),
    /// Off or not known, and why it cannot be switched on: one sentence.
    Unsure(String),
}

impl Switch {
    /// Looks, switches on if need be, and looks again.
    pub async fn assert(&mut self, management: Option<&Management>, vhost: &str, now: Timestamp) -> Tracing {
        let Some(management) = management else {
            return Tracing::Unsure(format!(
                "whether tracing is on cannot be seen without broker.management_url: switch it on with rabbitmqctl \
                 trace_on -p {vhost:?}, after every restart of the broker"
            ));
        };
        match self.try_assert(management, vhost, now).await {
            Ok(tracing) => tracing,
            Err(ManagementError::Unauthorized { user, .. }) => Tracing::Unsure(format!(
                "tracing is not known to be on, and the user {user:?} may not switch it on: give it the tag \
                 administrator, or run rabbitmqctl trace_on -p {vhost:?}"
            )),
            Err(error) => Tracing::Unsure(format!("tracing is not known to be on: {error}")),
        }
    }

    async fn try_assert(
        &mut self,
        management: &Management,
        vhost: &str,
        now: Timestamp,
    ) -> Result<Tracing, ManagementError> {
        if management.vhost(vhost).await?.tracing {
            self.seen_on = Some(now);
            return Ok(Tracing::On);
        }
        management.set_tracing(vhost, true).await?;
        if !management.vhost(vhost).await?.tracing {
            return Ok(Tracing::Unsure(format!(
                "tracing stays off though the broker took the request: run rabbitmqctl trace_on -p {vhost:?}"
            )));
        }
        tracing::info!(vhost, "tracing was off and is on now; it costs publishers of this vhost throughput");
        self.ours = true;
        Ok(Tracing::TurnedOn(self.seen_on.replace(now)))
    }

    /// Switches tracing off if it was switched on here, unless another hoptrail reads it, too.
    pub async fn release(&mut self, management: Option<&Management>, vhost: &str, queue: &str) {
        let Some(management) = management.filter(|_| std::mem::take(&mut self.ours)) else { return };
        let done = async {
            let bindings = management.bindings(vhost).await?;
            let shared = bindings.iter().any(|binding| {
                binding.source == EXCHANGE
                    && binding.destination != queue
                    && !bound(std::slice::from_ref(binding), &binding.destination).is_empty()
            });
            if shared {
                return Ok(false);
            }
            management.set_tracing(vhost, false).await.map(|()| true)
        };
        match done.await {
            Ok(true) => tracing::info!(vhost, "tracing is switched off again"),
            Ok(false) => tracing::info!(vhost, "tracing stays on: another queue is bound to it"),
            Err(error) => tracing::warn!(vhost, %error, "tracing could not be switched off: run rabbitmqctl trace_off"),
        }
    }
}
