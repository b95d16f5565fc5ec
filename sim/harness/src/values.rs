//! Parsers for the values of flags: durations, seeds, shards.

use std::ops::Range;
use std::time::Duration;

use crate::campaign::Shard;

/// Parses a time: 90s, 10m, 8h, or a number of seconds.
///
/// # Errors
///
/// A sentence about the expected form.
pub fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_at(text.trim_end_matches(char::is_alphabetic).len());
    let seconds = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => {
            return Err("expected a whole number with the unit s, m or h: 90s, 10m, 8h".to_owned());
        }
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(seconds))
        .map(Duration::from_secs)
        .ok_or_else(|| "expected a whole number with the unit s, m or h: 90s, 10m, 8h".to_owned())
}

/// Parses a seed: a decimal number, or else up to 40 hexadecimal digits (a commit), of which the first
/// 16 are used.
///
/// # Errors
///
/// A sentence about the expected form.
pub fn seed(text: &str) -> Result<u64, String> {
    if let Ok(seed) = text.parse() {
        return Ok(seed);
    }
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let is_hex =
        (1..=40).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_hex {
        return Err(
            "expected a whole number, or a commit of up to 40 hexadecimal digits".to_owned(),
        );
    }
    let counts = &digits[..digits.len().min(16)];
    u64::from_str_radix(counts, 16).map_err(|error| error.to_string())
}

/// Parses a range of seeds A..B, B excluded.
///
/// # Errors
///
/// A sentence about the expected form, or a range that contains no seed.
pub fn seeds(text: &str) -> Result<Range<u64>, String> {
    let (first, end) = text
        .split_once("..")
        .ok_or_else(|| "expected two seeds, the second one excluded: 0..1000".to_owned())?;
    let (first, end) = (seed(first)?, seed(end)?);
    if first >= end {
        return Err(format!(
            "{first}..{end} contains no seed; the first one must be smaller"
        ));
    }
    Ok(first..end)
}

/// Parses a shard K/N, K from 0 to N - 1.
///
/// # Errors
///
/// A sentence about the expected form.
pub fn shard(text: &str) -> Result<Shard, String> {
    let parts = text.split_once('/');
    let numbers = parts.and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)));
    match numbers {
        Some((index, of)) if index < of => Ok(Shard { index, of }),
        _ => {
            Err("expected a shard and the number of shards, counted from 0: 0/8 to 7/8".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_a_seed() {
        assert_eq!(seed("12"), Ok(12));
        assert_eq!(seed("0x12"), Ok(0x12));
        assert_eq!(seed("00000000000000ff"), Ok(0xff));
        assert_eq!(
            seed("9fceb02d0ae598e95dc970b74767f19372d61af8"),
            Ok(0x9fce_b02d_0ae5_98e9)
        );
        // Too large for a number, so it is a commit that happens to have no letter.
        assert_eq!(
            seed("9999999999999999999999999999999999999999"),
            Ok(0x9999_9999_9999_9999)
        );
        for wrong in ["", "0x", "main", "-1", &"1a".repeat(21)] {
            assert!(seed(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn ranges_and_shards_are_not_empty() {
        assert_eq!(seeds("3..7"), Ok(3..7));
        for wrong in ["3", "7..3", "3..3", "a", "..", "3..", "x..9"] {
            assert!(seeds(wrong).is_err(), "{wrong}");
        }
        assert_eq!(shard("2/3"), Ok(Shard { index: 2, of: 3 }));
        for wrong in ["3/3", "1", "0/0", "-1/2", "1/2/3", "/"] {
            assert!(shard(wrong).is_err(), "{wrong}");
        }
    }
}
