//! What tests need: brokers, a running hoptrail, clients of several kinds, and patience.

pub mod audit;
pub mod broker;
pub mod certificates;
pub mod chance;
pub mod client;
pub mod disk;
pub mod hoptrail;
pub mod ledger;
pub mod load;
pub mod machine;
pub mod play;
pub mod process;
pub mod proxied;
pub mod raw;
pub mod receiver;
pub mod scene;
pub mod wait;

pub use scene::{Scene, on_brokers_with, on_each_broker, on_own_brokers};
pub use wait::eventually;

/// The project's directory.
pub const REPO: &str = env!("CARGO_MANIFEST_DIR");
