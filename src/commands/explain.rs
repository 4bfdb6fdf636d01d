//! The command `explain`: one finding of a folder of results, in full.

use std::io::{self, IsTerminal};

use signsift::cli::{Explain, ExplainFormat};
use signsift::explain;
use signsift::results::report::Style;
use signsift::results::{ResultFolder, explained};
use signsift::{Error, Result};

use super::{output, print, width};

/// Events that are shown unless all are wanted.
const EVENTS: usize = 20;

pub(super) fn explain(typed: &Explain) -> Result<u8> {
    let folder = ResultFolder::open(&typed.results)?;
    let most = if typed.all { usize::MAX } else { EVENTS };
    let explained = explain::explain(&folder, &typed.id, most)?;
    let text = match typed.format {
        ExplainFormat::Text => {
            let colour = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            let style = Style {
                colour,
                top: 0,
                width: width(),
            };
            explained::text(&explained, typed.all, style)
        }
        ExplainFormat::Json => {
            let mut text = serde_json::to_string(&explained)
                .map_err(|error: serde_json::Error| -> Error { output(error.into()) })?;
            text.push('\n');
            text
        }
    };
    print(text.as_bytes())
}
