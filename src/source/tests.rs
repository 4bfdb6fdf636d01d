//! Inputs found each once and in a stable order, and unpacked within bounds.

use std::fs;
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::bounds::RATIO_FROM;
use super::*;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    gzip_at(flate2::Compression::fast(), bytes)
}

fn gzip_at(level: flate2::Compression, bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

/// What xz makes of a thousand lines of `{"a":1}`.
const XZ: &[u8] = b"\
    \xfd\x37\x7a\x58\x5a\x00\x00\x04\xe6\xd6\xb4\x46\x02\x00\x21\x01\x16\x00\x00\x00\x74\x2f\
    \xe5\xa3\xe0\x1f\x3f\x00\x30\x5d\x00\x3d\x88\x88\x22\x37\x28\xa4\x18\x8e\xf9\x34\x0d\xd6\
    \xa5\x7a\x6f\xcb\x08\xc4\x00\xab\x5f\x2e\xde\x9f\x6b\x6f\x8a\xe7\x09\xe5\xd7\x8b\xd0\x43\
    \xaa\xf3\x4c\x47\x2c\x45\xb4\x7f\x89\x54\x37\x51\x00\x00\x9a\x0a\x81\x9e\xb8\xb7\xb1\xcb\
    \x00\x01\x4c\xc0\x3e\x00\x00\x00\x83\x79\x2e\x42\xb1\xc4\x67\xfb\x02\x00\x00\x00\x00\x04\
    \x59\x5a\
";

/// Why an input can't even be opened.
fn unpack_fault(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("input");
    fs::write(&path, bytes).unwrap();
    let (sources, _) = find(&[path.display().to_string()]).unwrap();
    let opened = open(&sources[0], UnpackLimits::default(), &Arc::default());
    opened.err().map(|error| error.to_string()).unwrap()
}

/// What reading to the end gives: the bytes before any fault, how it was packed, and the fault.
fn unpack(bytes: &[u8], limits: UnpackLimits) -> (Vec<u8>, Compression, Option<String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("input");
    fs::write(&path, bytes).unwrap();
    let (sources, _) = find(&[path.display().to_string()]).unwrap();
    let progress = Arc::new(AtomicU64::new(0));
    let mut opened = open(&sources[0], limits, &progress).unwrap();
    let mut out = Vec::new();
    let fault = opened.read_to_end(&mut out).err();
    if fault.is_none() {
        assert_eq!(
            opened.packed.load(Ordering::Relaxed),
            bytes.len() as u64,
            "packed bytes"
        );
        assert_eq!(
            progress.load(Ordering::Relaxed),
            bytes.len() as u64,
            "progress"
        );
    }
    (
        out,
        opened.compression,
        fault.map(|error| error.to_string()),
    )
}

#[test]
fn packing_is_known_by_content_whatever_the_name() {
    let text = b"{\"a\":1}\n".repeat(1000);
    let plain = unpack(&text, UnpackLimits::default());
    assert_eq!(plain, (text.clone(), Compression::None, None));
    let gz = unpack(&gzip(&text), UnpackLimits::default());
    assert_eq!(gz, (text.clone(), Compression::Gzip, None));
    let zst = unpack(&zstd(&text), UnpackLimits::default());
    assert_eq!(zst, (text.clone(), Compression::Zstd, None));
    let mut bz = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bz.write_all(&text).unwrap();
    let twice = bz.finish().unwrap().repeat(2);
    let bz = unpack(&twice, UnpackLimits::default());
    assert_eq!(bz, (text.repeat(2), Compression::Bzip2, None));
    let xz = unpack(&XZ.repeat(2), UnpackLimits::default());
    assert_eq!(xz, (text.repeat(2), Compression::Xz, None));
    let both = unpack(&gzip(XZ), UnpackLimits::default());
    assert_eq!(both, (text.clone(), Compression::Gzip, None));
    let deep = (0..9).fold(text.clone(), |bytes, _| gzip(&bytes));
    let fault = unpack_fault(&deep);
    assert!(fault.contains("packed more than 4 times"), "{fault}");
    assert_eq!(
        unpack(b"", UnpackLimits::default()),
        (Vec::new(), Compression::None, None)
    );
    assert_eq!(unpack(&gzip(b""), UnpackLimits::default()).0, b"");
    let names = [Compression::None, Compression::Gzip, Compression::Zstd].map(Compression::name);
    assert_eq!(names, ["none", "gzip", "zstd"]);
}

#[test]
fn every_member_and_every_frame_is_read() {
    let packed = [gzip(b"one\n"), gzip(b""), gzip(b"two\n")].concat();
    assert_eq!(unpack(&packed, UnpackLimits::default()).0, b"one\ntwo\n");
    let packed = [zstd(b"one\n"), zstd(b"two\n")].concat();
    assert_eq!(unpack(&packed, UnpackLimits::default()).0, b"one\ntwo\n");
}

#[test]
fn what_is_cut_off_gives_what_came_before_and_says_so() {
    let text: Vec<u8> = (0..200_000_u32)
        .flat_map(|n| (n ^ (n << 7)).to_le_bytes())
        .collect();
    for packed in [gzip(&text), zstd(&text)] {
        let (got, _, fault) = unpack(&packed[..packed.len() * 2 / 3], UnpackLimits::default());
        let fault = fault.unwrap();
        assert!(fault.contains("cut off"), "{fault}");
        assert!(
            !got.is_empty() && text.starts_with(&got),
            "{} bytes",
            got.len()
        );
    }
}

#[test]
fn what_is_damaged_or_followed_by_something_else_is_told() {
    let text = b"{\"a\":1}\n".repeat(500);
    let (got, _, fault) = unpack(
        &[gzip(&text), b"what follows is no gzip member".to_vec()].concat(),
        Default::default(),
    );
    assert_eq!(got, text, "what was good is not lost");
    let fault = fault.unwrap();
    assert!(fault.contains("damaged"), "{fault}");

    let mut packed = gzip(&text);
    let end = packed.len();
    packed[end - 6] ^= 0xff;
    let fault = unpack(&packed, UnpackLimits::default()).2.unwrap();
    assert!(
        fault.contains("damaged") && fault.contains("get the file again"),
        "{fault}"
    );

    let (got, _, fault) = unpack(
        &[zstd(&text), b"what follows is no gzip member".to_vec()].concat(),
        Default::default(),
    );
    assert_eq!(got, text);
    let fault = fault.unwrap();
    assert!(fault.contains("damaged"), "{fault}");
}

#[test]
fn xz_may_only_take_so_much_memory_and_any_number_of_streams() {
    // A dictionary of 1.5 GiB is asked for in the second stream.
    let mut greedy = XZ.to_vec();
    let filter = 12 + 2..12 + 2 + 3;
    assert_eq!(greedy[filter.clone()], [0x21, 1, 0x16]);
    greedy[filter.end - 1] = 37;
    let header = greedy[12..12 + 8].to_vec();
    greedy[12 + 8..12 + 12].copy_from_slice(&rawzip::crc32(&header).to_le_bytes());
    let text = b"{\"a\":1}\n".repeat(1000);
    let (got, _, fault) = unpack(&[XZ, &greedy].concat(), UnpackLimits::default());
    assert!(got == text, "what came before is not lost");
    let fault = fault.unwrap();
    assert!(fault.contains("memory"), "{fault}");
    // Streams of nothing are no deeper than one.
    let mut empty = liblzma::write::XzEncoder::new(Vec::new(), 1);
    empty.write_all(b"").unwrap();
    let empty = empty.finish().unwrap().repeat(100_000);
    let (got, _, fault) = unpack(&[&empty, XZ].concat(), UnpackLimits::default());
    assert!(got == text && fault.is_none(), "{fault:?}");
}

#[test]
fn an_input_may_only_grow_so_large() {
    let limits = UnpackLimits {
        bytes: 5000,
        ratio: u64::MAX,
        ..Default::default()
    };
    let text = b"0123456789".repeat(500);
    for pack in [gzip, zstd] {
        assert_eq!(unpack(&pack(&text), limits).2, None, "5000 is allowed");
        let fault = unpack(&pack(&[&text[..], b"!"].concat()), limits)
            .2
            .unwrap();
        assert!(
            fault.contains("5000 bytes") && fault.contains("--max-unpacked"),
            "{fault}"
        );
    }
    // What is not packed cannot grow.
    assert_eq!(unpack(&b"x".repeat(6000), limits).2, None);
}

#[test]
fn an_input_may_only_grow_so_much() {
    let zeros = vec![0; RATIO_FROM as usize + (2 << 20)];
    for packed in [gzip_at(flate2::Compression::best(), &zeros), zstd(&zeros)] {
        let usual = UnpackLimits {
            ratio: 100,
            ..Default::default()
        };
        let (got, _, fault) = unpack(&packed, usual);
        let fault = fault.unwrap();
        assert!(
            fault.contains("100 times") && fault.contains("--max-ratio"),
            "{fault}"
        );
        assert!(
            got.len() as u64 <= RATIO_FROM + (1 << 20),
            "it stops soon: {}",
            got.len()
        );
        let generous = UnpackLimits {
            ratio: 1 << 40,
            ..usual
        };
        assert_eq!(unpack(&packed, generous).2, None);
    }
}

/// Makes files (and their folders) and finds what `inputs`, below that folder, stand for.
fn found(files: &[&str], inputs: &[&str]) -> (Vec<String>, Vec<Unreadable>) {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file).unwrap();
    }
    found_in(folder.path(), inputs)
}

fn found_in(root: &Path, inputs: &[&str]) -> (Vec<String>, Vec<Unreadable>) {
    let prefix = format!("{}/", root.display());
    let typed = |input: &&str| {
        if *input == "-" {
            "-".into()
        } else {
            format!("{prefix}{input}")
        }
    };
    let inputs: Vec<String> = inputs.iter().map(typed).collect();
    let (sources, unreadable) = find(&inputs).unwrap();
    let names = sources
        .iter()
        .map(|source| source.name.replace(&prefix, ""))
        .collect();
    (names, unreadable)
}

#[test]
fn a_folder_is_walked_by_name_without_what_is_hidden() {
    let files = [
        "b/2.json",
        "b/10.json",
        "a.json",
        "c",
        ".hidden",
        ".git/config",
        "b/.part",
    ];
    let (names, unreadable) = found(&files, &[""]);
    assert_eq!(names, ["a.json", "b/10.json", "b/2.json", "c"]);
    assert!(unreadable.is_empty());
}

#[test]
fn what_is_named_is_read_even_if_hidden_and_order_is_as_typed() {
    let files = ["b.json", "a.json", ".hidden/x.json", ".dot"];
    let (names, _) = found(&files, &["b.json", ".dot", ".hidden", "a.json"]);
    assert_eq!(names, ["b.json", ".dot", ".hidden/x.json", "a.json"]);
}

#[test]
fn globs_match_in_order_of_name_and_leave_out_what_is_hidden() {
    let files = [
        "b.json",
        "a.json",
        "a.txt",
        ".c.json",
        "d/e.json",
        "d/.f.json",
    ];
    assert_eq!(found(&files, &["*.json"]).0, ["a.json", "b.json"]);
    assert_eq!(
        found(&files, &["**/*.json"]).0,
        ["a.json", "b.json", "d/e.json"]
    );
    assert_eq!(
        found(&files, &["d*"]).0,
        ["d/e.json"],
        "a folder that matches is walked"
    );
    // A file that is really called like a pattern.
    assert_eq!(
        found(&["[ab].json", "a.json"], &["[ab].json"]).0,
        ["[ab].json"]
    );
}

#[test]
fn a_file_reached_twice_is_read_once() {
    let files = ["d/a.json", "d/b.json"];
    let inputs = ["d/b.json", "d", "d/../d/a.json", "d/*.json"];
    assert_eq!(found(&files, &inputs).0, ["d/b.json", "d/a.json"]);
    assert_eq!(found(&[], &["-", "-"]).0, ["-"]);
}

#[test]
fn named_files_and_sizes_are_known() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.json"), "12345").unwrap();
    let path = folder.path().display().to_string();
    let (sources, _) = find(&[path.clone(), "-".to_owned()]).unwrap();
    assert_eq!((sources[0].bytes, sources[0].named), (Some(5), false));
    assert_eq!((sources[1].bytes, sources[1].named), (None, true));
    let (sources, _) = find(&[format!("{path}/a.json")]).unwrap();
    assert!(sources[0].named);
}

#[test]
fn what_is_not_there_is_an_error_that_names_it() {
    let told = |input: &str| find(&[input.to_owned()]).unwrap_err().to_string();
    assert_eq!(
        told("/no/such/file"),
        "/no/such/file: no such file or folder"
    );
    assert_eq!(told("/no/such/*.json"), "/no/such/*.json: nothing matches");
    assert!(told("/no/such/***").contains("not a pattern"));
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_loops_and_dead_links_are_told() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir(root.join("d")).unwrap();
    fs::write(root.join("d/a.json"), "a").unwrap();
    symlink(root.join("d/a.json"), root.join("again.json")).unwrap();
    symlink(root.join("nowhere"), root.join("dead.json")).unwrap();
    symlink(root, root.join("d/loop")).unwrap();
    let (names, unreadable) = found_in(root, &[""]);
    assert_eq!(
        names,
        ["again.json"],
        "one file, by the name under which it was met first"
    );
    let mut told: Vec<_> = unreadable
        .iter()
        .map(|unreadable| {
            (
                unreadable.name.rsplit('/').next().unwrap(),
                unreadable.reason.as_str(),
            )
        })
        .collect();
    told.sort_unstable();
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(told[0].0, "dead.json");
    assert_eq!(
        told[1],
        ("loop", "a link that leads back to a folder above it")
    );
    // Even if it is the only thing named.
    assert!(find(&[root.join("dead.json").display().to_string()]).is_err());
}
