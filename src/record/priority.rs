//! Recording gives way: with the proxy on, the threads that record must not take the processor from those that pass
//! messages on, nor from a broker on the same machine. What they cannot do at once waits in the proxy's backlog.

use tracing::warn;

/// The lowest priority that still gets some time where processors are busy all the time (`nice(2)`).
const NICE: i32 = 19;

/// Lowers the priority of the calling thread, and of the threads that it starts from now on.
pub fn give_way() {
    // On Linux a priority is a thread's own, and "this process" means the calling thread.
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        warn!(%error, "recording does not give way to other work");
    }
}
