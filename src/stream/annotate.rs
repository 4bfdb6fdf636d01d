//! A line as it came, with what is known of the refusals in it: one line out for each line in.

use super::step::Explained;
use serde::Serialize;

/// The key that is added.
const KEY: &str = "signsift";

/// What is said of one refusal of a line that holds several.
#[derive(Serialize)]
pub(super) struct OfMany<'e> {
    pub(super) sign_in_id: Option<&'e str>,
    #[serde(flatten)]
    pub(super) explained: &'e Explained,
}

/// The line with what is said of it: an object gets one key more, an array of records becomes the
/// field `records` of an object. A line without refusals stays as it is.
pub(super) fn annotated(line: &[u8], refusals: &[OfMany<'_>], records: usize) -> Vec<u8> {
    let said = match refusals {
        [] => None,
        [one] if records == 1 => serde_json::to_string(one.explained).ok(),
        several => serde_json::to_string(several).ok(),
    };
    let text = line.trim_ascii();
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    let Some(said) = said else {
        return line.to_vec();
    };
    let mut out = Vec::with_capacity(text.len() + said.len() + 32);
    match text {
        // Objects one after another on a line: what is said goes into the last.
        [b'{', .., b'}'] => {
            let inside = &text[..text.len() - 1];
            out.extend_from_slice(inside);
            if !inside.trim_ascii_end().ends_with(b"{") {
                out.push(b',');
            }
        }
        [b'[', ..] => {
            out.extend_from_slice(b"{\"records\":");
            out.extend_from_slice(text);
            out.push(b',');
        }
        _ => return line.to_vec(),
    }
    out.extend_from_slice(format!("\"{KEY}\":{said}}}").as_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained() -> Explained {
        Explained {
            stated_reason: Some("lockout".to_owned()),
            reason: Some("lockout".to_owned()),
            reason_basis: Some("stated".to_owned()),
            confidence: Some(1.0),
            cause: None,
            finding_id: None,
        }
    }

    #[test]
    fn what_is_said_is_added_and_the_rest_stays_as_it_is() {
        let explained = explained();
        let one = || OfMany {
            sign_in_id: Some("a"),
            explained: &explained,
        };
        let said = r#"{"stated_reason":"lockout","reason":"lockout","reason_basis":"stated","confidence":1.0}"#;
        let text = |line: &str, refusals: &[OfMany<'_>], records| {
            String::from_utf8(annotated(line.as_bytes(), refusals, records)).unwrap()
        };
        assert_eq!(text(" {\"a\": 1 } ", &[], 1), " {\"a\": 1 } ");
        assert_eq!(
            text("{\"a\": 1}", &[one()], 1),
            format!("{{\"a\": 1,\"signsift\":{said}}}")
        );
        let of_many = format!("[{{\"sign_in_id\":\"a\",{}]", &said[1..]);
        assert_eq!(
            text("{\"records\":[1,2]}", &[one()], 2),
            format!("{{\"records\":[1,2],\"signsift\":{of_many}}}")
        );
        assert_eq!(
            text("[1,2]", &[one()], 2),
            format!("{{\"records\":[1,2],\"signsift\":{of_many}}}")
        );
        let json: serde_json::Value = serde_json::from_str(&text("[1,2]", &[one()], 2)).unwrap();
        assert_eq!(json["signsift"][0]["reason"], "lockout");
    }
}
