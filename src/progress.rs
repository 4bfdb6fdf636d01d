//! Counters that the library keeps while it works, for whoever wants to draw them, and the one
//! switch by which that somebody can stop it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Error, Result};

/// How far the work is. Cheap to share between threads.
#[derive(Debug, Default)]
pub struct Progress {
    /// Bytes of all inputs on disk; 0 when not known (stdin).
    pub bytes_total: AtomicU64,
    /// Bytes read so far, before decompression.
    pub bytes: Arc<AtomicU64>,
    /// Records met so far.
    pub records: AtomicU64,
    stage: Mutex<String>,
    stopped: AtomicBool,
}

impl Progress {
    /// What is being done now, in a few words for people.
    pub fn stage(&self) -> String {
        self.stage
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn enter(&self, stage: impl Into<String>) {
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner) = stage.into();
    }

    /// From now on `bytes` are read, from the first.
    pub(crate) fn restart(&self, bytes: u64) {
        self.bytes_total.store(bytes, Ordering::Relaxed);
        self.bytes.store(0, Ordering::Relaxed);
        self.records.store(0, Ordering::Relaxed);
    }

    pub(crate) fn count(&self, records: u64) {
        self.records.fetch_add(records, Ordering::Relaxed);
    }

    /// Asks the work to stop at the next safe place.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked to stop.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// `Err` once somebody asked to stop.
    pub(crate) fn check(&self) -> Result<()> {
        if self.is_stopped() {
            Err(Error::Interrupted)
        } else {
            Ok(())
        }
    }
}
