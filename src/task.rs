//! Threads with a name, as `top -H` shows it. None of them dies unheard.
//!
//! A thread that panics is logged as an error that names it, and its owner is told at once ([`thread`]). Work that may
//! begin again without harm does so after a wait ([`again`]): recording must not end because of it.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::error;

/// The wait after the first panic; it doubles with each further one.
const WAIT_MIN: Duration = Duration::from_secs(1);
/// The longest wait. What made the work panic may lie in the journal for a day; beginning again costs reading.
const WAIT_MAX: Duration = Duration::from_secs(300);

/// Runs `run` in a thread of this name. `on_panic` is called in that thread when `run` has panicked; joining it fails
/// then.
///
/// # Errors
/// The system has no room for another thread.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn thread<T: Send + 'static>(
    name: &'static str,
    run: impl FnOnce() -> T + Send + 'static,
    on_panic: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    Builder::new().name(name.to_owned()).spawn(move || {
        catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
            error!(thread = name, "a thread panicked; standard error names the place");
            on_panic();
            resume_unwind(panic)
        })
    })
}

/// The same, counted by `tracker`. `on_failure` is told why there is no such thread, or none any more.
pub fn tracked(
    name: &'static str,
    tracker: &TaskTracker,
    run: impl FnOnce() + Send + 'static,
    on_failure: impl Fn(String) + Clone + Send + 'static,
) {
    let (token, alarm) = (tracker.token(), on_failure.clone());
    let run = move || {
        let _running = token;
        run();
    };
    let panicked = move || alarm(format!("the thread {name} panicked; standard error names the place"));
    if let Err(error) = thread(name, run, panicked) {
        on_failure(format!("the thread {name} cannot be started: {error}"));
    }
}

/// Calls `run` until it returns. After a panic `on_panic` is called, and `run` again after a wait; not once `cancel` is
/// cancelled.
pub fn again(
    name: &'static str,
    runtime: &Handle,
    cancel: &CancellationToken,
    mut run: impl FnMut(),
    mut on_panic: impl FnMut(),
) {
    let mut wait = WAIT_MIN;
    while catch_unwind(AssertUnwindSafe(&mut run)).is_err() {
        error!(
            thread = name,
            seconds = wait.as_secs(),
            "a thread panicked and begins again after a wait; standard error names the place"
        );
        on_panic();
        let waited = async { tokio::time::sleep(wait).await };
        if runtime.block_on(cancel.run_until_cancelled(waited)).is_none() {
            return;
        }
        wait = (2 * wait).min(WAIT_MAX);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_thread_that_panics_tells_its_owner_and_the_one_who_joins_it() {
        let (told, heard) = channel();
        let thread = thread("dies", || panic!("as the test wants"), move || told.send(()).expect("the test listens"));
        assert!(thread.expect("a thread").join().is_err());
        assert_eq!(heard.try_recv(), Ok(()));
    }

    #[test]
    fn a_counted_thread_that_panics_says_why_it_is_gone_and_is_counted_no_more() {
        let (told, heard) = channel();
        let tracker = TaskTracker::new();
        let on_failure = move |why| told.send(why).expect("the test listens");
        tracked("dies", &tracker, || panic!("as the test wants"), on_failure);
        let why = heard.recv_timeout(Duration::from_secs(60)).expect("it is told");
        assert_eq!(why, "the thread dies panicked; standard error names the place");
        assert!(tracker.is_empty());
    }

    #[test]
    fn a_thread_that_returns_tells_nobody_and_has_its_name() {
        let name = || std::thread::current().name().map(str::to_owned);
        let thread = thread("lives", name, || unreachable!("it did not panic"));
        assert_eq!(thread.expect("a thread").join().expect("no panic").as_deref(), Some("lives"));
    }

    /// Runs `again` on a clock that winds itself on whenever all wait.
    fn with_clock(test: impl FnOnce(&Handle, &CancellationToken) + Send + 'static) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.expect("a runtime");
        let (handle, cancel) = (runtime.handle().clone(), CancellationToken::new());
        let (done, end) = tokio::sync::oneshot::channel::<()>();
        let testing = std::thread::spawn(move || {
            test(&handle, &cancel);
            drop(done);
        });
        drop(runtime.block_on(end));
        testing.join().expect("the test passes");
    }

    #[test]
    fn work_that_panics_begins_again_until_it_returns() {
        with_clock(|runtime, cancel| {
            let (mut runs, mut panics) = (0, 0);
            let run = || {
                runs += 1;
                assert!(runs > 3, "as the test wants");
            };
            again("dies", runtime, cancel, run, || panics += 1);
            assert_eq!((runs, panics), (4, 3));
        });
    }

    #[test]
    fn work_that_panics_does_not_begin_again_after_the_end() {
        with_clock(|runtime, cancel| {
            let mut runs = 0;
            let run = || {
                runs += 1;
                panic!("as the test wants");
            };
            again("dies", runtime, cancel, run, || cancel.cancel());
            assert_eq!(runs, 1);
        });
    }
}
