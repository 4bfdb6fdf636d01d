//! `stream`: standard input to findings, until the input ends or a signal says so.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use signsift::Result;
use signsift::cli::settings::Config;
use signsift::cli::{Global, Stream};
use signsift::progress::Progress;
use signsift::stream::{self, Settings, Signal, Signals};

use super::about::schema_of;
use super::{output, print, say};
use crate::DONE;

/// How often it is looked whether Ctrl-C was pressed.
const LOOK: Duration = Duration::from_millis(100);

pub(super) fn stream(
    typed: &Stream,
    global: &Global,
    config: &Config,
    progress: &Arc<Progress>,
) -> Result<u8> {
    let settings = config.stream(typed, global)?;
    if typed.describe {
        return describe(&settings);
    }
    let stop = Arc::clone(progress);
    let listen = move |signals: Signals| {
        thread::spawn(move || listen(&signals, &stop));
    };
    let mut say = |text: &str| {
        // Nobody is left to be told when stderr is gone.
        let _ = say(text);
    };
    stream::run(&settings, io::stdin(), io::stdout(), listen, &mut say)?;
    Ok(DONE)
}

/// Passes on what the system asks, until the stream has ended.
#[cfg(unix)]
fn listen(signals: &Signals, progress: &Progress) {
    use tokio::signal::unix::{SignalKind, signal};

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let Ok(runtime) = runtime else { return };
    runtime.block_on(async {
        let terminate = signal(SignalKind::terminate());
        let (Ok(mut terminate), Ok(mut hangup)) = (terminate, signal(SignalKind::hangup())) else {
            return;
        };
        loop {
            let asked = tokio::select! {
                _ = terminate.recv() => Signal::Terminate,
                _ = hangup.recv() => Signal::Reopen,
                () = tokio::time::sleep(LOOK) => match progress.is_stopped() {
                    true => Signal::Stop,
                    false => continue,
                },
            };
            if !signals.send(asked) {
                return;
            }
        }
    });
}

#[cfg(not(unix))]
fn listen(signals: &Signals, progress: &Progress) {
    while !progress.is_stopped() {
        thread::sleep(LOOK);
    }
    signals.send(Signal::Stop);
}

fn describe(settings: &Settings) -> Result<u8> {
    let findings = schema_of("findings", &settings.queries, &settings.resources)?;
    let told = stream::describe(settings, &findings);
    let mut text = serde_json::to_vec_pretty(&told).map_err(|error| output(error.into()))?;
    text.push(b'\n');
    print(&text)
}
