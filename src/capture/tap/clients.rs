//! The clients behind the connections on the broker: their names, and whether they are hoptrail itself.
//!
//! The firehose names a connection only `peer:port -> host:port`; the event exchange and the management API name its
//! client. One map serves every vhost, because the event exchange lives in one of them only.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::broker::PRODUCT;
use crate::model::Str;

/// Connections remembered; a busy broker has some thousands at a time, an entry takes about 200 bytes.
const CONNECTIONS_MAX: usize = 16_384;

/// The client behind a connection.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Client {
    /// `connection_name`, else product and version.
    pub name: Option<Str>,
    /// The user logged in.
    pub user: Option<Str>,
    /// The vhost it is in.
    pub vhost: Option<Str>,
    /// The connection is hoptrail's: nothing that happens on it is recorded.
    pub own: bool,
}

impl Client {
    /// From its client properties, which `property` looks up.
    pub fn new(property: impl Fn(&str) -> Option<Str>, user: Option<Str>, vhost: Option<Str>) -> Self {
        let product = property("product");
        let own = product.as_deref() == Some(PRODUCT);
        let program = match (product, property("version")) {
            (Some(product), Some(version)) => Some(format!("{product} {version}").into()),
            (product, _) => product,
        };
        Client { name: property("connection_name").or(program), user, vhost, own }
    }
}

/// The clients behind connections, the least recently used forgotten first. Clones share one map.
#[derive(Clone, Default)]
pub(super) struct Clients(Arc<Mutex<Map>>);

#[derive(Default)]
struct Map {
    clients: HashMap<Str, (Client, u64)>,
    /// By last use, oldest first.
    uses: BTreeMap<u64, Str>,
    clock: u64,
}

impl Clients {
    /// Remembers the client behind a connection.
    pub fn put(&self, connection: Str, client: Client) {
        let mut map = self.lock();
        map.clock += 1;
        let now = map.clock;
        if let Some((_, used)) = map.clients.insert(connection.clone(), (client, now)) {
            map.uses.remove(&used);
        }
        map.uses.insert(now, connection);
        while map.clients.len() > CONNECTIONS_MAX {
            let Some((_, oldest)) = map.uses.pop_first() else { break };
            map.clients.remove(&oldest);
        }
    }

    /// The client behind a connection, where it is known.
    pub fn get(&self, connection: &str) -> Option<Client> {
        let mut map = self.lock();
        let map = &mut *map;
        map.clock += 1;
        let (client, used) = map.clients.get_mut(connection)?;
        if let Some(name) = map.uses.remove(used) {
            map.uses.insert(map.clock, name);
        }
        *used = map.clock;
        Some(client.clone())
    }

    /// A panic inside these few lines would leave a map that is still a map.
    fn lock(&self) -> MutexGuard<'_, Map> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(name: &str) -> Client {
        Client { name: Some(name.into()), ..Client::default() }
    }

    #[test]
    fn the_newest_word_on_a_connection_counts() {
        let clients = Clients::default();
        clients.put("c".into(), client("shop"));
        clients.clone().put("c".into(), client("mes"));
        assert_eq!(clients.get("c"), Some(client("mes")));
        assert_eq!(clients.get("d"), None);
    }

    #[test]
    fn the_least_recently_used_connection_is_forgotten_first() {
        let clients = Clients::default();
        for number in 0..CONNECTIONS_MAX {
            clients.put(number.to_string().into(), client("old"));
        }
        assert!(clients.get("0").is_some());
        clients.put("new".into(), client("new"));
        assert!(clients.get("0").is_some(), "was used last");
        assert!(clients.get("1").is_none(), "was used longest ago");
        assert_eq!(clients.lock().clients.len(), CONNECTIONS_MAX);
        assert_eq!(clients.lock().uses.len(), CONNECTIONS_MAX);
    }
}
