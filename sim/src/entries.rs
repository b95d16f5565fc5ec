//! The stored entries of a ledger, and the first difference of two: what a difference of stored bytes is.

use lockstep_core::storage::{Storage, StorageError, Table};

/// An entry of an ordered table of bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StoredEntry {
    /// The name of the table.
    pub table: &'static str,
    /// The key.
    pub key: Vec<u8>,
    /// The value.
    pub value: Vec<u8>,
}

impl StoredEntry {
    /// Its place in the order of entries.
    fn place(&self) -> (usize, &[u8]) {
        (table_number(self.table), &self.key)
    }
}

/// Calls `visit` with every entry of a storage: table, key and value, in the order of tables and keys.
///
/// # Errors
///
/// [`StorageError`] if the storage cannot be read.
pub fn visit(
    storage: &impl Storage,
    mut visit: impl FnMut(&'static str, &[u8], &[u8]),
) -> Result<(), StorageError> {
    const PAGE: usize = 1024;
    for table in Table::ALL {
        let mut start = Vec::new();
        loop {
            let page = storage.scan(table, &start, PAGE)?;
            for (key, value) in &page {
                visit(table.name(), key, value);
            }
            match page.last() {
                Some((key, _)) if page.len() == PAGE => {
                    start.clone_from(key);
                    start.push(0);
                }
                _ => break,
            }
        }
    }
    Ok(())
}

/// Reads all entries of a storage, in the order of [`visit`].
///
/// # Errors
///
/// [`StorageError`] if the storage cannot be read.
pub fn of_storage(storage: &impl Storage) -> Result<Vec<StoredEntry>, StorageError> {
    let mut entries = Vec::new();
    visit(storage, |table, key, value| {
        entries.push(StoredEntry {
            table,
            key: key.to_vec(),
            value: value.to_vec(),
        });
    })?;
    Ok(entries)
}

/// Describes the first entry that two ledgers do not have alike: its table, its key and both values;
/// `None` where they are equal.
#[must_use]
pub fn difference(got: &[StoredEntry], expected: &[StoredEntry]) -> Option<String> {
    let at = (0..got.len().max(expected.len())).find(|at| got.get(*at) != expected.get(*at))?;
    let (got, expected) = (got.get(at), expected.get(at));
    // The lower one is the first that the other does not have.
    let first = [got, expected]
        .into_iter()
        .flatten()
        .min_by_key(|one| one.place())?;
    let [got, expected] = [got, expected].map(|entry| {
        let same = entry.filter(|entry| entry.place() == first.place());
        same.map(|entry| entry.value.as_slice())
    });
    let from = first_differing_byte(got.unwrap_or_default(), expected.unwrap_or_default());
    Some(format!(
        "table {}, key {}: got {}, expected {}",
        first.table,
        in_hexadecimal(&first.key),
        shown(got, from),
        shown(expected, from)
    ))
}

fn table_number(name: &str) -> usize {
    let of_name = |table: &Table| table.name() == name;
    Table::ALL
        .iter()
        .position(of_name)
        .unwrap_or(Table::ALL.len())
}

fn first_differing_byte(one: &[u8], other: &[u8]) -> usize {
    let mut pairs = one.iter().zip(other);
    pairs
        .position(|(one, other)| one != other)
        .unwrap_or(one.len().min(other.len()))
}

fn in_hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A value in hexadecimal digits; of a long one some bytes around the one with this index.
fn shown(value: Option<&[u8]>, around: usize) -> String {
    const WHOLE: usize = 64;
    const BEFORE: usize = 8;
    let Some(value) = value else {
        return "no entry".to_owned();
    };
    if value.len() <= WHOLE {
        return format!("0x{}", in_hexadecimal(value));
    }
    let start = around.saturating_sub(BEFORE).min(value.len());
    let end = value.len().min(start + WHOLE);
    format!(
        "0x{} (bytes {start} to {end} of {})",
        in_hexadecimal(&value[start..end]),
        value.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(table: &'static str, key: u8, value: &[u8]) -> StoredEntry {
        StoredEntry {
            table,
            key: vec![key],
            value: value.to_vec(),
        }
    }

    #[test]
    fn table_key_and_both_values_are_named() {
        let one = [
            entry("cells", 1, b"a"),
            entry("cells", 2, b"b"),
            entry("history", 1, b"c"),
        ];
        assert_eq!(difference(&one, &one), None);
        let mut other = one.clone();
        other[1].value = b"x".to_vec();
        let said = "table cells, key 02: got 0x62, expected 0x78";
        assert_eq!(difference(&one, &other).as_deref(), Some(said));
        let without = [one[0].clone(), one[2].clone()];
        let said = "table cells, key 02: got 0x62, expected no entry";
        assert_eq!(difference(&one, &without).as_deref(), Some(said));
        let said = "table cells, key 02: got no entry, expected 0x62";
        assert_eq!(difference(&without, &one).as_deref(), Some(said));
        let said = "table history, key 01: got no entry, expected 0x63";
        assert_eq!(difference(&one[..2], &one).as_deref(), Some(said));
    }

    #[test]
    fn a_long_value_is_shown_around_its_first_difference() {
        let mut value = vec![0; 300];
        let one = [entry("blocks", 1, &value)];
        value[200] = 7;
        let other = [entry("blocks", 1, &value)];
        let said = difference(&one, &other).expect("they differ");
        assert!(said.contains(" (bytes 192 to 256 of 300)"), "{said}");
        assert!(said.contains("expected 0x000000000000000007"), "{said}");
        assert!(said.len() < 400, "{said}");
    }
}
