//! A record inside another: what shippers and SIEMs put around what they carry.
//!
//! Splunk exports (`result`, `_raw`) and HEC events (`event`), Elastic dumps (`_source`), container
//! logs (`log`), agents (`message`, `body`). The inner record is read as if it stood alone; it may
//! be wrapped again.

use super::{Dialect, Key, Part, Raw, Reader, Stop, unwrap_value};

pub(super) static WRAPPED: Dialect = Dialect {
    name: "wrapped",
    title: "a record inside another (Splunk _raw and HEC, Elastic _source, message, body, log)",
    told_by: "a field `_raw`, `result`, `event`, `_source`, `message`, `body`, `log` or `input` that holds JSON",
    lacks: "nothing; `spelling` names what was inside",
    claims: |seen| {
        let around = [
            Key::Raw,
            Key::Result,
            Key::Event,
            Key::Document,
            Key::Message,
            Key::Body,
            Key::Log,
            Key::Input,
            Key::Original,
        ];
        seen.count(&around) > 0
    },
    ..Dialect::of_parts::<Wrapper>()
};

struct Wrapper;

impl Part for Wrapper {
    fn read<'de>(raw: &mut Raw<'de>, key: Key, from: &mut Reader<'de, '_>) -> Result<(), Stop> {
        match key {
            Key::Raw
            | Key::Result
            | Key::Event
            | Key::Document
            | Key::Message
            | Key::Body
            | Key::Log
            | Key::Input
            | Key::Original => inner(raw, from),
            _ => from.skip(),
        }
    }

    fn done(raw: &mut Raw<'_>) {
        raw.category = Some("other".into());
    }
}

/// Keeps the value as the record that is meant, if it is JSON or text that looks like it.
pub(super) fn inner<'de>(raw: &mut Raw<'de>, from: &mut Reader<'de, '_>) -> Result<(), Stop> {
    unwrap_value(&mut raw.inner, from)
}
