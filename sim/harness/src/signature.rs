//! Signature of a finding: the invariant, the kind of subject, and what was wrong but for its numbers.

use crate::violation::Violation;

/// The signature of a finding. Two runs that show one bug mostly have the same one.
#[must_use]
pub fn signature(violation: &Violation) -> String {
    format!(
        "{} by {}: {}",
        violation.invariant,
        without_numbers(&violation.subject),
        without_numbers(&violation.detail)
    )
}

/// A text on one line, with every number and every hash replaced, and lists of what is then equal
/// cut to one.
#[must_use]
pub fn without_numbers(text: &str) -> String {
    let mut parts: Vec<String> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        for part in line.split(", ") {
            let part: Vec<String> = part.split(' ').map(word_without_numbers).collect();
            let part = part.join(" ");
            if parts.last() != Some(&part) {
                parts.push(part);
            }
        }
    }
    parts.join(", ")
}

fn word_without_numbers(word: &str) -> String {
    let mut out = String::new();
    let mut rest = word;
    while let Some(first) = rest.chars().next() {
        let length = rest
            .find(|letter: char| !letter.is_ascii_alphanumeric())
            .unwrap_or(rest.len());
        if length == 0 {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let (token, after) = rest.split_at(length);
        let is_hex = token.len() >= 8
            && token.bytes().all(|byte| byte.is_ascii_hexdigit())
            && token.bytes().any(|byte| byte.is_ascii_digit());
        if is_hex || token.bytes().all(|byte| byte.is_ascii_digit()) {
            out.push('#');
        } else {
            out.push_str(token);
        }
        rest = after;
    }
    // A short hash ends in dots.
    out.replace("#..", "#")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariant::NEVER_PANICS;

    #[test]
    fn one_bug_has_one_signature_whatever_the_numbers() {
        let found = |subject: &str, detail: &str| {
            signature(&Violation::of(&NEVER_PANICS, 3, subject, detail))
        };
        let one = found(
            "core in memory: graph on 2 workers",
            "asset 00ab12cd..: 17 are gone",
        );
        let other = found(
            "core in memory: graph on 8 workers",
            "asset 9f00ab12..: 3 are gone",
        );
        assert_eq!(one, other);
        let third = found("core in redb: serial", "asset 9f00ab12..: 3 are gone");
        assert_ne!(one, third);
        assert_eq!(
            without_numbers("nonces 1, 2, 3, of a1b2c3d4e5\n  added"),
            "nonces #, #, of #, added",
            "words stay, and what repeats is said once"
        );
    }
}
