//! Members of archives, listed and opened each alone; and archives that are hostile, damaged or odd.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::sync::atomic::AtomicU64;

use rawzip::CompressionMethod as Packing;

use super::*;
use crate::source::{Opened, find, open};

const FILES: Files<'static> = &[
    ("a.json", b"{\"a\":1}\n"),
    ("folder/b.json", b"{\"b\":2}\n"),
    ("folder/empty", b""),
    (".hidden", b"x"),
    ("._a.json", b"x"),
];

type Files<'a> = &'a [(&'a str, &'a [u8])];
type Pack = fn(Files<'_>) -> Vec<u8>;

fn header(kind: ::tar::EntryType, size: u64) -> ::tar::Header {
    let mut header = ::tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(0o644);
    header
}

fn tar(files: Files<'_>) -> Vec<u8> {
    let mut archive = ::tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = header(::tar::EntryType::Regular, bytes.len() as u64);
        archive.append_data(&mut header, name, *bytes).unwrap();
    }
    archive.into_inner().unwrap()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Name, method, bytes as packed, bytes unpacked.
type Packed<'a> = (&'a [u8], Packing, &'a [u8], &'a [u8]);

/// A ZIP archive of members that are packed already.
fn zip_of(members: &[Packed<'_>]) -> Vec<u8> {
    let mut archive = rawzip::ZipArchiveWriter::new(Vec::new());
    for (name, method, packed, bytes) in members {
        let (mut entry, _) = archive
            .new_file(rawzip::path::EntryPath::verbatim(*name))
            .compression_method(*method)
            .start()
            .unwrap();
        entry.write_all(packed).unwrap();
        let (crc, size) = (rawzip::crc32(bytes), bytes.len() as u64);
        let descriptor = rawzip::DataDescriptorOutput::new(crc, size);
        entry.finish(descriptor).unwrap();
    }
    archive.finish().unwrap()
}

/// Every other member is deflated, the others are stored.
fn zip(files: Files<'_>) -> Vec<u8> {
    let packed: Vec<_> = files.iter().map(|(_, bytes)| deflate(bytes)).collect();
    let members = files.iter().enumerate().map(|(number, (name, bytes))| {
        let name = name.as_bytes();
        match number % 2 {
            0 => (name, Packing::DEFLATE, packed[number].as_slice(), *bytes),
            _ => (name, Packing::STORE, *bytes, *bytes),
        }
    });
    zip_of(&members.collect::<Vec<_>>())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ::bzip2::write::BzEncoder::new(Vec::new(), ::bzip2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ::zstd::encode_all(bytes, 1).unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Names without the archive's own, with what was read or why not.
#[derive(Debug, Default, PartialEq)]
struct Listed {
    read: Vec<(String, Result<Vec<u8>, String>)>,
    lost: BTreeMap<String, String>,
    left_out: BTreeMap<String, String>,
}

impl Listed {
    #[track_caller]
    fn loses(&self, name: &str, words: &[&str]) {
        let reason = &self.lost[name];
        for word in words {
            assert!(reason.contains(word), "{reason}");
        }
    }

    fn good(&self) -> Vec<&str> {
        let good = self.read.iter().filter(|(_, read)| read.is_ok());
        good.map(|(name, _)| name.as_str()).collect()
    }
}

fn listed(sources: Vec<Source>, prefix: &str, limits: UnpackLimits, temp: &Path) -> Listed {
    let (members, untold) = expand(sources, limits, temp);
    let progress = Arc::new(AtomicU64::new(0));
    let mut found = Listed::default();
    let short = |name: &str| name.strip_prefix(prefix).unwrap().to_owned();
    let mut keep = |member: &Source, opened: io::Result<Opened<'_>>| {
        let mut bytes = Vec::new();
        let read = opened.and_then(|mut opened| opened.read_to_end(&mut bytes));
        let read = read.map(|_| bytes).map_err(|error| error.to_string());
        found.read.push((short(&member.name), read));
    };
    let numbered: Vec<_> = members.iter().enumerate().collect();
    for job in numbered.chunk_by(|(_, last), (_, next)| next.is_read_with(last)) {
        if job[0].1.is_of_packed_tar() {
            each_of_tar(job, limits, &progress, |_, member, opened| {
                keep(member, opened);
                Ok::<_, ()>(())
            })
            .unwrap();
        } else {
            keep(job[0].1, open(job[0].1, limits, &progress));
        }
    }
    for it in untold {
        let to = if it.is_lost {
            &mut found.lost
        } else {
            &mut found.left_out
        };
        to.insert(short(&it.name), it.reason);
    }
    found
}

fn read_within(bytes: &[u8], limits: UnpackLimits) -> Listed {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in");
    fs::write(&path, bytes).unwrap();
    let prefix = path.display().to_string();
    let (sources, _) = find(std::slice::from_ref(&prefix)).unwrap();
    let found = listed(sources, &prefix, limits, folder.path());
    assert_eq!(
        folder.path().read_dir().unwrap().count(),
        1,
        "nothing is left"
    );
    found
}

fn read(bytes: &[u8]) -> Listed {
    read_within(bytes, UnpackLimits::default())
}

fn content(names: &[(&str, &[u8])]) -> Vec<(String, Result<Vec<u8>, String>)> {
    let named = names.iter();
    named
        .map(|(name, bytes)| (format!("!/{name}"), Ok(bytes.to_vec())))
        .collect()
}

#[test]
fn every_archive_gives_the_same_members() {
    let plain = tar(FILES);
    for archive in [
        plain.clone(),
        zip(FILES),
        gzip(&plain),
        gzip(&gzip(&plain)),
        bzip2(&plain),
        xz(&plain),
        zstd(&plain),
        gzip(&zip(FILES)),
        zstd(&zip(FILES)),
    ] {
        let found = read(&archive);
        assert_eq!(found.read, content(&FILES[..3]));
        assert_eq!(found.lost, BTreeMap::new());
        let reasons: Vec<_> = found.left_out.into_iter().collect();
        assert!(
            reasons[0].0 == "!/._a.json" && reasons[0].1.contains("macOS"),
            "{reasons:?}"
        );
        assert!(
            reasons[1].0 == "!/.hidden" && reasons[1].1.contains("hidden"),
            "{reasons:?}"
        );
    }
}

#[test]
fn archives_within_archives_are_listed_in_their_place() {
    let inner: Files<'_> = &[("x.json", b"x"), ("y.json", b"y")];
    let packed_tar = gzip(&tar(inner));
    let inner = [tar(inner), zip(inner), packed_tar, xz(&zip(inner))];
    for archive in &inner {
        let files: Files<'_> = &[
            ("a.json", b"a"),
            ("one", archive),
            ("two", archive),
            ("z.json", b"z"),
        ];
        let wanted = content(&[
            ("a.json", b"a"),
            ("one!/x.json", b"x"),
            ("one!/y.json", b"y"),
            ("two!/x.json", b"x"),
            ("two!/y.json", b"y"),
            ("z.json", b"z"),
        ]);
        for outer in [
            zip(files),
            tar(files),
            gzip(&tar(files)),
            bzip2(&zip(files)),
        ] {
            let found = read(&outer);
            assert_eq!((&found.read, &found.lost), (&wanted, &BTreeMap::new()));
        }
    }
}

#[test]
fn a_pipe_gives_what_a_file_gives() {
    let temp = tempfile::tempdir().unwrap();
    let pipe = |bytes: &[u8]| {
        let path = temp.path().join("in");
        fs::write(&path, bytes).unwrap();
        let prefix = path.display().to_string();
        let (mut sources, _) = find(std::slice::from_ref(&prefix)).unwrap();
        // What has no size is read once and from its start, be it a pipe or a file.
        sources[0].bytes = None;
        listed(sources, &prefix, UnpackLimits::default(), temp.path())
    };
    for archive in [
        tar(FILES),
        zip(FILES),
        bzip2(&tar(FILES)),
        gzip(&zip(FILES)),
    ] {
        assert_eq!(pipe(&archive).read, content(&FILES[..3]));
    }
    let text = b"{\"a\":1}\n".repeat(300_000);
    for plain in [text.clone(), gzip(&text), bzip2(&text)] {
        assert_eq!(pipe(&plain).read, [(String::new(), Ok(text.clone()))]);
    }
    assert_eq!(pipe(b"").read, [(String::new(), Ok(vec![]))]);
}

#[test]
fn packed_members_are_unpacked_too() {
    let found = read(&zip(&[("x.gz", &gzip(b"text")), ("y.xz", &xz(b"text"))]));
    assert_eq!(found.read, content(&[("x.gz", b"text"), ("y.xz", b"text")]));
    // A member of a packed tar file is measured by its own bytes, not by none.
    let large = b"{\"a\":1}\n".repeat((RATIO_FROM as usize + (1 << 20)) / 8);
    let found = read(&gzip(&tar(&[
        ("x.gz", &zstd(&zstd(&large[..100]))),
        ("y.gz", &gzip(&large)),
    ])));
    let errors: Vec<_> = found
        .read
        .iter()
        .filter_map(|(_, it)| it.as_ref().err())
        .collect();
    assert_eq!(errors, Vec::<&String>::new());
}

#[test]
fn zip_members_are_read_by_every_method_that_we_know() {
    let text = b"{\"a\":1}\n".repeat(50);
    let (bz, xz, zst) = (bzip2(&text), xz(&text), zstd(&text));
    let found = read(&zip_of(&[
        (b"bzip2", Packing::BZIP2, &bz, &text),
        (b"xz", Packing::XZ, &xz, &text),
        (b"zstd", Packing::ZSTD, &zst, &text),
        (b"lzma", Packing::LZMA, b"?", &text),
        (b"deflate64", Packing::DEFLATE64, b"?", &text),
        (b"odd", Packing::new(77), b"?", &text),
    ]));
    assert_eq!(
        found.read,
        content(&[("bzip2", &text), ("xz", &text), ("zstd", &text)])
    );
    found.loses("!/lzma", &["14 (LZMA)", "unpack it first"]);
    found.loses("!/deflate64", &["9 (DEFLATE64)", "unpack it first"]);
    found.loses("!/odd", &["77", "unpack it first"]);
}

#[test]
fn encrypted_members_are_lost_with_a_word_and_the_others_are_read() {
    let mut archive = rawzip::ZipArchiveWriter::new(Vec::new());
    archive.new_dir("folder/").create().unwrap();
    for (name, is_encrypted) in [("secret.json", true), ("open.json", false)] {
        let (mut entry, _) = archive
            .new_file(name)
            .encrypted(is_encrypted)
            .start()
            .unwrap();
        entry.write_all(b"x").unwrap();
        let crc = rawzip::crc32(b"x");
        entry
            .finish(rawzip::DataDescriptorOutput::new(crc, 1))
            .unwrap();
    }
    let found = read(&archive.finish().unwrap());
    assert_eq!(found.read, content(&[("open.json", b"x")]));
    found.loses("!/secret.json", &["encrypted", "password"]);
}

#[test]
fn names_are_only_names() {
    let names: [&[u8]; 5] = [
        b"/etc/passwd",
        b"../../up.json",
        b"c:\\x.json",
        b"\xff\x1b[31m",
        b"same",
    ];
    let mut members: Vec<_> = names
        .map(|name| (name, Packing::STORE, &b"x"[..], &b"x"[..]))
        .to_vec();
    members.push((b"same", Packing::STORE, b"y", b"y"));
    let found = read(&zip_of(&members));
    let names: Vec<_> = found.read.iter().map(|(name, _)| name.as_str()).collect();
    let shown = [
        "!//etc/passwd",
        "!/../../up.json",
        "!/c:\\x.json",
        "!/\u{fffd}\u{1b}[31m",
    ];
    assert_eq!(names[..4], shown);
    // Members of one name are two members.
    let same: Vec<_> = found.read[4..]
        .iter()
        .map(|(_, it)| it.clone().unwrap())
        .collect();
    assert_eq!(
        (names[4], names[5], same),
        ("!/same", "!/same", vec![b"x".to_vec(), b"y".to_vec()])
    );
    let long = "x".repeat(3000);
    let found = read(&tar(&[(&long, b"long"), (&long[..200], b"less")]));
    assert_eq!(
        found.read[0],
        (format!("!/{}", &long[..1024]), Ok(b"long".to_vec()))
    );
    assert_eq!(
        found.read[1],
        (format!("!/{}", &long[..200]), Ok(b"less".to_vec()))
    );
}

#[test]
fn what_tar_files_hold_beside_files_is_told() {
    use ::tar::EntryType;
    let mut archive = ::tar::Builder::new(Vec::new());
    archive
        .append_pax_extensions([("comment", b"hi".as_slice())])
        .unwrap();
    let mut plain = header(EntryType::Regular, 1);
    archive
        .append_data(&mut plain, "a.json", &b"a"[..])
        .unwrap();
    let mut folder = header(EntryType::Directory, 0);
    archive
        .append_data(&mut folder, "folder/", &b""[..])
        .unwrap();
    for (kind, name) in [(EntryType::Symlink, "soft"), (EntryType::Link, "hard")] {
        archive
            .append_link(&mut header(kind, 0), name, "/etc/passwd")
            .unwrap();
    }
    for (kind, name) in [(EntryType::Fifo, "fifo"), (EntryType::new(b'M'), "part")] {
        archive
            .append_data(&mut header(kind, 0), name, &b""[..])
            .unwrap();
    }
    let mut holes = header(EntryType::GNUSparse, 0);
    holes.as_gnu_mut().unwrap().realsize = *b"00000000000\0";
    archive.append_data(&mut holes, "holes", &b""[..]).unwrap();
    archive
        .append_pax_extensions([("GNU.sparse.major", b"1".as_slice())])
        .unwrap();
    archive
        .append_data(&mut plain, "GNUSparseFile.0/b", &b"b"[..])
        .unwrap();
    archive
        .append_data(&mut plain, "z.json", &b"z"[..])
        .unwrap();
    let bytes = archive.into_inner().unwrap();
    for archive in [gzip(&bytes), bytes] {
        let found = read(&archive);
        assert_eq!(found.read, content(&[("a.json", b"a"), ("z.json", b"z")]));
        let left_out: Vec<_> = found.left_out.keys().collect();
        assert_eq!(left_out, ["!/fifo", "!/hard", "!/soft"]);
        assert!(found.left_out["!/soft"].contains("link"));
        found.loses("!/holes", &["sparse", "unpack"]);
        found.loses("!/GNUSparseFile.0/b", &["sparse", "unpack"]);
        found.loses("!/part", &["kind of member", "unpack"]);
        assert_eq!(found.lost.len(), 3, "{:?}", found.lost);
    }
}

#[test]
fn notes_of_macos_are_one_line() {
    let files: Files<'_> = &[
        ("a.json", b"a"),
        ("__MACOSX/._a.json", b"x"),
        ("__MACOSX/._b.json", b"x"),
    ];
    let found = read(&zip(files));
    assert_eq!(found.read, content(&files[..1]));
    assert_eq!(found.left_out.len(), 1, "{:?}", found.left_out);
    assert!(found.left_out["!/__MACOSX"].starts_with("2 notes"));
}

#[test]
fn joined_tar_files_are_read_to_the_last() {
    let both = [tar(&FILES[..1]), tar(&FILES[1..2])].concat();
    for archive in [both.clone(), gzip(&both)] {
        assert_eq!(read(&archive).read, content(&FILES[..2]));
    }
}

#[test]
fn zip_archives_may_have_a_preface_or_many_members() {
    let with_end = [zip(FILES), b"what follows".to_vec()].concat();
    assert_eq!(
        read(&with_end).read,
        content(&FILES[..3]),
        "bytes behind the end"
    );
    // More than 65,535 need ZIP64.
    let names: Vec<String> = (0..66_000).map(|number| format!("{number}")).collect();
    let members = names
        .iter()
        .map(|name| (name.as_bytes(), Packing::STORE, &b""[..], &b""[..]));
    let archive = zip_of(&members.collect::<Vec<_>>());
    assert_eq!(listing(&archive, UnpackLimits::default()).0, 66_000);
}

/// How many members are listed, and what is lost.
fn listing(bytes: &[u8], limits: UnpackLimits) -> (usize, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in");
    fs::write(&path, bytes).unwrap();
    let (sources, _) = find(&[path.display().to_string()]).unwrap();
    let (members, lost) = expand(sources, limits, folder.path());
    (
        members.len(),
        lost.into_iter().map(|lost| lost.reason).collect(),
    )
}

#[test]
fn cut_off_archives_give_what_came_before() {
    let whole = tar(FILES);
    let found = read(&whole[..1024 + 512 + 3]);
    assert_eq!(found.good(), ["!/a.json"]);
    let (name, cut) = &found.read[1];
    assert!(name == "!/folder/b.json" && cut.as_ref().unwrap_err().contains("ends inside"));
    let packed = gzip(&whole);
    let found = read(&packed[..packed.len() / 2]);
    assert!(found.lost.len() + found.read.iter().filter(|(_, it)| it.is_err()).count() > 0);
    let zip = zip(FILES);
    let found = read(&zip[..zip.len() - 30]);
    assert_eq!(found.read, []);
    found.loses("", &["ZIP archive is damaged", "get the file again"]);
    // An archive within does not cost the one around it.
    let inner: Files<'_> = &[
        ("a", b"a"),
        ("cut.zip", &zip[..zip.len() - 30]),
        ("z", b"z"),
    ];
    let found = read(&tar(inner));
    assert_eq!(found.good(), ["!/a", "!/z"]);
    found.loses("!/cut.zip", &["ZIP archive is damaged"]);
}

#[test]
fn bytes_that_the_archive_does_not_list_are_told() {
    let (text, packed) = (b"text".as_slice(), deflate(b"text"));
    let cases: [(Packing, &[u8], &[u8]); 5] = [
        (Packing::STORE, text, b"test"),
        (Packing::DEFLATE, &packed, b"test"),
        (Packing::DEFLATE, &packed, b"tex"),
        (Packing::DEFLATE, &packed, b"text."),
        (Packing::DEFLATE, &packed[..3], text),
    ];
    for (method, packed, bytes) in cases {
        let found = read(&zip_of(&[(b"x", method, packed, bytes)]));
        let error = found.read[0].1.as_ref().unwrap_err();
        assert!(error.contains("get the file again"), "{error}");
    }
}

#[test]
fn archives_may_lie_only_so_deep() {
    let nest = |depth: usize, pack: Pack| {
        (0..depth).fold(b"x".to_vec(), |bytes, _| {
            pack(&[("in", &bytes), ("beside", b"y")])
        })
    };
    let tgz = |files: Files<'_>| gzip(&tar(files));
    for pack in [zip, tar, tgz] {
        let found = read(&nest(4, pack));
        assert_eq!(
            found.read[0],
            ("!/in!/in!/in!/in".to_owned(), Ok(b"x".to_vec()))
        );
        assert_eq!((found.read.len(), found.lost.len()), (5, 0));
        let found = read(&nest(5, pack));
        assert_eq!(found.good().len(), 4);
        found.loses("!/in!/in!/in!/in", &["within 4 others", "unpack it first"]);
    }
}

#[test]
fn an_input_may_have_only_so_many_members() {
    let limits = UnpackLimits {
        members: 3,
        ..UnpackLimits::default()
    };
    let inner: Files<'_> = &[("1", b"x"), ("2", b"x"), ("3", b"x")];
    for pack in [zip, tar, |files: Files<'_>| gzip(&tar(files))] {
        assert_eq!(listing(&pack(inner), limits), (3, vec![]));
        // The inner archive counts, and so do its members.
        let (count, lost) = listing(&pack(&[("in", &pack(inner)), ("4", b"x")]), limits);
        assert_eq!((count, lost.len()), (2, 1), "{lost:?}");
        assert!(lost[0].contains("more than 3 members"), "{lost:?}");
    }
}

#[test]
fn archives_within_may_only_grow_so_large_together() {
    let inner = tar(&[("x", &[b'x'; 2000])]);
    let files: Files<'_> = &[("1.tgz", &inner), ("a", b"a"), ("2.tgz", &inner)];
    let archive = gzip(&tar(files));
    let limits = UnpackLimits {
        bytes: inner.len() as u64 * 2,
        ..UnpackLimits::default()
    };
    // The whole of the packed tar file counts by itself.
    let generous = UnpackLimits {
        bytes: 1 << 20,
        ..limits
    };
    assert_eq!(read_within(&archive, generous).lost, BTreeMap::new());
    let files: Files<'_> = &[
        ("1", &inner),
        ("2", b"2"),
        ("3", &inner),
        ("4", b""),
        ("5", &inner),
    ];
    let found = read_within(&zip(files), limits);
    assert_eq!(found.good(), ["!/1!/x", "!/2", "!/3!/x", "!/4"]);
    found.loses("!/5", &["bytes in all", "--max-unpacked"]);
}

#[test]
fn a_bomb_within_is_told_by_its_ratio() {
    let zeros = tar(&[("zeros", &vec![0; RATIO_FROM as usize + (1 << 20)])]);
    let archive = zip(&[("bomb", &zeros), ("", b""), ("good.json", b"{}")]);
    let limits = UnpackLimits {
        ratio: 100,
        ..UnpackLimits::default()
    };
    let found = read_within(&archive, limits);
    assert_eq!(found.good(), ["!/", "!/good.json"]);
    found.loses("!/bomb", &["decompression bomb", "--max-ratio"]);
}

#[test]
fn members_that_lie_over_one_another_are_a_bomb() {
    let packed = deflate(&[0; 10_000]);
    let name = b"x".as_slice();
    let one = zip_of(&[(name, Packing::DEFLATE, &packed, &[0; 10_000])]);
    let eocd = one.len() - 22;
    let directory = u32::from_le_bytes(one[eocd + 16..eocd + 20].try_into().unwrap()) as usize;
    let line = &one[directory..eocd];
    let mut bomb = [&one[..directory], &line.repeat(50)].concat();
    let mut end = one[eocd..].to_vec();
    end[8..10].copy_from_slice(&50_u16.to_le_bytes());
    end[10..12].copy_from_slice(&50_u16.to_le_bytes());
    end[12..16].copy_from_slice(&(line.len() as u32 * 50).to_le_bytes());
    bomb.extend(end);
    let found = read(&bomb);
    found.loses("", &["over one another", "decompression bomb"]);
    let most = bomb.len() / packed.len();
    assert!(found.read.len() <= most, "{} of {most}", found.read.len());
}

#[test]
fn headers_of_tar_members_may_only_be_so_long() {
    use ::tar::EntryType;
    let long = vec![b'x'; 2 << 20];
    let mut archive = ::tar::Builder::new(Vec::new());
    let mut plain = header(EntryType::Regular, 1);
    archive.append_data(&mut plain, "a", &b"a"[..]).unwrap();
    let mut name = header(EntryType::GNULongName, long.len() as u64);
    archive
        .append_data(&mut name, "././@LongLink", &long[..])
        .unwrap();
    archive.append_data(&mut plain, "b", &b"b"[..]).unwrap();
    let bytes = archive.into_inner().unwrap();
    for archive in [gzip(&bytes), bytes] {
        let found = read(&archive);
        assert_eq!(found.read, content(&[("a", b"a")]));
        found.loses("", &["tar archive is damaged", "before a member"]);
    }
}
