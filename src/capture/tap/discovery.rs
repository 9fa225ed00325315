//! Finds out, again and again, which bindings the taps of a vhost should have.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::decode;
use super::shared::Shared;
use super::topology::{self, Plans, Topology};
use crate::broker::{Binding, Management, ManagementError};

/// Announced changes come in bunches: a service declares all it needs at once.
const BUNCH: Duration = Duration::from_millis(200);

/// The result of one look at the broker.
#[derive(Clone, Debug, Default)]
pub(super) struct Snapshot {
    pub plans: Plans,
    /// The bindings that exist; `None` where they cannot be known.
    pub bindings: Option<Arc<Vec<Binding>>>,
    /// The exchanges that exist; `None` where they cannot be known.
    pub exchanges: Option<BTreeSet<String>>,
    /// By tap queue: the problems that policies cause.
    pub policy_problems: BTreeMap<String, Vec<String>>,
    /// Why nothing, or nothing new, is known.
    pub problem: Option<String>,
}

/// Looks at once, then at every announced change and at every refresh, for as long as it is polled.
pub(super) async fn run(shared: &Shared, vhost: &str, found: &watch::Sender<Option<Arc<Snapshot>>>) -> Infallible {
    let mut last = Snapshot::default();
    loop {
        last = look(shared, vhost, last).await;
        found.send_replace(Some(Arc::new(last.clone())));
        let announced = async {
            shared.nudges.wait(vhost).await;
            tokio::time::sleep(BUNCH).await;
        };
        tokio::select! {
            () = announced => {}
            () = tokio::time::sleep(shared.config.tap.refresh) => {}
        }
    }
}

/// The present topology. While the management API does not answer, the last one stays.
async fn look(shared: &Shared, vhost: &str, last: Snapshot) -> Snapshot {
    let tap = &shared.config.tap;
    let Some(management) = &shared.management else {
        let problem = "broker.management_url is not set: exchanges and dead-letter exchanges cannot be discovered, only \
                       plain names in tap.exchanges and tap.dead_letter_exchanges are observed, with their types unknown \
                       (direct exchanges need the management API)";
        return Snapshot { plans: topology::plan_blind(tap), problem: Some(problem.to_owned()), ..Snapshot::default() };
    };
    match discover(management, vhost).await {
        Ok(topology) => {
            let own = topology.queues.iter().filter(|queue| decode::is_own_queue(&queue.name));
            Snapshot {
                plans: topology::plan(&topology, tap, &last.plans.dead_letter_names),
                exchanges: Some(topology.exchanges.iter().map(|exchange| exchange.name.clone()).collect()),
                policy_problems: own.map(|queue| (queue.name.clone(), topology::policy_problems(queue))).collect(),
                bindings: Some(Arc::new(topology.bindings)),
                problem: None,
            }
        }
        Err(error) => {
            let plans = if last.bindings.is_some() { last.plans } else { topology::plan_blind(tap) };
            // Bindings that were read earlier may not be there any more: nothing is unbound by them.
            Snapshot { plans, problem: Some(error.to_string()), ..last }
        }
    }
}

async fn discover(management: &Management, vhost: &str) -> Result<Topology, ManagementError> {
    Ok(Topology {
        exchanges: management.exchanges(vhost).await?,
        queues: management.queues(vhost).await?,
        bindings: management.bindings(vhost).await?,
        policies: management.policies(vhost).await?,
    })
}
