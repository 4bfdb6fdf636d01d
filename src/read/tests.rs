//! Reading inputs into a store: what is counted, what is left out, what is lost.

use super::*;
use crate::signin;
use crate::store::Day;
use std::fs;
use std::path::PathBuf;

mod dates;

fn record(id: &str, code: i32) -> String {
    format!(
        r#"{{"time":"2026-03-02T08:05:00Z","category":"SignInLogs","tenantId":"t","properties":{{"id":"{id}","createdDateTime":"2026-03-02T08:00:00Z","userId":"u","status":{{"errorCode":{code}}}}}}}"#
    ) + "\n"
}

struct Case {
    folder: tempfile::TempDir,
    options: ReadOptions,
    store: Store,
}

impl Case {
    fn new(files: &[(&str, &[u8])]) -> Case {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        let columns = Columns::of(["error_code"]);
        let options = ReadOptions {
            columns: Store::columns_for(columns),
            keep: Keep::default(),
            limits: Limits::default(),
            unpack: UnpackLimits::default(),
            strict: false,
            sift: None,
            temp: folder.path().to_owned(),
        };
        let store = Store::new(columns, 1 << 30, folder.path());
        Case {
            folder,
            options,
            store,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, inputs: &[&str]) -> Result<Vec<Input>> {
        let typed: Vec<_> = inputs
            .iter()
            .map(|name| self.path(name).display().to_string())
            .collect();
        let (sources, unreadable) = source::find(&typed).unwrap();
        read(
            &sources,
            &unreadable,
            &self.options,
            &self.store,
            &Progress::default(),
        )
    }

    /// Rows that stay, and the days they are of.
    fn rows(self) -> (usize, Vec<Day>) {
        let (mut rows, mut days) = (0, Vec::new());
        for day in self.store.into_days(1 << 30).unwrap() {
            days.push(day.day);
            day.distinct(false, |distinct| {
                rows += distinct
                    .batches
                    .iter()
                    .map(RecordBatch::num_rows)
                    .sum::<usize>();
                Ok(())
            })
            .unwrap();
        }
        (rows, days)
    }
}

#[test]
fn every_input_of_a_folder_gets_its_line_in_order_of_name() {
    let good = record("a", 0) + &record("b", 50053) + "{\"id\": broken}\n";
    let case = Case::new(&[
        ("1.json", good.as_bytes()),
        ("2-empty", b""),
        ("3.csv", b"time,user,ip\n1,2,3\n"),
        ("4.json", record("b", 50053).as_bytes()),
    ]);
    let inputs = case.read(&["."]).unwrap();
    let statuses: Vec<_> = inputs.iter().map(|input| input.status).collect();
    let left_out = Status::LeftOut;
    assert_eq!(statuses, [Status::Read, left_out, left_out, Status::Read]);
    let first = &inputs[0];
    assert_eq!(
        (first.records, first.sign_ins, first.rejected.count),
        (3, 2, 1)
    );
    let offset = (record("a", 0).len() + record("b", 50053).len()) as u64;
    assert_eq!(first.rejected.first[0].offset, offset);
    assert!(first.is_lost() && !inputs[1].is_lost());
    assert_eq!(
        first.spelling.as_deref(),
        Some("diagnostic_settings.json_lines")
    );
    assert_eq!(first.compression, Some("none"));
    assert_eq!(first.bytes, good.len() as u64);
    assert_eq!(first.first_time.as_deref(), Some("2026-03-02T08:00:00Z"));
    assert!(inputs[2].reason.as_deref().unwrap().contains("CSV"));
    assert_eq!(case.rows(), (2, vec![Some(20514)]), "b is there twice");
}

#[test]
fn what_was_named_should_have_been_read() {
    let case = Case::new(&[("a.csv", b"time,user\n1,2\n"), ("empty", b"")]);
    let inputs = case.read(&["a.csv", "empty"]).unwrap();
    assert_eq!(inputs[0].status, Status::Unreadable);
    assert_eq!(
        inputs[1].status,
        Status::LeftOut,
        "an empty file lacks nothing"
    );
}

#[test]
fn a_fault_in_the_middle_keeps_what_came_before() {
    let many: String = (0..2000).map(|n| record(&format!("id{n}"), n)).collect();
    let packed = {
        use std::io::Write;
        let fast = flate2::Compression::fast();
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), fast);
        encoder.write_all(many.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let case = Case::new(&[("a.gz", &packed[..packed.len() / 2])]);
    let inputs = case.read(&["a.gz"]).unwrap();
    assert_eq!(inputs[0].status, Status::PartlyRead);
    assert!(inputs[0].reason.as_deref().unwrap().contains("cut off"));
    let sign_ins = inputs[0].sign_ins;
    assert!(sign_ins > 100 && sign_ins < 2000, "{sign_ins}");
    assert_eq!(case.rows().0 as u64, sign_ins);
}

#[test]
fn strict_stops_at_a_record_or_an_input() {
    let bad = record("a", 0) + "nonsense\n";
    let mut case = Case::new(&[("a.json", bad.as_bytes()), ("b.csv", b"time,user\n1,2\n")]);
    case.options.strict = true;
    let told = case.read(&["a.json"]).unwrap_err();
    let offset = record("a", 0).len() as u64;
    assert!(
        matches!(&told, Error::Strict { offset: at, .. } if *at == offset),
        "{told}"
    );
    let told = case.read(&["b.csv"]).unwrap_err();
    assert!(matches!(&told, Error::StrictInput { .. }), "{told}");
}

#[test]
fn a_stop_is_obeyed() {
    let case = Case::new(&[("a.json", record("a", 0).as_bytes())]);
    let (sources, _) = source::find(&[case.path("a.json").display().to_string()]).unwrap();
    let progress = Progress::default();
    progress.stop();
    let told = read(&sources, &[], &case.options, &case.store, &progress).unwrap_err();
    assert!(matches!(told, Error::Interrupted));
}

#[test]
fn an_archive_beside_raw_logs_is_read_like_them_and_its_copies_are_found() {
    let raw = record("a", 0) + &record("b", 50053);
    let mut case = Case::new(&[("raw.json", raw.as_bytes())]);
    // One day of an archive that holds b and c.
    let mut batch = signin::SigninBatch::new(Columns::ALL);
    let time = 1_772_409_600_000_000 + 8 * 3_600_000_000;
    for (id, time) in [("b", time), ("c", time + 1)] {
        batch.push(&signin::Signin {
            sign_in_id: Some(id.into()),
            time: Some(time),
            tenant_id: Some("t".into()),
            error_code: Some(50053),
            ..Default::default()
        });
    }
    let batch = batch.take().unwrap().unwrap();
    let canonical: Vec<usize> = (0..batch.num_columns() - 1).collect();
    let (root, schema) = (case.folder.path(), signin::schema());
    let encoding = archive::Encoding::InTurn;
    let mut writer = archive::DayWriter::create(
        root,
        Some(20514),
        schema,
        encoding,
        archive::Purpose::Keeping,
    )
    .unwrap();
    writer.write(&batch.project(&canonical).unwrap()).unwrap();
    writer.close().unwrap();

    let day = "event_day=2026-03-02/signins.parquet";
    let inputs = case.read(&["raw.json", day]).unwrap();
    assert_eq!(inputs[1].spelling.as_deref(), Some("signsift_archive"));
    assert_eq!((inputs[1].records, inputs[1].sign_ins), (2, 2));
    let sources = |names: &[&str]| {
        let names = names
            .iter()
            .map(|name| case.path(name).display().to_string());
        source::find(&names.collect::<Vec<_>>()).unwrap().0
    };
    assert!(as_archive(&sources(&["raw.json", day])).is_none());
    let alone = as_archive(&sources(&[day])).unwrap();
    assert_eq!(alone[0].1.distinct, 2);

    case.options.keep.since = Some(time + 1);
    let inputs = case.read(&[day]).unwrap();
    assert_eq!((inputs[0].sign_ins, inputs[0].outside), (1, 1));
    assert_eq!(case.rows().0, 3, "a, b and c, each once");
}
