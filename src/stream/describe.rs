//! The contract in a form that programs read: what comes in, what goes out, how it is acknowledged.

use datafusion::arrow::datatypes::Schema;
use serde_json::{Value, json};

use super::Settings;
use super::told::SCHEMA_VERSION;
use crate::decode::DIALECTS;

/// The version of the contract: how a stream is spoken to and what it answers.
const CONTRACT: u32 = 1;

/// The contract, with the settings in force. `finding` names the columns of a finding.
pub fn describe(settings: &Settings, finding: &Schema) -> Value {
    let seconds = |of: std::time::Duration| of.as_secs_f64();
    let names = |of: &[&str]| of.iter().map(|name| json!(name)).collect::<Vec<_>>();
    let columns: Vec<Value> = finding
        .fields()
        .iter()
        .map(|field| json!({"name": field.name(), "type": field.data_type().to_string()}))
        .collect();
    let dialects: Vec<&str> = DIALECTS.iter().map(|dialect| dialect.name).collect();
    json!({
        "tool": "signsift",
        "version": env!("CARGO_PKG_VERSION"),
        "contract_version": CONTRACT,
        "input": {
            "framing": "one JSON value a line, LF or CRLF; blank lines are passed over",
            "dialects": dialects,
            "max_line_bytes": settings.max_line,
        },
        "mode": settings.mode,
        "modes": {
            "findings": "any number of lines out",
            "annotate": "one line out for each line in, in order, flushed when no more input waits",
            "both": "as annotate, with lines of kind finding between them",
        },
        "ack": settings.ack,
        "acks": { "rsyslog": ["OK", "DEFER_COMMIT"] },
        "on_eof": settings.on_eof,
        "annotation": {
            "key": "signsift",
            "fields": names(&["stated_reason", "reason", "reason_basis", "confidence", "cause", "finding_id"]),
        },
        "finding": {
            "schema_version": SCHEMA_VERSION,
            "key": ["finding_id"],
            "fields": names(&["kind", "schema_version", "revision", "final", "ended", "replaced_by"]),
            "ended": names(&["over", "idle", "eof", "replaced", "history", "memory"]),
            "columns": columns,
        },
        "dead_letter": { "fields": names(&["reason", "bytes", "message"]) },
        "settings": {
            "history_seconds": seconds(settings.history),
            "lateness_seconds": seconds(settings.lateness),
            "idle_close_seconds": seconds(settings.idle_close),
            "revise_every_seconds": seconds(settings.revise_every),
            "grace_seconds": seconds(settings.grace),
            "memory_bytes": settings.resources.memory,
            "state": settings.state.is_some(),
        },
        "signals": { "SIGTERM": "reads on until the input ends or the grace is over, then ends with 0",
            "SIGHUP": "opens --out and --dead-letter again", "SIGINT": "ends at once, state saved" },
        "exit_codes": { "0": "ended as asked, or nobody reads standard output", "1": "nothing more could be done", "2": "wrong usage" },
    })
}
