//! The header of a query file: `-- key: value` lines above the SELECT, so that the words of a
//! finding stand beside the rule that makes it.

/// What the header of one query file says. `queries/README.md` explains the keys.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Header {
    /// One line that says what a row is.
    pub title: String,
    /// Plain words for an analyst.
    pub explain: Option<String>,
    /// Where a rule or a number comes from.
    pub source: Option<String>,
    /// What is known to be wrong with a rule of others; only those have it.
    pub defects: Option<String>,
    /// Whether it is computed once and stored, because several later views read it.
    pub keep: bool,
    /// Whether its rows of some sign-ins and those of others are together its rows of all: its readers put together what
    /// belongs together. It is stored too.
    pub fold: bool,
    /// Of `signins` it needs only the rows that one of these asks for; none: all of them.
    pub only: Vec<Only>,
    /// The columns by which its rows are told apart: a stream makes only those of values of which something has changed.
    pub by: Vec<By>,
    /// The name of the result table that this view is.
    pub result: Option<String>,
    /// Set when the view claims refusals for a cause.
    pub cause: Option<Cause>,
}

/// Rows of `signins` with which a view makes do: those with one of these values in one of these columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Only {
    /// Columns of `signins`.
    pub columns: Vec<String>,
    /// The values.
    pub values: Values,
}

/// Values of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Values {
    /// Those of a column of text of a stored view, by their names: (view, column). NULL counts as a value.
    Of(String, String),
    /// All but 0.
    NotZero,
}

/// A column of a view, whose rows with one value of it are made of the rows with the same value in every table that has this
/// column too, and of all rows of the others. With several columns it is the rows with the same value of each of them that
/// the table has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct By {
    /// The column, which holds text. NULL counts as a value.
    pub column: String,
    /// The columns of `signins` in which its values stand, if the view reads it.
    pub signins: Vec<String>,
}

/// What the header of a cause says on top.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cause {
    /// The name in the column `cause`.
    pub name: String,
    /// informational, low, medium or high.
    pub severity: String,
    /// Whether somebody means harm, so that later successes must be looked at.
    pub attack: bool,
    /// MITRE ATT&CK technique ids.
    pub techniques: Vec<String>,
    /// What to do next.
    pub advice: String,
    /// The page that the advice rests on.
    pub advice_source: String,
}

const SEVERITIES: [&str; 4] = ["informational", "low", "medium", "high"];

impl Header {
    /// Reads the leading comment lines of `sql`. The error is a sentence about the file.
    pub(super) fn parse(sql: &str) -> Result<Header, String> {
        let mut header = Header::default();
        let mut cause = Cause::default();
        let mut cause_keys = Vec::new();
        let mut seen = Vec::new();
        for (key, value) in pairs(sql)? {
            if seen.contains(&key) {
                return Err(format!("the header has {key} twice"));
            }
            let text = value.clone();
            match key.as_str() {
                "title" => header.title = value,
                "explain" => header.explain = Some(value),
                "source" => header.source = Some(value),
                "defects" => header.defects = Some(value),
                "keep" => header.keep = yes_or_no(&key, &value)?,
                "fold" => header.fold = yes_or_no(&key, &value)?,
                "only" => header.only = value.split(';').map(only).collect::<Result<_, _>>()?,
                "by" => header.by = value.split(';').map(by).collect::<Result<_, _>>()?,
                "result" => header.result = Some(value),
                "cause" => cause.name = value,
                "severity" if SEVERITIES.contains(&text.as_str()) => cause.severity = value,
                "severity" => return Err(format!("severity is one of {}", SEVERITIES.join(", "))),
                "attack" => cause.attack = yes_or_no(&key, &value)?,
                "technique" => {
                    cause.techniques = text.split(',').map(|id| id.trim().to_owned()).collect();
                }
                "advice" => cause.advice = value,
                "advice-source" => cause.advice_source = value,
                _ => return Err(format!("the header has an unknown key {key:?}")),
            }
            if matches!(key.as_str(), "severity" | "attack" | "technique")
                || key.starts_with("advice")
            {
                cause_keys.push(key.clone());
            }
            seen.push(key);
        }
        if header.title.is_empty() {
            return Err("the header has no title".to_owned());
        }
        if cause.name.is_empty() {
            return match cause_keys.first() {
                Some(key) => Err(format!("the header has {key} but no cause")),
                None => Ok(header),
            };
        }
        for needed in ["severity", "attack", "advice", "advice-source", "explain"] {
            if !seen.iter().any(|key| key == needed) {
                return Err(format!("a cause needs {needed} in its header"));
            }
        }
        header.cause = Some(cause);
        Ok(header)
    }

    /// The columns of `signins` in which values are looked for.
    pub(super) fn looks_in(&self) -> impl Iterator<Item = &String> {
        let only = self.only.iter();
        let texts = only.filter(|only| matches!(only.values, Values::Of(..)));
        let by = self.by.iter().flat_map(|by| &by.signins);
        texts.flat_map(|only| &only.columns).chain(by)
    }
}

/// `COLUMN` or `COLUMN = COLUMNS`.
fn by(text: &str) -> Result<By, String> {
    let (column, signins) = text.split_once('=').unwrap_or((text, ""));
    let names = signins.split(',').map(|name| name.trim().to_owned());
    let by = By {
        column: column.trim().to_owned(),
        signins: names.filter(|name| !name.is_empty()).collect(),
    };
    let is_name = |name: &String| {
        name.chars()
            .all(|it| it.is_ascii_alphanumeric() || it == '_')
    };
    match !by.column.is_empty() && is_name(&by.column) && by.signins.iter().all(is_name) {
        true => Ok(by),
        false => Err(format!(
            "by is `COLUMN` or `COLUMN = COLUMN of signins, …`, or several with ; between them, not {text:?}"
        )),
    }
}

/// `COLUMNS = COLUMN of VIEW` or `COLUMNS is not 0`.
fn only(text: &str) -> Result<Only, String> {
    let columns = |text: &str| text.split(',').map(|name| name.trim().to_owned()).collect();
    if let Some(names) = text.trim().strip_suffix(" is not 0") {
        let (columns, values) = (columns(names), Values::NotZero);
        return Ok(Only { columns, values });
    }
    let parts = text.split_once(" = ");
    let parts = parts.and_then(|(names, of)| Some((names, of.trim().split_once(" of ")?)));
    let Some((names, (column, view))) = parts else {
        return Err(format!(
            "only is `COLUMN, … = COLUMN of VIEW` or `COLUMN, … is not 0`, or several with ; between them, not {text:?}"
        ));
    };
    Ok(Only {
        columns: columns(names),
        values: Values::Of(view.trim().to_owned(), column.trim().to_owned()),
    })
}

fn yes_or_no(key: &str, value: &str) -> Result<bool, String> {
    match value {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err(format!("{key} is yes or no, not {value:?}")),
    }
}

/// The `key: value` pairs, with lines that start with three blanks joined to the value above.
fn pairs(sql: &str) -> Result<Vec<(String, String)>, String> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for line in sql.lines() {
        let Some(comment) = line.strip_prefix("--") else {
            break;
        };
        if comment.trim().is_empty() {
            break;
        }
        match (comment.starts_with("   "), pairs.last_mut()) {
            (true, Some((_, value))) => {
                value.push(' ');
                value.push_str(comment.trim());
            }
            _ => match comment.split_once(':') {
                Some((key, value)) => pairs.push((key.trim().to_owned(), value.trim().to_owned())),
                None => return Err(format!("the header line {line:?} is not `-- key: value`")),
            },
        }
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_read_with_its_folded_lines() {
        let header = Header::parse(
            "-- title: One address, many accounts\n-- explain: Somebody tried\n--   one password.\n-- cause: password_spray\n-- severity: medium\n-- attack: yes\n-- technique: T1110.003, T1078.004\n-- advice: Block it.\n-- advice-source: https://learn.microsoft.com/x\nSELECT 1",
        )
        .unwrap();
        assert_eq!(
            header.explain.as_deref(),
            Some("Somebody tried one password.")
        );
        let cause = header.cause.unwrap();
        assert_eq!(cause.techniques, ["T1110.003", "T1078.004"]);
        assert!(cause.attack);
    }

    #[test]
    fn what_a_view_needs_of_signins_is_read() {
        let header = Header::parse("-- title: a\n-- only: b is not 0; c, d = e of f\nSELECT 1");
        let only = |columns: &[&str], values| Only {
            columns: columns.iter().map(|name| name.to_string()).collect(),
            values,
        };
        assert_eq!(
            header.unwrap().only,
            [
                only(&["b"], Values::NotZero),
                only(&["c", "d"], Values::Of("f".to_owned(), "e".to_owned())),
            ]
        );
    }

    #[test]
    fn the_columns_by_which_rows_are_told_apart_are_read() {
        let header = Header::parse("-- title: a\n-- by: b = c, d; e\nSELECT 1").unwrap();
        let by = |column: &str, signins: &[&str]| By {
            column: column.to_owned(),
            signins: signins.iter().map(|name| name.to_string()).collect(),
        };
        assert_eq!(header.by, [by("b", &["c", "d"]), by("e", &[])]);
    }

    #[test]
    fn mistakes_are_told() {
        let told = |sql: &str| Header::parse(sql).unwrap_err();
        assert!(told("SELECT 1").contains("no title"));
        assert!(told("-- title: a\n-- colour: red\nSELECT 1").contains("colour"));
        assert!(told("-- title: a\n-- keep: maybe\nSELECT 1").contains("yes or no"));
        assert!(told("-- title: a\n-- only: b\nSELECT 1").contains("COLUMN of VIEW"));
        assert!(told("-- title: a\n-- by: b of c\nSELECT 1").contains("COLUMN of signins"));
        assert!(told("-- title: a\n-- severity: high\nSELECT 1").contains("no cause"));
        assert!(told("-- title: a\n-- cause: b\nSELECT 1").contains("severity"));
        assert!(told("-- title: a\n-- title: b\nSELECT 1").contains("twice"));
    }
}
