//! Members of archives, listed and opened each alone.

use std::fs;
use std::io::{Read, Write};

use super::*;
use crate::source::find;

const FILES: &[(&str, &[u8])] = &[
    ("a.json", b"{\"a\":1}\n"),
    ("folder/b.json", b"{\"b\":2}\n"),
    ("folder/empty", b""),
    (".hidden", b"x"),
    ("__MACOSX/a.json", b"x"),
];

fn tar() -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in FILES {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, *bytes).unwrap();
    }
    archive.into_inner().unwrap()
}

fn zip() -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    for (number, (name, bytes)) in FILES.iter().enumerate() {
        let method = if number % 2 == 0 {
            zip::CompressionMethod::Deflated
        } else {
            zip::CompressionMethod::Stored
        };
        let options = zip::write::SimpleFileOptions::default().compression_method(method);
        archive.start_file(*name, options).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

type Content = Result<Vec<u8>, String>;

/// Name and content (or fault) of every member, and what could not be listed.
fn read_all(bytes: &[u8]) -> (Vec<(String, Content)>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in");
    fs::write(&path, bytes).unwrap();
    let (sources, _) = find(&[path.display().to_string()]).unwrap();
    let limits = UnpackLimits::default();
    let (members, lost) = expand(sources, limits);
    let progress = Arc::new(AtomicU64::new(0));
    let mut found = Vec::new();
    let mut keep = |member: &Source, opened: io::Result<Opened<'_>>| {
        let mut bytes = Vec::new();
        let read = opened.and_then(|mut opened| opened.read_to_end(&mut bytes));
        let name = member.name.rsplit("in").next().unwrap().to_owned();
        found.push((name, read.map(|_| bytes).map_err(|error| error.to_string())));
    };
    let numbered: Vec<_> = members.iter().enumerate().collect();
    if matches!(members.first(), Some(first) if matches!(first.member, Some(Member::Unpacked { .. })))
    {
        each_of_tar(&numbered, limits, &progress, |_, member, opened| {
            keep(member, opened);
            Ok::<_, ()>(())
        })
        .unwrap();
    } else {
        for member in &members {
            keep(member, open(member, limits, &progress));
        }
    }
    (found, lost.into_iter().map(|lost| lost.reason).collect())
}

#[test]
fn every_archive_gives_the_same_members() {
    let wanted: Vec<_> = FILES[..3]
        .iter()
        .map(|(name, bytes)| (format!("!/{name}"), Ok(bytes.to_vec())))
        .collect();
    for archive in [tar(), zip(), gzip(&tar()), gzip(&gzip(&tar()))] {
        assert_eq!(read_all(&archive), (wanted.clone(), vec![]));
    }
}

#[test]
fn packed_members_are_unpacked_too() {
    let mut archive = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    archive.start_file("x.gz", options).unwrap();
    archive.write_all(&gzip(b"text")).unwrap();
    let (members, _) = read_all(&archive.finish().unwrap().into_inner());
    assert_eq!(members[0].1, Ok(b"text".to_vec()));
}

#[test]
fn cut_off_archives_give_what_came_before() {
    let whole = tar();
    let (members, lost) = read_all(&whole[..1024 + 512 + 3]);
    assert_eq!(members[0].1, Ok(FILES[0].1.to_vec()));
    assert!(
        members[1].1.as_ref().unwrap_err().contains("ends inside"),
        "{members:?}"
    );
    assert_eq!(lost.len(), 1, "{lost:?}");
    let packed = gzip(&whole);
    let (members, lost) = read_all(&packed[..packed.len() / 2]);
    assert!(lost.len() + members.iter().filter(|(_, it)| it.is_err()).count() > 0);
    let zip = zip();
    let (members, lost) = read_all(&zip[..zip.len() - 30]);
    assert_eq!(members, []);
    assert!(lost[0].contains("ZIP archive is damaged"), "{lost:?}");
}
