//! What is read is told apart, what is wrong is told with its line, and only what the log lacks is
//! filled.

use std::path::Path;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;

use super::*;
use crate::signin::{Signin, SigninBatch};

/// A folder with files of these names and texts.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn path(folder: &tempfile::TempDir, name: &str) -> String {
    folder.path().join(name).display().to_string()
}

fn batch(rows: &[Signin<'_>]) -> RecordBatch {
    let mut batch = SigninBatch::new(Columns::ALL);
    rows.iter().for_each(|row| batch.push(row));
    batch.take().unwrap().unwrap()
}

fn from(address: &str) -> Signin<'_> {
    Signin {
        ip_address: Some(address.into()),
        ..Signin::default()
    }
}

/// The texts of a list column, row by row.
fn lists(batch: &RecordBatch, column: &str) -> Vec<Option<Vec<String>>> {
    let lists = batch.column_by_name(column).unwrap().as_list::<i32>();
    let texts = |list: arrow::array::ArrayRef| {
        let texts = list.as_string::<i32>().iter().flatten();
        texts.map(str::to_owned).collect()
    };
    lists.iter().map(|list| list.map(texts)).collect()
}

fn some(texts: &[&str]) -> Option<Vec<String>> {
    Some(texts.iter().map(|text| text.to_string()).collect())
}

fn load(asked: Asked) -> Context {
    Context::load(&asked).unwrap()
}

fn told(asked: Asked) -> String {
    Context::load(&asked).unwrap_err().to_string()
}

#[test]
fn without_context_rows_pass_as_they_are() {
    let context = load(Asked::default());
    assert!(!context.fills() && context.given(Filled::default()).is_none());
    let rows = batch(&[from("192.0.2.1")]);
    let mut filler = context.filler();
    assert_eq!(filler.fill(rows.clone()).unwrap(), rows);
    let some = Columns::of(["asn", "indicators"]);
    assert_eq!(context.columns(some), some, "nothing more is decoded");
}

#[test]
fn trusted_networks_are_marked_and_named() {
    let folder = folder(&[(
        "office.txt",
        "\u{feff}# our exits\r\n192.0.2.0/24 Main office # since 2019\r\n\r\n2001:db8:5::/48,Home, of all\n192.0.2.9;Printer\n",
    )]);
    let context = load(Asked {
        trusted_networks: vec![path(&folder, "office.txt"), "198.51.100.7".to_owned()],
        ..Asked::default()
    });
    let known = Signin {
        is_trusted_location: Some(false),
        network_location_names: Some(vec!["Berlin".into()]),
        ..from("192.0.2.9")
    };
    let again = Signin {
        network_location_names: Some(vec!["Main office".into()]),
        ..from("192.0.2.10")
    };
    let rows = batch(&[
        known,
        again,
        from("2001:db8:5::1"),
        from("198.51.100.7"),
        from("198.51.100.8"),
        Signin::default(),
        Signin {
            is_trusted_location: Some(false),
            ..from("203.0.113.1")
        },
    ]);
    let mut filler = context.filler();
    let filled = filler.fill(rows).unwrap();
    let trusted = filled.column_by_name("is_trusted_location").unwrap();
    let trusted: Vec<_> = trusted.as_boolean().iter().collect();
    assert_eq!(
        trusted,
        [
            Some(true),
            Some(true),
            Some(true),
            Some(true),
            None,
            None,
            Some(false)
        ]
    );
    assert_eq!(
        lists(&filled, "network_location_names"),
        [
            some(&["Berlin", "Printer", "Main office"]),
            some(&["Main office"]),
            some(&["Home, of all"]),
            some(&["198.51.100.7/32"]),
            None,
            None,
            None,
        ]
    );
    assert_eq!(filler.filled().trusted, 4);
    let given = context.given(filler.filled()).unwrap().trusted_networks;
    let given = given.unwrap();
    assert_eq!((given.entries, given.sign_ins_filled), (Some(4), Some(4)));
}

#[test]
fn a_network_that_cannot_be_meant_is_told_with_its_line() {
    let folder = folder(&[("a.txt", "192.0.2.0/24\nthe office\n"), ("b.txt", "::/0")]);
    let of = |typed: &str| {
        told(Asked {
            trusted_networks: vec![typed.to_owned()],
            ..Asked::default()
        })
    };
    let text = of(&path(&folder, "a.txt"));
    assert!(
        text.contains("a.txt, line 2: \"the\" is no network"),
        "{text}"
    );
    assert!(of(&path(&folder, "b.txt")).contains("line 1: ::/0 holds every address"));
    assert!(of("0.0.0.0/0").contains("holds every address"));
    assert!(of("192.0.2.0/33").contains("neither a network such as"));
    std::fs::write(folder.path().join("c.txt"), b"\xff\xfe1\0").unwrap();
    assert!(of(&path(&folder, "c.txt")).contains("is not UTF-8 text"));
}

#[test]
fn vips_are_names_or_ids() {
    let guest = "eve_example.org#EXT#@contoso.example";
    let text = format!("Ada@Contoso.example\n0F3A-no\n# x\n{guest}\n");
    let folder = folder(&[
        ("bad.txt", text.as_str()),
        (
            "vips.txt",
            "Ada@Contoso.example, the CEO\n  6A1C1B0A-0000-4000-8000-00000000000F\nada@contoso.example\n# none\n",
        ),
        ("guest.txt", guest),
    ]);
    let of = |name: &str| Asked {
        vip: Some(folder.path().join(name)),
        ..Asked::default()
    };
    let context = load(of("vips.txt"));
    assert_eq!(
        context.vips(),
        [
            "6a1c1b0a-0000-4000-8000-00000000000f",
            "ada@contoso.example"
        ]
    );
    assert!(!context.fills());
    let given = context.given(Filled::default()).unwrap().vips.unwrap();
    assert_eq!((given.entries, given.sign_ins_filled), (Some(2), None));
    assert_eq!(load(of("guest.txt")).vips(), [guest.to_lowercase()]);
    let text = told(of("bad.txt"));
    assert!(
        text.contains("bad.txt, line 2: \"0F3A-no\" is neither"),
        "{text}"
    );
    assert!(told(of("gone.txt")).contains("gone.txt"));
}

#[test]
fn indicators_of_every_kind_are_matched() {
    let folder = folder(&[
        (
            "plain.txt",
            "203.0.113.7 Tor exit\n198.51.100.0/24\nAS64496,Bad hoster\npython-requests/*\nMozilla/5.0 (odd; one)\nevil.example\nhttps://evil.example/x\n# end\n",
        ),
        (
            "table.csv",
            "Type,Value,Label\nip,2001:db8::5,Six\nuser_agent,BAV2ROPC,\"Old, plain\"\ndomain,evil.example,x\nasn,64497,\n,203.0.113.7,Twice\n",
        ),
        (
            "bundle.json",
            r#"{"type":"bundle","id":"bundle--1","objects":[
              {"type":"identity","name":"us"},
              {"type":"indicator","pattern_type":"stix","name":"Campaign","pattern":"[ipv4-addr:value = '203.0.113.9' OR ipv4-addr:value ISSUBSET '192.0.2.128/25']"},
              {"type":"indicator","pattern_type":"stix","pattern":"[network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' = 'axios/1.7.2']"},
              {"type":"indicator","pattern_type":"stix","pattern":"[autonomous-system:number IN (64498, 64499)]"},
              {"type":"indicator","pattern_type":"stix","pattern":"[ipv4-addr:value = '203.0.113.10' AND domain-name:value = 'x.example']"},
              {"type":"indicator","pattern_type":"stix","pattern":"[domain-name:value = 'evil.example']"},
              {"type":"indicator","pattern_type":"stix","revoked":true,"pattern":"[ipv4-addr:value = '203.0.113.11']"},
              {"type":"indicator","pattern_type":"snort","pattern":"alert"}]}"#,
        ),
    ]);
    let indicators = ["plain.txt", "table.csv", "bundle.json"]
        .map(|name| folder.path().join(name))
        .to_vec();
    let context = load(Asked {
        indicators,
        ..Asked::default()
    });
    let agent = |agent: &'static str| Signin {
        user_agent: Some(agent.into()),
        ..Signin::default()
    };
    let owner = |asn: i64| Signin {
        asn: Some(asn),
        ..from("192.0.2.1")
    };
    let rows = [
        (from("203.0.113.7"), some(&["Tor exit", "Twice"])),
        (from("198.51.100.200"), some(&["198.51.100.0/24"])),
        (from("2001:db8::5"), some(&["Six"])),
        (from("203.0.113.9"), some(&["Campaign"])),
        (from("192.0.2.200"), some(&["Campaign"])),
        (from("203.0.113.10"), None),
        (from("203.0.113.11"), None),
        (from("192.0.2.1"), None),
        (owner(64_496), some(&["Bad hoster"])),
        (owner(64_497), some(&["64497"])),
        (owner(64_499), some(&["64499"])),
        (owner(64_500), None),
        (agent("Python-Requests/2.32"), some(&["python-requests/*"])),
        (
            agent("mozilla/5.0 (ODD; one)"),
            some(&["Mozilla/5.0 (odd; one)"]),
        ),
        (agent("Mozilla/5.0 (odd; one) more"), None),
        (agent("bav2ropc"), some(&["Old, plain"])),
        (agent("axios/1.7.2"), some(&["axios/1.7.2"])),
        (Signin::default(), None),
    ];
    let (signins, expected): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
    let mut filler = context.filler();
    let filled = filler.fill(batch(&signins)).unwrap();
    assert_eq!(lists(&filled, "indicators"), expected);
    assert_eq!(
        lists(&filler.fill(filled).unwrap(), "indicators"),
        expected,
        "an archive that is read again is marked once"
    );
    let given = context.given(filler.filled()).unwrap().indicators.unwrap();
    assert_eq!((given.entries, given.entries_not_used), (Some(14), Some(6)));
    assert_eq!(given.sign_ins_filled, Some(24), "twelve rows, twice");
    let needed = context.columns(Columns::of(["indicators"]));
    let all = Columns::of(["indicators", "ip_address", "asn", "user_agent"]);
    assert_eq!(needed, all);
}

#[test]
fn indicators_that_are_wrong_are_told() {
    let folder = folder(&[
        ("type.csv", "value,type\n203.0.113.7,ip\nevil,ip\n"),
        ("asn.csv", "value,type\nmany,asn\n"),
        ("domains.txt", "evil.example\nworse.example\n"),
        ("cut.json", "{\"type\":\"bundle\",\n\"objects\":["),
        ("one.json", "{\"type\":\"indicator\"}"),
        ("all.txt", "*"),
        ("net.txt", "203.0.113.1\n0.0.0.0/0"),
        ("empty.txt", "# nothing yet\n"),
    ]);
    let of = |name: &str| Asked {
        indicators: vec![folder.path().join(name)],
        ..Asked::default()
    };
    for (name, wanted) in [
        ("type.csv", "type.csv, line 3: \"evil\" is no address"),
        ("asn.csv", "asn.csv, line 2: \"many\" is no AS number"),
        ("domains.txt", "domains.txt: holds no indicator that"),
        ("cut.json", "at line 2 column"),
        ("one.json", "is a STIX \"indicator\"; give the bundle"),
        ("all.txt", "line 1: \"*\" is every user agent"),
        ("net.txt", "line 2: 0.0.0.0/0 holds every address"),
        ("gone.txt", "gone.txt"),
    ] {
        let text = told(of(name));
        assert!(
            text.starts_with("--indicators ") && text.contains(wanted),
            "{text}"
        );
    }
    assert!(!load(of("empty.txt")).fills(), "an empty list is a list");
}

/// The smallest database of addresses that the format allows: one record for one /24 of IPv4.
mod mmdb {
    /// A value of the data section.
    pub(super) enum Value {
        Text(&'static str),
        Number(u32),
        Map(Vec<(&'static str, Value)>),
        List(Vec<Value>),
    }

    fn control(kind: u8, size: usize, out: &mut Vec<u8>) {
        assert!(size < 29, "small values only");
        if kind > 7 {
            out.extend([size as u8, kind - 7]);
        } else {
            out.push(kind << 5 | size as u8);
        }
    }

    fn write(value: &Value, out: &mut Vec<u8>) {
        match value {
            Value::Text(text) => {
                control(2, text.len(), out);
                out.extend(text.bytes());
            }
            Value::Number(number) => {
                control(6, 4, out);
                out.extend(number.to_be_bytes());
            }
            Value::Map(pairs) => {
                control(7, pairs.len(), out);
                for (key, value) in pairs {
                    write(&Value::Text(key), out);
                    write(value, out);
                }
            }
            Value::List(values) => {
                control(11, values.len(), out);
                values.iter().for_each(|value| write(value, out));
            }
        }
    }

    /// A database called `kind` in which `record` is said of the /24 that begins with `network`.
    pub(super) fn file(kind: &'static str, network: [u8; 3], record: Value) -> Vec<u8> {
        let nodes: u32 = 24;
        let found = nodes + 16;
        let mut out = Vec::new();
        for node in 0..nodes {
            let bit = network[(node / 8) as usize] >> (7 - node % 8) & 1;
            let next = if node + 1 == nodes { found } else { node + 1 };
            let sides = if bit == 0 {
                [next, nodes]
            } else {
                [nodes, next]
            };
            for side in sides {
                out.extend(&side.to_be_bytes()[1..]);
            }
        }
        out.extend([0; 16]);
        write(&record, &mut out);
        out.extend(b"\xab\xcd\xefMaxMind.com");
        let metadata = Value::Map(vec![
            ("binary_format_major_version", Value::Number(2)),
            ("binary_format_minor_version", Value::Number(0)),
            ("build_epoch", Value::Number(1_772_409_600)),
            ("database_type", Value::Text(kind)),
            ("description", Value::Map(Vec::new())),
            ("ip_version", Value::Number(4)),
            ("languages", Value::List(Vec::new())),
            ("node_count", Value::Number(nodes)),
            ("record_size", Value::Number(24)),
        ]);
        write(&metadata, &mut out);
        out
    }
}

#[test]
fn owners_and_countries_fill_only_what_the_log_lacks() {
    use mmdb::Value::{Map, Number, Text};
    let here = folder(&[]);
    let write = |name: &str, bytes: Vec<u8>| {
        let path = here.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let network = [203, 0, 113];
    let owner = Map(vec![("autonomous_system_number", Number(64_496))]);
    let country = Map(vec![("country", Map(vec![("iso_code", Text("NL"))]))]);
    let asn_db = write("asn.mmdb", mmdb::file("Test-ASN", network, owner));
    let country_db = write("country.mmdb", mmdb::file("Test-Country", network, country));
    let indicators = write("bad.txt", b"AS64496 Bad hoster".to_vec());
    let asked = Asked {
        asn_db: Some(asn_db.clone()),
        country_db: Some(country_db.clone()),
        indicators: vec![indicators],
        ..Asked::default()
    };
    let context = load(asked.clone());
    let said = Signin {
        asn: Some(64_511),
        country: Some("DE".into()),
        ..from("203.0.113.9")
    };
    let rows = batch(&[
        from("203.0.113.9"),
        said,
        from("198.51.100.1"),
        from("2001:db8::1"),
        Signin::default(),
    ]);
    let mut filler = context.filler();
    let filled = filler.fill(rows).unwrap();
    let owners = filled.column_by_name("asn").unwrap();
    let owners: Vec<_> = owners.as_primitive::<Int64Type>().iter().collect();
    assert_eq!(owners, [Some(64_496), Some(64_511), None, None, None]);
    let countries = filled.column_by_name("country").unwrap();
    let countries: Vec<_> = countries.as_string::<i32>().iter().collect();
    assert_eq!(countries, [Some("NL"), Some("DE"), None, None, None]);
    let bad = lists(&filled, "indicators");
    assert_eq!(
        bad[0],
        some(&["Bad hoster"]),
        "owners that were filled in count"
    );
    assert_eq!(bad[1], None);
    let expected = Filled {
        asn: 1,
        country: 1,
        indicators: 1,
        trusted: 0,
    };
    assert_eq!(filler.filled(), expected);
    let given = context.given(expected).unwrap().asn_db.unwrap();
    assert!(
        given.from[0].ends_with("asn.mmdb (Test-ASN, built 2026-03-02)"),
        "{:?}",
        given.from
    );

    // Other makers spell it otherwise.
    for (record, asn, country) in [
        (Map(vec![("asn", Text("AS64496"))]), Some(64_496), None),
        (Map(vec![("asn", Number(64_496))]), Some(64_496), None),
        (Map(vec![("country_code", Text("nl"))]), None, Some("NL")),
        (Map(vec![("country", Text("NL"))]), None, Some("NL")),
    ] {
        let path = write("other.mmdb", mmdb::file("Other", network, record));
        let address = "203.0.113.1".parse().unwrap();
        let owner = Places::of_owners(&path).ok();
        assert_eq!(owner.and_then(|places| places.owner(address)), asn);
        let place = Places::of_countries(&path).ok();
        let found = place.and_then(|places| places.country(address));
        assert_eq!(found.as_deref(), country);
    }

    let wrong = |asn: Option<&Path>, country: Option<&Path>| {
        told(Asked {
            asn_db: asn.map(Path::to_owned),
            country_db: country.map(Path::to_owned),
            ..Asked::default()
        })
    };
    let text = wrong(Some(&country_db), None);
    assert!(
        text.contains("holds no AS numbers (it calls itself \"Test-Country\")"),
        "{text}"
    );
    let text = wrong(None, Some(&asn_db));
    assert!(text.contains("holds no countries"), "{text}");
    let text = wrong(Some(&here.path().join("bad.txt")), None);
    assert!(
        text.contains("cannot be read as a database in the MMDB format"),
        "{text}"
    );
}
