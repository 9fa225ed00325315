//! Parse, load, run, exit code.

use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command as Process, ExitCode};

use clap::Parser;
use hoptrail::cli::{self, Args, Check, Command, Journal};
use hoptrail::config::{self, Config, Overrides};
use hoptrail::{app, inspect, logging, web};

/// The configuration is wrong: `EX_CONFIG` of `sysexits.h`.
const EXIT_CONFIG: u8 = 78;
/// A message's headers may be nested as deep as its frame is long, and the AMQP library reads them by recursion: a frame
/// of 128 kB needs 40 MiB of stack. Only pages that are used take memory.
const STACK_BYTES: usize = 64 << 20;
/// Read by the standard library at the first thread that is spawned, for the threads that libraries start.
const STACK_VARIABLE: &str = "RUST_MIN_STACK";

/// Memory that is free goes back to the system at once, and none is taken in pages of 2 MiB: under load that keeps
/// resident memory at about half of what it would be.
const ALLOCATOR_OPTIONS: [(&str, &str); 2] = [("MIMALLOC_PURGE_DELAY", "0"), ("MIMALLOC_ALLOW_THP", "0")];

/// One thread makes events and another lets them go; the system's allocator keeps memory for that, and time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args = Args::parse();
    web::install_tls();
    match &args.command {
        Command::Run(run) => {
            let set = run.settings.set.clone();
            with_config(&args, &set, |config| with_stack(|| record(config)))
        }
        Command::Check(check) => {
            with_config(&args, &check.settings.set, |config| with_stack(|| examine(check, &config)))
        }
        Command::Journal(command) => {
            with_config(&args, &command.stopped().settings.set, |config| with_stack(|| stopped(&args, command, config)))
        }
        Command::Ask(question) => cli::run(question, args.color),
    }
}

fn with_config(args: &Args, flags: &Overrides, next: impl FnOnce(Config) -> ExitCode) -> ExitCode {
    match config::load(args.config.as_deref(), std::env::vars(), flags) {
        Ok(config) => next(config),
        Err(error) => {
            complain(&error);
            ExitCode::from(EXIT_CONFIG)
        }
    }
}

/// Goes on with deep stacks for every thread, starting the program again where they are not set up yet.
fn with_stack(next: impl FnOnce() -> ExitCode) -> ExitCode {
    let set = std::env::var(STACK_VARIABLE).ok().and_then(|text| text.parse::<usize>().ok());
    if set.is_some_and(|bytes| bytes >= STACK_BYTES) {
        return next();
    }
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return fail(&error),
    };
    let mut again = Process::new(program);
    again.args(std::env::args_os().skip(1)).env(STACK_VARIABLE, STACK_BYTES.to_string());
    for (name, value) in ALLOCATOR_OPTIONS {
        if std::env::var_os(name).is_none() {
            again.env(name, value);
        }
    }
    fail(&again.exec())
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(STACK_BYTES).build()
}

fn record(config: Config) -> ExitCode {
    logging::start(&config.log);
    let result = runtime().map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(app::run(config)));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format_args!("{error:#}")),
    }
}

fn examine(check: &Check, config: &Config) -> ExitCode {
    if check.no_environment {
        return say("the configuration is valid");
    }
    let problems = match runtime() {
        Ok(runtime) => runtime.block_on(app::check(config)),
        Err(error) => return fail(&error),
    };
    if problems.is_empty() {
        return say("the configuration is valid; the broker and the journal can be reached");
    }
    for problem in &problems {
        complain(problem);
    }
    ExitCode::FAILURE
}

/// Works on the journal of a stopped hoptrail, in a thread with a deep stack: events are decoded in it.
#[expect(clippy::disallowed_methods, reason = "it is waited for, and its panic is told")]
fn stopped(args: &Args, command: &Journal, config: Config) -> ExitCode {
    let (command, color) = (command.clone(), args.color);
    let work = move || inspect::run(&command, config, color);
    let done = match std::thread::Builder::new().stack_size(STACK_BYTES).spawn(work) {
        Ok(thread) => thread.join(),
        Err(error) => return fail(&error),
    };
    match done {
        Ok(Ok(true)) => ExitCode::SUCCESS,
        Ok(Ok(false)) => ExitCode::FAILURE,
        Ok(Err(error)) => fail(&format_args!("{error:#}")),
        Err(_) => fail(&"a panic ended this; the lines above name the place"),
    }
}

fn say(text: &str) -> ExitCode {
    match writeln!(io::stdout(), "{text}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn complain(what: &dyn std::fmt::Display) {
    // Where standard error is closed, nobody is there to be told.
    drop(writeln!(io::stderr(), "hoptrail: {what}"));
}

fn fail(what: &dyn std::fmt::Display) -> ExitCode {
    complain(what);
    ExitCode::FAILURE
}
