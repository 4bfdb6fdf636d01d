//! Indicators of a STIX 2.1 bundle: the part of its patterns that sign-ins can be compared with.
//!
//! A pattern is used when it says that any one of some values occurs: comparisons with `=`, `IN` or
//! `ISSUBSET`, joined by OR. One that asks for several things at once, or for an order of events, is
//! counted and not used, since half of it would match too much.

use serde::Deserialize;

use super::indicators::Kind;
use super::networks;
use super::places::number;

/// What a bundle holds.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Found {
    /// Entries, each with its label.
    pub(super) entries: Vec<(Kind, String)>,
    /// Indicators that cannot be compared.
    pub(super) not_used: u64,
}

#[derive(Deserialize)]
struct Bundle {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    objects: Vec<Object>,
}

#[derive(Deserialize)]
struct Object {
    #[serde(rename = "type")]
    kind: String,
    name: Option<String>,
    pattern: Option<String>,
    pattern_type: Option<String>,
    #[serde(default)]
    revoked: bool,
}

/// The indicators of a bundle. The error is a sentence about the file.
pub(super) fn read(text: &str) -> Result<Found, String> {
    let bundle: Bundle = serde_json::from_str(text)
        .map_err(|error| format!("is no STIX 2.1 bundle ({error}); give one, or a CSV"))?;
    if bundle.kind != "bundle" {
        let kind = bundle.kind;
        return Err(format!("is a STIX {kind:?}; give the bundle that holds it"));
    }
    let mut found = Found::default();
    for object in bundle.objects {
        if object.kind != "indicator" || object.revoked {
            continue;
        }
        let is_stix = object
            .pattern_type
            .is_none_or(|kind| kind.eq_ignore_ascii_case("stix"));
        let pattern = object.pattern.filter(|_| is_stix).unwrap_or_default();
        let values = values(&pattern).unwrap_or_default();
        let before = found.entries.len();
        for (path, value) in values {
            if let Some(kind) = kind(&path, &value) {
                let label = object.name.clone().unwrap_or(value);
                found.entries.push((kind, label));
            }
        }
        found.not_used += u64::from(found.entries.len() == before);
    }
    Ok(found)
}

/// What a value is that stands under `path`.
fn kind(path: &str, value: &str) -> Option<Kind> {
    match path {
        "ipv4-addr:value"
        | "ipv6-addr:value"
        | "network-traffic:src_ref.value"
        | "network-traffic:dst_ref.value" => networks::parse(value).map(Kind::Network),
        "autonomous-system:number" => number(value).map(Kind::Owner),
        "network-traffic:extensions.http-request-ext.request_header.User-Agent" => {
            Some(Kind::Agent(value.to_owned()))
        }
        _ => None,
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    /// A path, a number or an operator in words; quotes within it are taken off.
    Word(String),
    Text(String),
    Sign(char),
}

/// (path, value) of every comparison; `None` for a pattern that is more than alternatives.
fn values(pattern: &str) -> Option<Vec<(String, String)>> {
    let mut tokens = tokens(pattern)?.into_iter().peekable();
    let mut values = Vec::new();
    let mut inside = false;
    loop {
        match tokens.next() {
            Some(Token::Sign('[')) if !inside => inside = true,
            _ if !inside => return None,
            Some(Token::Word(path)) => {
                let operator = tokens.next()?;
                match operator {
                    Token::Sign('=') => values.push((path, scalar(tokens.next()?)?)),
                    Token::Word(word) if word == "ISSUBSET" => {
                        values.push((path, scalar(tokens.next()?)?));
                    }
                    Token::Word(word) if word == "IN" => {
                        (tokens.next()? == Token::Sign('(')).then_some(())?;
                        loop {
                            values.push((path.clone(), scalar(tokens.next()?)?));
                            match tokens.next()? {
                                Token::Sign(',') => {}
                                Token::Sign(')') => break,
                                _ => return None,
                            }
                        }
                    }
                    _ => return None,
                }
                match tokens.next()? {
                    Token::Word(word) if word == "OR" => {}
                    Token::Sign(']') => {
                        inside = false;
                        match tokens.next() {
                            None => return Some(values),
                            Some(Token::Word(word)) if word == "OR" => {}
                            Some(_) => return None,
                        }
                    }
                    _ => return None,
                }
            }
            _ => return None,
        }
    }
}

fn scalar(token: Token) -> Option<String> {
    match token {
        Token::Text(text) | Token::Word(text) => Some(text),
        Token::Sign(_) => None,
    }
}

fn tokens(pattern: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = pattern.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            _ if character.is_whitespace() => {}
            '[' | ']' | '(' | ')' | ',' | '=' | '<' | '>' | '!' => {
                tokens.push(Token::Sign(character));
            }
            '\'' => tokens.push(Token::Text(quoted(&mut rest)?)),
            _ => {
                let mut word = String::from(character);
                while let Some(next) = rest.peek() {
                    match next {
                        '\'' => {
                            rest.next();
                            word.push_str(&quoted(&mut rest)?);
                        }
                        '[' | ']' | '(' | ')' | ',' | '=' | '<' | '>' | '!' => break,
                        next if next.is_whitespace() => break,
                        next => {
                            word.push(*next);
                            rest.next();
                        }
                    }
                }
                tokens.push(Token::Word(word));
            }
        }
    }
    Some(tokens)
}

/// What stands before the closing quote.
fn quoted(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<String> {
    let mut text = String::new();
    loop {
        match rest.next()? {
            '\'' => return Some(text),
            '\\' => text.push(rest.next()?),
            character => text.push(character),
        }
    }
}
