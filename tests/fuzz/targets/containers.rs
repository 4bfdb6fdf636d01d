//! Any bytes as a file that may be packed, an archive, or UTF-16: listing it and unpacking its members
//! ends, stays within the limits, and a pipe gives what a file gives.
#![no_main]
#![allow(dead_code, unused_imports)]

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use source::{Opened, Source, UnpackLimits, Unreadable};

/// What `source` knows of the program's errors.
mod error {
    pub type Result<T> = std::result::Result<T, Error>;

    #[derive(Debug)]
    pub enum Error {
        NoSuchInput { input: String },
        Glob { pattern: String, reason: String },
    }
}
#[path = "../../../src/source/mod.rs"]
mod source;

const LIMITS: UnpackLimits = UnpackLimits {
    bytes: 1 << 16,
    ratio: 500,
    members: 20,
    archives: 3,
};

/// Name and content of a member, or why it was not read.
type Told = (String, std::result::Result<Vec<u8>, String>);

fn read(folder: &Path, is_pipe: bool) -> (Vec<Told>, Vec<Unreadable>) {
    let path = folder.join("in").display().to_string();
    let (mut sources, _) = source::find(&[path]).expect("it is there");
    if is_pipe {
        sources[0].bytes = None;
    }
    let (members, untold) = source::expand(sources, LIMITS, folder);
    assert!(members.len() <= LIMITS.members.max(1));
    assert!(untold.len() <= LIMITS.members + 3);
    let progress = Arc::default();
    let mut told = Vec::new();
    let mut keep = |member: &Source, opened: std::io::Result<Opened<'_>>| {
        let mut bytes = Vec::new();
        let read = opened.and_then(|mut opened| opened.read_to_end(&mut bytes));
        // UTF-16 may grow by half; what is not packed has the length of the input.
        assert!(bytes.len() as u64 <= LIMITS.bytes * 2);
        let read = read.map(|_| bytes).map_err(|error| error.to_string());
        told.push((member.name.clone(), read));
    };
    let numbered: Vec<_> = members.iter().enumerate().collect();
    for job in numbered.chunk_by(|(_, last), (_, next)| next.is_read_with(last)) {
        if job[0].1.is_of_packed_tar() {
            let each = |_, member: &Source, opened: std::io::Result<Opened<'_>>| {
                keep(member, opened);
                Ok::<_, ()>(())
            };
            source::each_of_tar(job, LIMITS, &progress, each).expect("no error of ours");
        } else {
            keep(job[0].1, source::open(job[0].1, LIMITS, &progress));
        }
    }
    (told, untold)
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    // In memory where there is such a place.
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    let folder = folder.expect("a folder");
    std::fs::write(folder.path().join("in"), data).expect("a file");
    let told = read(folder.path(), false);
    assert_eq!(told, read(folder.path(), true));
});
