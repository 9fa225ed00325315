//! `hoptrail check`: the problems of the surroundings that would keep hoptrail from working.

use crate::capture::tap;
use crate::config::Config;
use crate::journal;

/// Problems with the broker and the journal's directory, one sentence each. Changes nothing in either.
pub async fn check(config: &Config) -> Vec<String> {
    let mut problems = Vec::new();
    if let Err(error) = journal::probe(&config.journal.dir) {
        problems.push(error.to_string());
    }
    if config.tap.enabled {
        problems.extend(tap::probe(config).await);
    }
    problems
}
