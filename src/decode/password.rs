//! What the steps of `authenticationDetails` show about the password.
//!
//! A refusal says nothing about the password that was tried (Microsoft: "regardless of the password
//! validity"), but its steps may. Their words decide, not their `succeeded`: real steps read
//! "satisfied" and `false` at once.

use memchr::memchr2_iter;

/// What a step has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Password {
    /// The first factor was right.
    Correct,
    /// The password was wrong.
    Incorrect,
}

/// Words that mean a wrong password, in lower case. They come first, since "incorrect password" contains "correct
/// password". The lockout text ("… too many times with an incorrect user ID or password") must fit
/// none: it speaks of earlier attempts.
const INCORRECT: [&str; 5] = [
    "incorrect password",
    "invalid password",
    "wrong password",
    "invalid username or password",
    "incorrect username or password",
];

/// Words that mean a right one.
const CORRECT: &str = "correct password";

/// The one word of all of those: where it is not, none of them is looked for.
const PASSWORD: &str = "password";

/// Words that mean a right one and do not name it.
const SATISFIED: &str = "first factor requirement satisfied by claim in the token";

/// What nearly all steps say, letter for letter, and what comes out of looking for those words in it.
const USUAL: [(&str, Option<Password>); 4] = [
    ("Correct password", Some(Password::Correct)),
    (
        "First factor requirement satisfied by claim in the token",
        Some(Password::Correct),
    ),
    ("MFA requirement satisfied by claim in the token", None),
    ("MFA completed in Azure AD", None),
];

/// What one step shows, if anything.
pub(crate) fn shown_by(
    method: Option<&str>,
    detail: Option<&str>,
    succeeded: Option<bool>,
) -> Option<Password> {
    let Some(detail) = detail else {
        // Before 2021 steps came without words.
        let password = matches!(method, Some("Password" | "CloudOnlyPassword"));
        return (password && succeeded == Some(true)).then_some(Password::Correct);
    };
    match USUAL.iter().find(|(usual, _)| *usual == detail) {
        Some((_, shown)) => *shown,
        None => told(detail),
    }
}

/// What the words of a step tell, if anything.
fn told(detail: &str) -> Option<Password> {
    if contains(detail, PASSWORD) {
        if INCORRECT.iter().any(|words| contains(detail, words)) {
            return Some(Password::Incorrect);
        }
        if contains(detail, CORRECT) {
            return Some(Password::Correct);
        }
    }
    contains(detail, SATISFIED).then_some(Password::Correct)
}

/// Of what two steps show, the one that counts: a password that was right once is known.
pub(crate) fn stronger(one: Option<Password>, other: Option<Password>) -> Option<Password> {
    match (one, other) {
        (Some(Password::Correct), _) | (_, Some(Password::Correct)) => Some(Password::Correct),
        (one, other) => one.or(other),
    }
}

/// The word for column `password_result`.
pub(crate) fn name(password: Option<Password>) -> &'static str {
    match password {
        Some(Password::Correct) => "correct",
        Some(Password::Incorrect) => "incorrect",
        None => "unknown",
    }
}

/// Whether `text` contains `words`, which are lower case, in any letter case.
fn contains(text: &str, words: &str) -> bool {
    let (text, words) = (text.as_bytes(), words.as_bytes());
    let Some(first) = words.first() else {
        return true;
    };
    if text.len() < words.len() {
        return false;
    }
    memchr2_iter(*first, first.to_ascii_uppercase(), text).any(|at| {
        text.get(at..at + words.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(words))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(detail: &str, expected: Option<Password>) {
        for succeeded in [None, Some(true), Some(false)] {
            assert_eq!(
                shown_by(Some("Password"), Some(detail), succeeded),
                expected,
                "{detail}"
            );
        }
    }

    #[test]
    fn what_is_usual_is_what_its_words_tell() {
        for (detail, shown) in USUAL {
            assert_eq!(told(detail), shown, "{detail}");
        }
    }

    #[test]
    fn the_words_decide() {
        check("Correct password", Some(Password::Correct));
        check(
            "First factor requirement satisfied by claim in the token",
            Some(Password::Correct),
        );
        check("Incorrect password", Some(Password::Incorrect));
        check(
            "Invalid username or password or Invalid on-premises username or password.",
            Some(Password::Incorrect),
        );
        check(
            "Error validating credentials due to invalid username or password.",
            Some(Password::Incorrect),
        );
        check("MFA requirement satisfied by claim in the token", None);
        check("", None);
    }

    #[test]
    fn what_is_passed_over_names_no_password() {
        for words in INCORRECT.iter().chain([&CORRECT]) {
            assert!(words.contains(PASSWORD), "{words}");
        }
    }

    #[test]
    fn the_lockout_text_is_not_about_this_password() {
        check(
            "The account is locked, you've tried to sign in too many times with an incorrect user ID or password.",
            None,
        );
        check(
            "Sign-in was blocked because it came from an IP address with malicious activity",
            None,
        );
    }

    #[test]
    fn a_step_without_words_counts_only_as_a_password_that_succeeded() {
        assert_eq!(
            shown_by(Some("CloudOnlyPassword"), None, Some(true)),
            Some(Password::Correct)
        );
        assert_eq!(shown_by(Some("Password"), None, Some(false)), None);
        assert_eq!(shown_by(Some("Password"), None, None), None);
        assert_eq!(
            shown_by(Some("Mobile app notification"), None, Some(true)),
            None
        );
    }

    #[test]
    fn right_once_is_known() {
        use Password::{Correct, Incorrect};
        assert_eq!(stronger(Some(Incorrect), Some(Correct)), Some(Correct));
        assert_eq!(stronger(Some(Correct), Some(Incorrect)), Some(Correct));
        assert_eq!(stronger(None, Some(Incorrect)), Some(Incorrect));
        assert_eq!(stronger(None, None), None);
    }
}
