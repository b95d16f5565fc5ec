//! Tests of the disk: it loses exactly the changes that a loss says.

use std::io::ErrorKind;

use lockstep_core::storage::{Batch, Storage, StorageError, Table};
use redb::StorageBackend;

use super::{Backend, Call, Disk, DiskFault, Image, Loss, SECTOR};

/// A disk of four sectors of zeros, synced.
fn four_sectors() -> (Disk, Backend) {
    let disk = Disk::holding(Image::from(vec![0; 4 * SECTOR]));
    let backend = disk.backend();
    (disk, backend)
}

/// The first byte of each sector.
fn firsts(image: &Image) -> Vec<u8> {
    image
        .bytes()
        .chunks(SECTOR)
        .map(|sector| sector[0])
        .collect()
}

/// First bytes of the sectors after a synced write, two unsynced ones, a change of length and a
/// crash.
fn left(loss: Loss) -> Vec<u8> {
    let (disk, backend) = four_sectors();
    let write = |sector: usize, sectors: usize, byte: u8| {
        let offset = (sector * SECTOR) as u64;
        backend
            .write(offset, &vec![byte; sectors * SECTOR])
            .expect("no fault is armed");
    };
    write(0, 1, 9);
    backend.sync_data().expect("no fault is armed");
    write(1, 1, 1);
    backend.set_len(5 * SECTOR as u64).expect("there is room");
    write(3, 2, 2);
    firsts(&disk.crash(loss))
}

#[test]
fn a_synced_change_stays_and_the_others_survive_as_the_loss_says() {
    assert_eq!(left(Loss::Nothing), [9, 1, 0, 2, 2]);
    assert_eq!(left(Loss::All), [9, 0, 0, 0]);
    assert_eq!(left(Loss::Last), [9, 1, 0, 0, 0]);
    assert_eq!(left(Loss::AllButLast), [9, 0, 0, 2]);
    assert_eq!(left(Loss::Lengths), [9, 1, 0, 2]);
    assert_eq!(left(Loss::TornLast(1)), [9, 1, 0, 2, 0]);
    assert_eq!(left(Loss::TornLast(2)), left(Loss::TornLast(0)));
}

#[test]
fn seeds_reach_every_outcome_and_one_seed_always_the_same() {
    let outcomes = |loss: fn(u64) -> Loss| {
        let mut outcomes: Vec<_> = (0..200).map(|seed| left(loss(seed))).collect();
        assert_eq!(outcomes[7], left(loss(7)));
        outcomes.sort();
        outcomes.dedup();
        outcomes
    };
    let reordered = outcomes(Loss::Reordered);
    // Two writes and a length, of which the second write has two sectors.
    assert!(reordered.contains(&vec![9, 0, 0, 2, 2]), "{reordered:?}");
    assert!(!reordered.contains(&vec![9, 1, 0, 0, 2]), "{reordered:?}");
    let torn = outcomes(Loss::Torn);
    assert!(torn.contains(&vec![9, 1, 0, 0, 2]), "{torn:?}");
    assert!(torn.len() > reordered.len());
}

#[test]
fn a_write_that_is_not_aligned_is_torn_where_the_sectors_end() {
    let (disk, backend) = four_sectors();
    let offset = SECTOR as u64 / 2;
    backend.write(offset, &[1; 2 * SECTOR]).expect("it fits");
    let image = disk.crash(Loss::TornLast(2));
    let written = image.bytes().iter().filter(|byte| **byte == 1).count();
    assert_eq!(written, SECTOR / 2 + SECTOR);
}

#[test]
fn after_a_power_loss_every_call_fails_and_the_change_in_flight_may_have_arrived() {
    let (disk, backend) = four_sectors();
    disk.arm(DiskFault::PowerCut { at: 1 });
    assert_eq!(
        backend.len().expect("the first call works"),
        4 * SECTOR as u64
    );
    assert!(backend.write(0, &[7]).is_err());
    assert!(backend.sync_data().is_err());
    assert!(disk.backend().len().is_err(), "a new handle helps nothing");
    assert_eq!(disk.disarm(), Some(Call::Write));
    assert_eq!(firsts(&disk.crash(Loss::Nothing)), [7, 0, 0, 0]);
    assert_eq!(firsts(&disk.crash(Loss::All)), [0, 0, 0, 0]);
}

#[test]
fn calls_of_a_kind_fail_and_then_work_again() {
    let (disk, backend) = four_sectors();
    disk.arm(DiskFault::Fails {
        call: Call::Sync,
        at: 1,
        count: 2,
    });
    let answers: Vec<bool> = (0..5)
        .map(|_| {
            backend.write(0, &[1]).expect("only syncs fail");
            backend.sync_data().is_ok()
        })
        .collect();
    assert_eq!(answers, [true, false, false, true, true]);
    assert_eq!((disk.calls(), disk.disarm()), (10, Some(Call::Sync)));
}

#[test]
fn a_full_disk_takes_nothing_more_and_can_be_read() {
    let (disk, backend) = four_sectors();
    disk.arm(DiskFault::Full { after: 1 });
    backend.write(0, &[1]).expect("one write has room");
    let error = backend.write(0, &[2]).expect_err("the second has not");
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    let longer = 9 * SECTOR as u64;
    assert_eq!(
        backend.set_len(longer).expect_err("no room").kind(),
        ErrorKind::StorageFull
    );
    backend.sync_data().expect("what is there can be synced");
    disk.disarm();
    backend.set_len(longer).expect("there is room again");
    assert_eq!(disk.image().bytes().len(), 9 * SECTOR);
}

#[test]
fn a_disk_that_lies_loses_what_it_said_was_durable() {
    let (disk, backend) = four_sectors();
    disk.lie_about_syncs();
    backend.write(0, &[1]).expect("it fits");
    backend.sync_data().expect("it says so");
    assert_eq!(firsts(&disk.crash(Loss::All)), [0, 0, 0, 0]);
}

fn batch(number: u8) -> Batch {
    let mut batch = Batch::new();
    for key in 0..40u8 {
        batch.put(Table::Cells, vec![number, key], vec![key; 50]);
    }
    batch
}

fn entries(disk: &Disk) -> Result<usize, StorageError> {
    Ok(disk.open()?.scan(Table::Cells, &[], usize::MAX)?.len())
}

/// The database after one commit, closed.
fn with_a_commit() -> Image {
    let disk = Disk::default();
    let mut storage = disk.open().expect("a new disk takes a database");
    storage.commit(&batch(0)).expect("no fault is armed");
    drop(storage);
    disk.image()
}

const LOSSES: [Loss; 9] = [
    Loss::Nothing,
    Loss::All,
    Loss::Last,
    Loss::AllButLast,
    Loss::Lengths,
    Loss::TornLast(3),
    Loss::Reordered(1),
    Loss::Torn(1),
    Loss::Torn(2),
];

#[test]
fn every_crash_of_a_commit_leaves_all_of_it_or_nothing() {
    let disk = Disk::holding(with_a_commit());
    let mut storage = disk.open().expect("it is a database");
    disk.record();
    storage.commit(&batch(1)).expect("no fault is armed");
    let recording = disk.recorded().expect("it was asked for");
    let calls = recording.calls();
    assert!(calls > 3, "only {calls} calls");
    let (mut nothing, mut all) = (0, 0);
    recording
        .each_crash(&LOSSES, |point, image| {
            match entries(&Disk::holding(image)) {
                Ok(40) => {
                    nothing += 1;
                    assert!(point.at < calls, "a durable commit is gone: {point:?}");
                    Ok(())
                }
                Ok(80) => {
                    all += 1;
                    Ok(())
                }
                other => Err(format!("{point:?}: {other:?}")),
            }
        })
        .expect("every image opens");
    assert!(nothing > 5 && all > 0, "{nothing} and {all}");
}

#[test]
fn a_recording_crashes_as_the_disk_itself_does() {
    let image = with_a_commit();
    let disk = Disk::holding(image.clone());
    let mut storage = disk.open().expect("it is a database");
    disk.record();
    storage.commit(&batch(1)).expect("no fault is armed");
    let recording = disk.recorded().expect("it was asked for");
    let calls = recording.calls();
    let mut compared = 0;
    recording
        .each_crash(&LOSSES, |point, recorded| {
            let disk = Disk::holding(image.clone());
            let mut storage = disk.open().expect("it is a database");
            disk.arm(DiskFault::PowerCut { at: point.at });
            let committed = storage.commit(&batch(1));
            assert_eq!(committed.is_ok(), point.at == calls, "{point:?}");
            let left = disk.crash(point.loss);
            drop(storage);
            compared += 1;
            if left == recorded {
                Ok(())
            } else {
                Err(format!("{point:?}: {left:?}, recorded {recorded:?}"))
            }
        })
        .expect("they are the same");
    assert!(compared > 10);
}

#[test]
fn a_lie_about_syncs_shows_in_the_database() {
    let disk = Disk::holding(with_a_commit());
    let mut storage = disk.open().expect("it is a database");
    disk.lie_about_syncs();
    storage.commit(&batch(1)).expect("it says so");
    let left = disk.crash(Loss::All);
    drop(storage);
    assert_eq!(entries(&Disk::holding(left)).expect("it opens"), 40);
}
