//! Whether the broker can be observed: everything that `hoptrail check` finds out before hoptrail runs.

use std::time::Duration;

use lapin::Connection;
use lapin::options::QueueDeclareOptions;
use lapin::types::{AMQPValue, FieldTable};

use super::bindings::EVENT_EXCHANGE;
use super::{queues, tracing_switch};
use crate::broker::{self, AmqpError, Management, ManagementError, NOT_FOUND};
use crate::config::Config;
use crate::model::Source;

/// How long the broker may take to say goodbye.
const CLOSE: Duration = Duration::from_secs(2);

/// The obstacles to observing the broker: one sentence each, with the remedy. Changes nothing on the broker but for a
/// queue that it declares and removes again.
pub async fn probe(config: &Config) -> Vec<String> {
    let mut problems = Vec::new();
    management(config, &mut problems).await;
    let mut unreachable = false;
    for vhost in &config.broker.vhosts {
        match broker::connect(config, vhost).await {
            Ok(connection) => {
                inside(config, vhost, &connection, &mut problems).await;
                broker::close(&connection, CLOSE).await;
            }
            // A problem with the broker concerns every vhost: it is told once.
            Err(error @ broker::ConnectError::Vhost { .. }) => problems.push(error.to_string()),
            Err(error) if !unreachable => {
                unreachable = true;
                problems.push(error.to_string());
            }
            Err(_) => {}
        }
    }
    problems
}

async fn management(config: &Config, problems: &mut Vec<String>) {
    let Some(settings) = &config.broker.management else {
        problems.push(
            "broker.management_url is not set: nothing can be discovered, and tracing cannot be switched on or seen"
                .to_owned(),
        );
        return;
    };
    let answers = async {
        let management = Management::new(settings)?;
        let who = management.whoami().await?;
        management.overview().await?;
        Ok::<_, ManagementError>((management, who))
    };
    let (management, who) = match answers.await {
        Ok(answers) => answers,
        Err(error) => return problems.push(error.to_string()),
    };
    if config.tap.firehose && !who.has_tag("administrator") {
        for vhost in &config.broker.vhosts {
            match management.vhost(vhost).await {
                Ok(found) if found.tracing => {}
                _ => problems.push(format!(
                    "tracing of vhost {vhost:?} is not known to be on, and the user {:?} may not switch it on: give it \
                     the tag administrator, run rabbitmqctl trace_on -p {vhost:?}, or set tap.firehose = false",
                    settings.user
                )),
            }
        }
    }
}

/// Permissions and exchanges, seen from inside the vhost.
async fn inside(config: &Config, vhost: &str, connection: &Connection, problems: &mut Vec<String>) {
    if let Err(error) = own_queue(config, connection).await {
        problems.push(format!(
            "vhost {vhost:?}: the tap's queues are refused ({error}): permit the user to configure, write and read \
             hoptrail\\..* (rabbitmqctl set_permissions)"
        ));
    }
    let exchanges = [(config.tap.firehose, tracing_switch::EXCHANGE), (config.tap.events, EVENT_EXCHANGE)];
    for (_, exchange) in exchanges.into_iter().filter(|(on, _)| *on) {
        match broker::check_exchange(connection, exchange).await {
            Ok(()) => {}
            Err(AmqpError::Refused { code: NOT_FOUND, .. }) if exchange == EVENT_EXCHANGE => {
                // Of several vhosts only one has it, by default `/`.
                if vhost == "/" {
                    problems.push(
                        "the plugin rabbitmq_event_exchange is not on: connections have no names (rabbitmq-plugins enable \
                         rabbitmq_event_exchange, or set tap.events = false)"
                            .to_owned(),
                    );
                }
            }
            Err(error) => problems.push(format!("vhost {vhost:?}: exchange {exchange:?} cannot be observed: {error}")),
        }
    }
}

/// Declares a queue under the tap's prefix; it is exclusive, and gone with the connection.
async fn own_queue(config: &Config, connection: &Connection) -> Result<(), AmqpError> {
    let name = format!("{}.check", queues::spec(&config.tap, Source::Binding).name);
    let channel = connection.create_channel().await?;
    let options = QueueDeclareOptions { exclusive: true, auto_delete: true, ..QueueDeclareOptions::default() };
    // Not of a vhost's own default type, which may not be exclusive.
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString(queues::KIND.into()));
    channel.queue_declare(name.as_str().into(), options, arguments).await?;
    Ok(())
}
