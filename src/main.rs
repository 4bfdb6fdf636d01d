//! Parses, runs, prints and ends: the only file that speaks to the terminal.

mod bar;
mod commands;
mod prompt;

use std::io::{self, Write};
use std::sync::Arc;

use clap::Parser;
use signsift::Error;
use signsift::cli::Cli;
use signsift::progress::Progress;
use signsift::results::escape::terminal;

/// Decoding and queries allocate on every thread; the system's allocator made an analysis of 1 GB take
/// a seventh longer (1.57 s against 1.38 s, two cores).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// All input was read.
const DONE: u8 = 0;
/// Nothing could be done.
const FAILED: u8 = 1;
/// Wrong usage.
const USAGE: u8 = 2;
/// Done, but some input was lost.
const LOSSY: u8 = 3;
/// A finding as severe as `--fail-on` says.
const FOUND: u8 = 10;
/// Stack of the thread that works.
const STACK: usize = 64 << 20;
/// Stopped by Ctrl-C, as shells report it.
const INTERRUPTED: u8 = 130;

fn main() {
    // clap ends with 2 on wrong usage and 0 after help.
    let cli = Cli::parse();
    let progress = Arc::new(Progress::default());
    stop_on_interrupt(Arc::clone(&progress));
    // Views on views make deep plans, and debug builds large frames.
    let work = std::thread::Builder::new()
        .stack_size(STACK)
        .spawn(move || commands::run(cli, &progress));
    let code = match work.map(|thread| thread.join()) {
        Ok(Ok(done)) => end(done),
        // The thread has told of its panic itself.
        Ok(Err(_)) => FAILED,
        Err(source) => end(Err(Error::Output { source })),
    };
    leave(code)
}

/// Ends the process with its memory as it is: the allocator would first look through all of it, which took 10 to 30 ms
/// after 1 GB of logs. All files are whole and all temporary ones gone by now.
fn leave(code: u8) -> ! {
    // Commands write to the end what they say, and tell when that fails.
    let _ = io::stdout().flush();
    signal_hook::low_level::exit(i32::from(code))
}

fn end(done: signsift::Result<u8>) -> u8 {
    match done {
        Ok(code) => code,
        Err(Error::Output { source }) if source.kind() == io::ErrorKind::BrokenPipe => DONE,
        Err(error) => {
            complain(&error);
            match error {
                Error::Setting { .. } | Error::OutputExists { .. } | Error::NotOurs { .. } => USAGE,
                Error::Interrupted => INTERRUPTED,
                _ => FAILED,
            }
        }
    }
}

/// Says what went wrong on stderr. Every error names its own cause; it may hold text of the disk or
/// the log.
fn complain(error: &Error) {
    for line in format!("signsift: {error}").lines() {
        // Nobody is left to be told when stderr is gone.
        let _ = writeln!(io::stderr(), "{}", terminal(line));
    }
}

/// The first Ctrl-C asks the work to stop, so that temporary files go; the second ends at once.
fn stop_on_interrupt(progress: Arc<Progress>) {
    std::thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
        else {
            return;
        };
        runtime.block_on(async {
            if tokio::signal::ctrl_c().await.is_ok() {
                progress.stop();
            }
            // Asked twice, while the work does not stop.
            if tokio::signal::ctrl_c().await.is_ok() {
                leave(INTERRUPTED);
            }
        });
    });
}
