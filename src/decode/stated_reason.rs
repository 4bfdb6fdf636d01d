//! Which of the meanings of error 50053 its text states.
//!
//! The number has three meanings and only Microsoft's free text tells them apart. That text drifts
//! (final period or not, `'` or `’`, old and new wordings), so it is folded first and then searched
//! for fragments that have outlived the drift. Reference text that names two meanings states
//! neither.

/// Fragments that each state a meaning, in folded form. A text that fits two meanings, or none, is
/// `generic`.
const FRAGMENTS: &[(&str, &[&str])] = &[
    (
        "lockout",
        &[
            "too many times with an incorrect user id or password",
            "account is locked",
            "account locked",
            "account is temporarily locked",
        ],
    ),
    ("malicious_ip", &["malicious activity"]),
    ("high_confidence_risk", &["high confidence of risk"]),
];

/// What the text before stated. Refusals come in rows with the same text, and to fold and search it takes a third as long as
/// to read all of the record.
#[derive(Debug)]
pub(crate) struct Stated {
    text: String,
    reason: &'static str,
}

impl Default for Stated {
    fn default() -> Self {
        Stated {
            text: String::new(),
            reason: stated(Some("")),
        }
    }
}

impl Stated {
    /// As [`stated`].
    pub(crate) fn by(&mut self, text: Option<&str>) -> &'static str {
        let text = text.unwrap_or_default();
        if self.text != text {
            self.text.clear();
            self.text.push_str(text);
            self.reason = stated(Some(text));
        }
        self.reason
    }
}

/// What `text` states: `lockout`, `malicious_ip`, `high_confidence_risk`, `generic` (a text that
/// fits none of them, or several) or `absent` (no text).
fn stated(text: Option<&str>) -> &'static str {
    let Some(text) = text.map(fold).filter(|text| !text.is_empty()) else {
        return "absent";
    };
    let mut fitting = FRAGMENTS
        .iter()
        .filter(|(_, fragments)| fragments.iter().any(|fragment| text.contains(fragment)));
    match (fitting.next(), fitting.next()) {
        (Some((reason, _)), None) => reason,
        _ => "generic",
    }
}

/// Lower case, straight apostrophes, single blanks and none at the ends. `char::is_whitespace`
/// knows U+00A0.
fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        for letter in word.chars().flat_map(char::to_lowercase) {
            folded.push(if matches!(letter, '\u{2019}' | '\u{2018}') {
                '\''
            } else {
                letter
            });
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(expected: &str, texts: &[&str]) {
        for text in texts {
            assert_eq!(stated(Some(text)), expected, "{text}");
            let shouted = text.to_uppercase().replace(' ', " \u{a0}\r\n ");
            assert_eq!(stated(Some(&shouted)), expected, "{shouted}");
        }
    }

    #[test]
    fn lockout_in_every_wording() {
        check(
            "lockout",
            &[
                "The account is locked, you've tried to sign in too many times with an incorrect user ID or password.",
                "The account is locked, you\u{2019}ve tried to sign in too many times with an incorrect user ID or password.",
                "Account is locked because user tried to sign in too many times with an incorrect user ID or password.",
                "IdsLocked - The account is locked because the user tried to sign in too many times with an incorrect user ID or password. The user is blocked due to repeated sign-in attempts.",
                "AADSTS50053: You've tried to sign in too many times with an incorrect user ID or password.\r\nTrace ID: 0\r\nTimestamp: 0",
                "Account is locked. The user has tried to sign in too many times with an incorrect user ID or password.",
                "Account is locked",
                "Account locked",
                "User account is locked",
                "AADSTS500532: The account is locked, you've tried to sign in too many times with an incorrect user ID or password.",
                "Your account is temporarily locked to prevent unauthorized use. Try again later, and if you still have trouble, contact your admin.",
            ],
        );
    }

    #[test]
    fn malicious_ip_with_and_without_period() {
        check(
            "malicious_ip",
            &[
                "Sign-in was blocked because it came from an IP address with malicious activity",
                "Sign-in was blocked because it came from an IP address with malicious activity.",
                "sign-in was blocked because it came from an IP address with malicious activity.",
            ],
        );
    }

    #[test]
    fn the_third_meaning() {
        check(
            "high_confidence_risk",
            &["Sign-in was blocked by built-in protections due to high confidence of risk."],
        );
    }

    #[test]
    fn text_that_states_two_or_none_is_generic() {
        check(
            "generic",
            &[
                "This error can result from two different reasons: IdsLocked - The account is locked because the user tried to sign in too many times with an incorrect user ID or password. Or, sign-in was blocked because it came from an IP address with malicious activity.",
                "IdsLocked",
                "InvalidUserNameOrPassword",
                "Other.",
                "帳戶遭到鎖定，因為使用者嘗試使用不正確的使用者識別碼或密碼登入太多次。",
            ],
        );
    }

    #[test]
    fn the_text_before_says_nothing_about_the_next() {
        let mut known = Stated::default();
        for (text, reason) in [
            (None, "absent"),
            (Some("Account is locked"), "lockout"),
            (Some("Account is locked"), "lockout"),
            (Some("malicious activity"), "malicious_ip"),
            (None, "absent"),
            (Some("Other."), "generic"),
        ] {
            assert_eq!(known.by(text), reason, "{text:?}");
        }
    }

    #[test]
    fn no_text_is_absent() {
        assert_eq!(stated(None), "absent");
        assert_eq!(stated(Some("")), "absent");
        assert_eq!(stated(Some(" \u{a0}\r\n")), "absent");
    }
}
