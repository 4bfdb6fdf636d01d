//! The prompt of `signsift sql`: statements end with `;`, and are kept in a history.

use std::io;
use std::path::PathBuf;

use datafusion::sql::parser::DFParser;
use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;
use signsift::cli::SqlFormat;
use signsift::engine::Engine;
use signsift::progress::Progress;
use signsift::queries::Session;
use signsift::{Error, Result};

use crate::{commands, complain};

const HELP: &str = "Statements end with ; and may take several lines.
  SELECT * FROM findings;     what happened        SHOW TABLES;   everything there is
  SELECT * FROM signins LIMIT 5;  the sign-ins      DESCRIBE events;   the columns of a view
Ctrl-D, quit or exit ends.";

/// Asks for statements until the user has had enough.
pub(crate) fn run(
    engine: Engine,
    mut session: Session,
    format: SqlFormat,
    progress: &Progress,
) -> Result<()> {
    let failed = |error: ReadlineError| Error::Output {
        source: io::Error::other(error),
    };
    engine.query(session.all_views())?;
    let mut editor = DefaultEditor::new().map_err(failed)?;
    let history = history();
    if let Some(path) = &history {
        // There is none the first time.
        let _ = editor.load_history(path);
    }
    let mut statement = String::new();
    commands::note("type help; for help")?;
    loop {
        let sign = if statement.is_empty() {
            "signsift> "
        } else {
            "     ...> "
        };
        let line = match editor.readline(sign) {
            Ok(line) => line,
            Err(ReadlineError::Interrupted) => {
                statement.clear();
                continue;
            }
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(failed(error)),
        };
        statement.push_str(&line);
        statement.push('\n');
        let typed = statement.trim().to_owned();
        match typed.trim_end_matches(';').trim() {
            "" => {
                statement.clear();
                continue;
            }
            "quit" | "exit" | "\\q" => break,
            "help" => {
                commands::note(HELP)?;
                statement.clear();
                continue;
            }
            _ if !typed.ends_with(';') => continue,
            _ => {}
        }
        statement.clear();
        let _ = editor.add_history_entry(&typed);
        let parsed = match DFParser::parse_sql(&typed) {
            Ok(parsed) => parsed,
            Err(source) => {
                complain(&Error::Query {
                    name: "query".to_owned(),
                    source,
                });
                continue;
            }
        };
        for statement in parsed {
            let answered = commands::answer(
                &engine,
                &mut session,
                statement,
                format,
                io::stdout(),
                progress,
            );
            match answered {
                Err(Error::Output { source }) => return Err(Error::Output { source }),
                Err(error) => complain(&error),
                Ok(()) => {}
            }
        }
    }
    if let Some(path) = &history {
        if let Some(folder) = path.parent() {
            let _ = std::fs::create_dir_all(folder);
        }
        if let Err(error) = editor.save_history(path) {
            commands::note(&format!("the history is not kept: {error}"))?;
        }
    }
    Ok(())
}

fn history() -> Option<PathBuf> {
    let folder = match std::env::var_os("XDG_STATE_HOME").filter(|path| !path.is_empty()) {
        Some(path) => PathBuf::from(path),
        None => PathBuf::from(std::env::var_os("HOME")?)
            .join(".local")
            .join("state"),
    };
    Some(folder.join("signsift").join("history"))
}
