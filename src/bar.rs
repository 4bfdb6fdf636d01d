//! The progress bar: drawn on stderr when that is a terminal and the work takes long.

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use signsift::progress::Progress;

/// Work that is done sooner gets no bar.
const LONG: Duration = Duration::from_millis(700);
const TICK: Duration = Duration::from_millis(100);

/// A bar that goes away when it is dropped.
pub(crate) struct Bar {
    done: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Bar {
    /// Starts to watch `progress`, unless `quiet` or stderr is not a terminal.
    pub(crate) fn watch(progress: &Arc<Progress>, quiet: bool) -> Bar {
        let done = Arc::new(AtomicBool::new(false));
        if quiet || !io::stderr().is_terminal() {
            return Bar { done, thread: None };
        }
        let (progress, flag) = (Arc::clone(progress), Arc::clone(&done));
        let thread = std::thread::spawn(move || draw(&progress, &flag));
        Bar {
            done,
            thread: Some(thread),
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

fn draw(progress: &Progress, done: &AtomicBool) {
    std::thread::park_timeout(LONG);
    if done.load(Ordering::Relaxed) {
        return;
    }
    let total = progress.bytes_total.load(Ordering::Relaxed);
    let bar = ProgressBar::new(total);
    let template = match total {
        0 => "{spinner} {bytes} at {binary_bytes_per_sec}, {msg}",
        _ => "{wide_bar} {bytes} of {total_bytes} at {binary_bytes_per_sec}, {eta} left, {msg}",
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    while !done.load(Ordering::Relaxed) {
        bar.set_length(progress.bytes_total.load(Ordering::Relaxed));
        bar.set_position(progress.bytes.load(Ordering::Relaxed));
        let records = HumanCount(progress.records.load(Ordering::Relaxed));
        bar.set_message(format!("{records} records, {}", progress.stage()));
        std::thread::park_timeout(TICK);
    }
    bar.finish_and_clear();
}
