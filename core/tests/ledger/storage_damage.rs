//! Tests of damaged files: a file that opens holds what was written, and all others are a typed error.
//!
//! redb vouches for every page in use by checksums and for a file that was closed by a two-phase
//! commit; damage where nothing is in use does no harm. A file whose process died is another matter:
//! there the newest commit may be torn, so that damage to it cannot be told from a crash, and the
//! block before is what opens.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::common;
use crate::common::backend::Medium;
use crate::common::disk::{Disk, Tables};
use crate::common::{from, key, ledger};
use lockstep_core::storage::{RedbStorage, Storage, StorageError, Table};
use proptest::prelude::*;

fn storage_on(medium: &Medium) -> Result<RedbStorage, StorageError> {
    let medium = medium.clone();
    RedbStorage::with_backend("the medium", move || medium.clone())
}

/// The bytes of a ledger with some blocks, and what was in its tables at each height.
struct Image {
    bytes: Vec<u8>,
    tables: Vec<Tables>,
}

/// `closed` as after the end of a process, otherwise as after its sudden death.
fn image(closed: bool) -> Image {
    let medium = Medium::default();
    let storage = storage_on(&medium).expect("the medium works");
    let (alice, bob) = (key("alice"), key("bob"));
    let mut ledger = ledger()
        .has(&alice, 1_000)
        .reward(5)
        .open_on(&Disk::new(storage));
    let mut tables = vec![ledger.tables()];
    for nonce in 0..4 {
        ledger.add([from(&alice, nonce).fee(1).pay(&bob, 3).sign()]);
        tables.push(ledger.tables());
    }
    let sudden = medium.bytes();
    drop(ledger);
    Image {
        bytes: if closed { medium.bytes() } else { sudden },
        tables,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opened {
    /// With all tables of this height.
    At(usize),
    Refused,
}

/// Opens these bytes. Fails on any result but a whole height or a typed error.
fn open(image: &Image, bytes: Vec<u8>, damage: &str) -> Opened {
    let read = || -> Result<Tables, StorageError> {
        let storage = storage_on(&Medium::holding(bytes))?;
        let mut tables = Tables::new();
        for table in Table::ALL {
            tables.insert(table, storage.scan(table, &[], usize::MAX)?);
        }
        Ok(tables)
    };
    match catch_unwind(AssertUnwindSafe(read)) {
        Err(_) => panic!("{damage}: a panic escaped"),
        Ok(Err(StorageError::Corrupt { place, .. })) => {
            assert_eq!(place, "the medium", "{damage}");
            Opened::Refused
        }
        Ok(Err(error)) => panic!("{damage}: damage is no {error:?}"),
        Ok(Ok(tables)) => {
            let height = image.tables.iter().position(|known| *known == tables);
            Opened::At(height.unwrap_or_else(|| panic!("{damage}: it opened with other data")))
        }
    }
}

/// Returns every position in redb's header, and one of 61 in the rest.
fn positions(image: &Image) -> impl Iterator<Item = usize> + use<> {
    (0..320).chain((320..image.bytes.len()).step_by(61))
}

/// Counts the files with one changed byte that opened as they were, that opened with the block
/// before, and that did not open.
fn sweep(image: &Image) -> (usize, usize, usize) {
    let newest = image.tables.len() - 1;
    let (mut same, mut before, mut refused) = (0, 0, 0);
    for position in positions(image) {
        for mask in [0x01, 0x02, 0x04, 0x08, 0x80, 0xff] {
            let mut bytes = image.bytes.clone();
            bytes[position] ^= mask;
            let damage = format!("byte {position} with {mask:#x}");
            match open(image, bytes, &damage) {
                Opened::Refused => refused += 1,
                Opened::At(height) if height == newest => same += 1,
                Opened::At(height) if height + 1 == newest => before += 1,
                Opened::At(height) => panic!("{damage}: it opened at height {height}"),
            }
        }
    }
    (same, before, refused)
}

#[test]
fn a_closed_file_with_a_changed_byte_opens_as_it_was_or_not_at_all() {
    let image = image(true);
    assert_eq!(open(&image, image.bytes.clone(), "none"), Opened::At(4));
    let (same, before, refused) = sweep(&image);
    assert_eq!(before, 0, "a block was lost without an error");
    assert!(
        refused > 1_000,
        "only {refused} were noticed, {same} did no harm"
    );
}

#[test]
fn a_file_whose_process_died_opens_with_its_newest_block_if_undamaged() {
    let image = image(false);
    assert_eq!(open(&image, image.bytes.clone(), "none"), Opened::At(4));
}

/// Damage to the newest commit of such a file looks like a torn write: redb takes the
/// commit before, whole. It is not noticed that a block is gone; peers have it.
#[test]
fn a_file_whose_process_died_loses_to_a_changed_byte_at_most_its_newest_block() {
    let image = image(false);
    let (same, before, refused) = sweep(&image);
    assert!(
        before > 0 && refused > 0 && same > 0,
        "{same} {before} {refused}"
    );
}

#[test]
fn a_file_of_any_shorter_length_does_not_open() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let path = folder.path().join("ledger.redb");
    let image = image(true);
    let lengths = (0..image.bytes.len()).step_by(1_531);
    for length in lengths.chain([1, 8, 9, 64, 4_095, 4_096, image.bytes.len() - 1]) {
        std::fs::write(&path, &image.bytes[..length]).expect("there is room");
        match RedbStorage::open(&path) {
            Err(StorageError::Corrupt { .. }) => {}
            other => panic!("{length} bytes: {other:?}"),
        }
    }
}

#[test]
fn a_file_with_something_behind_its_end_opens_as_it_was_or_not_at_all() {
    let image = image(true);
    for more in [1, 100, 4_096, 40_960] {
        let mut bytes = image.bytes.clone();
        bytes.resize(bytes.len() + more, 0xa5);
        let opened = open(&image, bytes, &format!("{more} bytes more"));
        assert!(matches!(opened, Opened::At(4) | Opened::Refused));
    }
}

/// One damage of a stretch of a file.
#[derive(Clone, Debug)]
enum Damage {
    Noise(usize, Vec<u8>),
    Zeros(usize, usize),
    /// One page over another: each is right on its own.
    Page(usize, usize),
    /// A page as it was in an earlier image of the file: a write that never arrived.
    Lost(usize),
    /// One bit of redb's header, where one bit can choose another commit.
    Header(usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        (any::<usize>(), prop::collection::vec(any::<u8>(), 1..64))
            .prop_map(|(at, noise)| Damage::Noise(at, noise)),
        (any::<usize>(), 1..9_000_usize).prop_map(|(at, length)| Damage::Zeros(at, length)),
        (any::<usize>(), any::<usize>()).prop_map(|(from, to)| Damage::Page(from, to)),
        any::<usize>().prop_map(Damage::Lost),
        any::<usize>().prop_map(Damage::Header),
    ]
}

fn damaged(mut bytes: Vec<u8>, earlier: &[u8], damages: &[Damage]) -> Vec<u8> {
    const PAGE: usize = 4_096;
    let (length, pages) = (bytes.len(), bytes.len() / PAGE);
    for damage in damages {
        match damage {
            Damage::Noise(at, noise) => {
                let at = at % (length - noise.len());
                bytes[at..at + noise.len()].copy_from_slice(noise);
            }
            Damage::Zeros(at, count) => {
                let at = at % (length - count);
                bytes[at..at + count].fill(0);
            }
            Damage::Page(from, to) => {
                let (from, to) = (from % pages * PAGE, to % pages * PAGE);
                bytes.copy_within(from..from + PAGE, to);
            }
            Damage::Header(bit) => bytes[bit / 8 % 320] ^= 1 << (bit % 8),
            Damage::Lost(page) => {
                let page = page % pages * PAGE..page % pages * PAGE + PAGE;
                bytes[page.clone()].copy_from_slice(&earlier[page]);
            }
        }
    }
    bytes
}

proptest! {
    #![proptest_config(common::cases(2_000))]

    #[test]
    fn a_closed_file_with_random_damage_opens_as_it_was_or_not_at_all(
        damages in prop::collection::vec(damage(), 1..4),
    ) {
        thread_local! {
            static IMAGES: (Image, Image) = (image(true), image(false));
        }
        IMAGES.with(|(image, sudden)| {
            let mut earlier = sudden.bytes.clone();
            earlier.resize(image.bytes.len(), 0);
            let bytes = damaged(image.bytes.clone(), &earlier, &damages);
            let opened = open(image, bytes, &format!("{damages:?}"));
            assert!(matches!(opened, Opened::At(4) | Opened::Refused), "{opened:?}");
        });
    }
}

/// A page that is damaged after the file was opened: redb verifies pages when it opens and not when
/// it reads them again, so that values may differ without an error. It would take a checksum
/// beside every value to notice; the promise is that reading does not panic.
#[test]
fn reading_a_file_that_is_damaged_while_it_is_open_is_no_panic() {
    let image = image(true);
    let mut noticed = 0;
    // The beginning of a page says what it is; most other damage is not noticed.
    for position in (4_096..image.bytes.len()).filter(|position| position % 4_096 < 8) {
        let medium = Medium::holding(image.bytes.clone());
        let storage = storage_on(&medium).expect("the medium works");
        medium.damage(position);
        let read = AssertUnwindSafe(|| {
            Table::ALL.map(|table| storage.scan(table, &[], usize::MAX).is_err())
        });
        let failed = catch_unwind(read).expect("no panic escapes");
        noticed += usize::from(failed.contains(&true));
        // Closing comes below.
        std::mem::forget(storage);
    }
    assert!(noticed > 5, "only {noticed} were noticed");
}

/// Only the first byte of each page, which makes redb panic once. Damage further in can make it
/// panic again while it cleans up, which ends the process and cannot be caught; the file is then
/// refused when it is opened again.
#[test]
fn closing_a_file_that_is_damaged_while_it_is_open_is_no_panic() {
    let image = image(true);
    for position in (4_096..image.bytes.len()).step_by(4_096) {
        let medium = Medium::holding(image.bytes.clone());
        let storage = storage_on(&medium).expect("the medium works");
        medium.damage(position);
        catch_unwind(AssertUnwindSafe(|| drop(storage))).expect("no panic escapes");
    }
}
