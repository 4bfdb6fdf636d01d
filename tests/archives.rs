//! Archives as people hand them over: each member has its line in the coverage, and what is lost in
//! them is named and decides the exit code, from a file as from a pipe.

use std::io::Write;
use std::path::Path;

use serde_json::Value;

use super::support::{coverage, run, run_on, signsift};

/// One line of a diagnostic-settings log.
fn log(id: usize) -> String {
    format!(
        "{{\"time\":\"2026-03-02T08:05:00Z\",\"operationName\":\"Sign-in activity\",\"category\":\"SignInLogs\",\
         \"resultType\":\"50053\",\"properties\":{{\"id\":\"00000000-0000-0000-0000-{id:012}\",\
         \"createdDateTime\":\"2026-03-02T08:00:00Z\",\"userPrincipalName\":\"ada@contoso.example\",\
         \"ipAddress\":\"192.0.2.1\"}}}}\n"
    )
}

/// A ZIP archive of stored members; those whose name says so are marked as encrypted.
fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = rawzip::ZipArchiveWriter::new(Vec::new());
    for (name, bytes) in members {
        let file = archive.new_file(*name).encrypted(name.contains("secret"));
        let (mut entry, _) = file.start().unwrap();
        entry.write_all(bytes).unwrap();
        let (crc, size) = (rawzip::crc32(bytes), bytes.len() as u64);
        entry
            .finish(rawzip::DataDescriptorOutput::new(crc, size))
            .unwrap();
    }
    archive.finish().unwrap()
}

/// Name behind the archive's, status and sign-ins of every input.
fn told(out: &Path) -> Vec<(String, String, u64)> {
    let coverage = coverage(out);
    let inputs = coverage["inputs"].as_array().unwrap();
    let told = |input: &Value| {
        let name = input["name"].as_str().unwrap();
        (
            name[name.find('!').unwrap_or(0)..].to_owned(),
            input["status"].as_str().unwrap().to_owned(),
            input["sign_ins"].as_u64().unwrap(),
        )
    };
    inputs.iter().map(told).collect()
}

#[test]
fn members_at_every_depth_have_their_line() {
    let (one, two) = (log(1), log(2));
    let inner = zip(&[("two.json", two.as_bytes()), ("read me", b"hello")]);
    let good: &[(&str, &[u8])] = &[
        ("one.json", one.as_bytes()),
        ("inner.zip", &inner),
        ("__MACOSX/._one.json", b"x"),
    ];
    let line = |name: &str, status: &str, sign_ins| (name.to_owned(), status.to_owned(), sign_ins);
    let mut wanted = vec![
        line("!/one.json", "read", 1),
        line("!/inner.zip!/two.json", "read", 1),
        line("!/inner.zip!/read me", "left_out", 0),
        line("!/__MACOSX", "left_out", 0),
    ];
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("case.zip");
    let check = |bytes: Vec<u8>, code: i32, words: &[&str], wanted: &[_]| {
        std::fs::write(&file, &bytes).unwrap();
        for input in [file.to_str().unwrap(), "-"] {
            let out = temp.path().join("out");
            let mut command = signsift(["convert", "--quiet", "--overwrite", input, "--out"]);
            command.arg(&out);
            let ran = match input {
                "-" => run_on(command, bytes.clone()),
                _ => run(command),
            };
            ran.ended(code).says(words);
            assert_eq!(told(&out), wanted, "{input}");
        }
    };
    check(zip(good), 0, &["left out"], &wanted);
    let lossy = [good, &[("secret.json", &b"?"[..])]].concat();
    wanted.insert(3, line("!/secret.json", "unreadable", 0));
    check(
        zip(&lossy),
        3,
        &["secret.json", "encrypted", "password"],
        &wanted,
    );
}
