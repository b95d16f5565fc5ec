//! Tests of the storages: both are the same ordered tables of bytes; the one in a file survives its
//! process and describes the defect of a file that it cannot open.

use std::fs;
use std::path::Path;
use std::sync::Barrier;

use crate::common;
use crate::common::disk::{Disk, tables_of};
use crate::common::{all_applied, from, key, ledger};
use lockstep_core::parallel::Workers;
use lockstep_core::storage::{Batch, MemoryStorage, RedbStorage, Storage, StorageError, Table};
use proptest::prelude::*;
use redb::TableDefinition;

fn redb() -> (tempfile::TempDir, RedbStorage) {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let storage = RedbStorage::open(folder.path().join("ledger.redb"));
    (folder, storage.expect("a new database opens"))
}

/// Returns the answers of both storages, which must be the same.
fn both(check: impl Fn(&mut dyn Storage)) {
    check(&mut MemoryStorage::new());
    check(&mut redb().1);
}

fn put(entries: &[(Table, &[u8], &[u8])]) -> Batch {
    let mut batch = Batch::new();
    for (table, key, value) in entries {
        batch.put(*table, key.to_vec(), value.to_vec());
    }
    batch
}

#[test]
fn a_value_that_was_put_is_got() {
    both(|storage| {
        let batch = put(&[(Table::Cells, b"a", b"1"), (Table::Cells, b"b", b"")]);
        storage.commit(&batch).expect("there is room");
        let get = |key: &[u8]| storage.get(Table::Cells, key).expect("it is readable");
        assert_eq!(get(b"a"), Some(b"1".to_vec()));
        assert_eq!(get(b"b"), Some(Vec::new()));
    });
}

#[test]
fn an_absent_key_is_none_in_a_table_with_others_and_in_one_without() {
    both(|storage| {
        let absent = |storage: &dyn Storage| {
            assert_eq!(storage.get(Table::Cells, b"z").expect("no error"), None);
            let many = storage.get_many(Table::Cells, &[b"y".to_vec(), b"z".to_vec()]);
            assert_eq!(many.expect("no error"), [None, None]);
        };
        absent(storage);
        storage
            .commit(&put(&[(Table::Cells, b"a", b"1")]))
            .expect("there is room");
        absent(storage);
        let scanned = storage.scan(Table::History, b"", 9).expect("no error");
        assert_eq!(scanned, []);
    });
}

#[test]
fn many_values_stand_at_their_keys_indices_in_any_order_and_repeated() {
    both(|storage| {
        let batch = put(&[(Table::Cells, b"a", b"1"), (Table::Cells, b"c", b"3")]);
        storage.commit(&batch).expect("there is room");
        let keys = [b"c", b"b", b"a", b"c"].map(|key: &[u8; 1]| key.to_vec());
        let values = storage.get_many(Table::Cells, &keys).expect("no error");
        let (one, three) = (Some(b"1".to_vec()), Some(b"3".to_vec()));
        assert_eq!(values, [three.clone(), None, one, three]);
        let none = storage.get_many(Table::Cells, &[]).expect("no error");
        assert_eq!(none, Vec::<Option<Vec<u8>>>::new());
    });
}

#[test]
fn a_scan_begins_at_its_start_and_ends_at_its_limit_in_the_order_of_bytes() {
    both(|storage| {
        let batch = put(&[
            (Table::Cells, b"\xff", b"5"),
            (Table::Cells, b"b", b"3"),
            (Table::Cells, b"", b"1"),
            (Table::Cells, b"ba", b"4"),
            (Table::Cells, b"a", b"2"),
            (Table::Meta, b"a", b"elsewhere"),
        ]);
        storage.commit(&batch).expect("there is room");
        let scan = |start: &[u8], limit| -> Vec<u8> {
            let entries = storage.scan(Table::Cells, start, limit).expect("no error");
            entries.into_iter().map(|(_, value)| value[0]).collect()
        };
        assert_eq!(scan(b"", usize::MAX), b"12345");
        assert_eq!(scan(b"b", usize::MAX), b"345");
        assert_eq!(scan(b"b\0", usize::MAX), b"45");
        assert_eq!(scan(b"a", 2), b"23");
        assert_eq!(scan(b"", 0), b"");
        assert_eq!(scan(b"\xff\xff", 9), b"");
    });
}

#[test]
fn a_deletion_removes_what_is_there_and_is_no_error_where_nothing_is() {
    both(|storage| {
        storage
            .commit(&put(&[(Table::Cells, b"a", b"1")]))
            .expect("there is room");
        let mut batch = Batch::new();
        batch.delete(Table::Cells, b"a".to_vec());
        batch.delete(Table::Cells, b"never".to_vec());
        batch.delete(Table::History, b"never".to_vec());
        storage.commit(&batch).expect("there is room");
        assert_eq!(storage.get(Table::Cells, b"a").expect("no error"), None);
    });
}

#[test]
fn of_two_changes_of_one_key_in_a_batch_the_later_counts() {
    both(|storage| {
        let mut batch = put(&[(Table::Cells, b"a", b"1"), (Table::Cells, b"b", b"1")]);
        batch.delete(Table::Cells, b"a".to_vec());
        batch.put(Table::Cells, b"b".to_vec(), b"2".to_vec());
        assert_eq!(batch.len(), 2);
        storage.commit(&batch).expect("there is room");
        assert_eq!(storage.get(Table::Cells, b"a").expect("no error"), None);
        let b = storage.get(Table::Cells, b"b").expect("no error");
        assert_eq!(b, Some(b"2".to_vec()));
    });
}

#[test]
fn an_appended_batch_is_later() {
    let mut batch = put(&[(Table::Cells, b"a", b"1"), (Table::Cells, b"b", b"1")]);
    batch.append(put(&[
        (Table::Cells, b"b", b"2"),
        (Table::Meta, b"c", b"3"),
    ]));
    let expected = put(&[
        (Table::Cells, b"a", b"1"),
        (Table::Cells, b"b", b"2"),
        (Table::Meta, b"c", b"3"),
    ]);
    assert_eq!(batch, expected);
}

#[test]
fn an_empty_batch_changes_nothing() {
    both(|storage| storage.commit(&Batch::new()).expect("nothing to do"));
}

#[test]
fn a_batch_is_empty_until_a_key_is_changed() {
    let mut batch = Batch::new();
    assert!(batch.is_empty());
    batch.delete(Table::Meta, b"nothing there".to_vec());
    assert!(!batch.is_empty());
    assert_eq!(batch.len(), 1);
}

/// A table whose entries were all deleted equals one that never had any.
#[test]
fn memory_storages_are_equal_when_their_entries_are() {
    let mut storage = MemoryStorage::new();
    let batch = put(&[(Table::Cells, b"a", b"1")]);
    storage.commit(&batch).expect("memory does not fail");
    assert_ne!(storage, MemoryStorage::new());
    let mut batch = Batch::new();
    batch.delete(Table::Cells, b"a".to_vec());
    storage.commit(&batch).expect("memory does not fail");
    assert_eq!(storage, MemoryStorage::new());
}

proptest! {
    #![proptest_config(common::cases(24))]

    #[test]
    fn memory_and_redb_hold_the_same_after_any_batches(
        batches in prop::collection::vec(
            prop::collection::vec(
                (0..6_usize, prop::collection::vec(0..3_u8, 0..3),
                 prop::option::of(prop::collection::vec(any::<u8>(), 0..200))),
                0..20),
            1..8),
        keys in prop::collection::vec(prop::collection::vec(0..3_u8, 0..4), 0..8),
        start in prop::collection::vec(0..3_u8, 0..3),
        limit in 0..9_usize,
    ) {
        let mut memory = MemoryStorage::new();
        let mut by_workers = MemoryStorage::new();
        let workers = Workers::new(3).expect("the system gives threads");
        let (_folder, mut redb) = redb();
        // Too many beside few changes for a table in memory to be built anew.
        let filler = (0..60_u8).map(|number| (1, vec![1, 1, number], Some(vec![number])));
        for changes in [filler.collect()].into_iter().chain(batches) {
            let mut batch = Batch::new();
            for (table, key, value) in changes {
                let table = Table::ALL[table];
                match value {
                    Some(value) => batch.put(table, key, value),
                    None => batch.delete(table, key),
                }
            }
            memory.commit(&batch).expect("memory does not fail");
            by_workers.commit_owned(batch.clone(), Some(&workers)).expect("memory does not fail");
            prop_assert_eq!(&by_workers, &memory);
            redb.commit(&batch).expect("there is room");
            prop_assert_eq!(tables_of(&memory), tables_of(&redb));
        }
        for table in Table::ALL {
            prop_assert_eq!(
                memory.get_many(table, &keys).expect("no error"),
                redb.get_many(table, &keys).expect("no error")
            );
            prop_assert_eq!(
                memory.scan(table, &start, limit).expect("no error"),
                redb.scan(table, &start, limit).expect("no error")
            );
            for key in &keys {
                prop_assert_eq!(
                    memory.get(table, key).expect("no error"),
                    redb.get(table, key).expect("no error")
                );
            }
        }
    }
}

#[test]
fn a_ledger_is_the_same_on_both_storages() {
    let (alice, bob, miner) = (key("alice"), key("bob"), key("m"));
    let setup = ledger().has(&alice, 100).reward(5);
    let mut memory = setup.open();
    let (_folder, redb) = redb();
    let mut redb = setup.open_on(&Disk::new(redb));
    assert_eq!(memory.tables(), redb.tables());
    for nonce in 0..3 {
        let body = [
            from(&alice, nonce).fee(1).pay(&bob, 3).sign(),
            from(&bob, nonce).pay(&key("stranger"), 100).sign(),
        ];
        let (in_memory, in_redb) = (
            memory.add_of(&miner, body.clone()),
            redb.add_of(&miner, body),
        );
        assert_eq!(in_memory, in_redb);
        assert_eq!(memory.tables(), redb.tables());
    }
    memory.rewind(1).expect("height 1 is below the tip");
    redb.rewind(1).expect("height 1 is below the tip");
    assert_eq!(memory.tables(), redb.tables());
}

#[test]
fn a_file_survives_being_closed_and_opened() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let path = folder.path().join("ledger.redb");
    let alice = key("alice");
    let setup = ledger().has(&alice, 100);
    let open = || setup.open_on(&Disk::new(RedbStorage::open(&path).expect("it opens")));
    let mut ledger = open();
    all_applied(&ledger.add([from(&alice, 0).pay(&key("bob"), 1).sign()]));
    let (tables, tip) = (ledger.tables(), ledger.tip());
    drop(ledger);

    let mut again = open();
    assert_eq!(again.tables(), tables);
    assert_eq!(again.tip(), tip);
    all_applied(&again.add([from(&alice, 1).pay(&key("bob"), 1).sign()]));
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder is readable");
    entries
        .map(|entry| {
            let name = entry.expect("the folder is readable").file_name();
            name.to_string_lossy().into_owned()
        })
        .collect()
}

#[test]
fn a_new_database_leaves_nothing_beside_its_file() {
    let (folder, _storage) = redb();
    assert_eq!(names_in(folder.path()), ["ledger.redb"]);
}

#[test]
fn a_storage_in_a_file_shows_where_it_is() {
    let (folder, storage) = redb();
    let path = folder.path().join("ledger.redb");
    assert_eq!(format!("{storage:?}"), format!("RedbStorage({path:?})"));
}

#[test]
fn a_file_that_a_crash_left_of_an_earlier_creation_is_no_obstacle() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let path = folder.path().join("ledger.redb");
    fs::write(folder.path().join("ledger.redb.new"), b"half a file").expect("there is room");
    RedbStorage::open(&path).expect("a new database opens");
    assert!(path.exists());
}

#[test]
fn a_second_opener_is_told_that_the_file_is_in_use() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let path = folder.path().join("ledger.redb");
    let first = RedbStorage::open(&path).expect("a new database opens");
    match RedbStorage::open(&path) {
        Err(StorageError::InUse { place }) => assert_eq!(place, path.display().to_string()),
        other => panic!("it is in use, not {other:?}"),
    }
    drop(first);
    RedbStorage::open(&path).expect("no other process uses it any more");
}

/// No creator may end up writing to a file that another's creation has replaced.
#[test]
fn of_many_creators_of_one_file_at_once_one_gets_it_and_keeps_its_writes() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    for round in 0..20 {
        let path = folder.path().join(format!("{round}.redb"));
        let (opened, committed) = (Barrier::new(4), Barrier::new(4));
        let winners: usize = std::thread::scope(|scope| {
            let openers: Vec<_> = (0..4_u8)
                .map(|opener| {
                    let (path, opened, committed) = (&path, &opened, &committed);
                    scope.spawn(move || {
                        let storage = RedbStorage::open(path);
                        opened.wait();
                        let won = storage.is_ok();
                        if let Ok(mut storage) = storage {
                            let batch = put(&[(Table::Cells, &[opener], b"mine")]);
                            storage.commit(&batch).expect("there is room");
                        }
                        committed.wait();
                        usize::from(won)
                    })
                })
                .collect();
            let results = openers.into_iter().map(|opener| opener.join());
            results.map(|won| won.expect("no opener panics")).sum()
        });
        assert!(winners >= 1, "round {round}: no creator got the file");
        let storage = RedbStorage::open(&path).expect("no other process uses it any more");
        let kept = tables_of(&storage)[&Table::Cells].len();
        assert_eq!((winners, kept), (1, 1), "round {round}");
    }
    let left: Vec<String> = names_in(folder.path())
        .into_iter()
        .filter(|name| !name.ends_with(".redb"))
        .collect();
    assert_eq!(left, Vec::<String>::new());
}

/// Returns the error of opening this file; it must name the file and leave it as it was.
fn refused(content: &[u8]) -> String {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let path = folder.path().join("ledger.redb");
    fs::write(&path, content).expect("there is room");
    match RedbStorage::open(&path) {
        Err(StorageError::Corrupt { place, reason }) => {
            assert_eq!(place, path.display().to_string());
            assert_eq!(fs::read(&path).expect("it is readable"), content);
            reason
        }
        other => panic!("it is no database, not {other:?}"),
    }
}

#[test]
fn a_file_that_is_no_database_is_an_error_and_stays_as_it_is() {
    let reason = refused(b"a letter to a friend");
    assert!(reason.contains("Not a redb database"), "{reason}");
    refused(&[b'x'; 100_000]);
    refused(&[0; 100_000]);
}

#[test]
fn an_empty_file_is_an_error_and_stays_empty() {
    let reason = refused(b"");
    assert!(reason.contains("empty"), "{reason}");
}

#[test]
fn the_beginning_of_a_database_alone_is_an_error() {
    refused(b"redb\x1a\x0a\xa9\x0d\x0a");
}

#[test]
fn a_redb_database_of_another_program_is_an_error_and_gets_no_ledger() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let path = folder.path().join("other.redb");
    let theirs: TableDefinition<'_, &str, u64> = TableDefinition::new("users");
    let database = redb::Database::create(&path).expect("there is room");
    let transaction = database.begin_write().expect("it is writable");
    transaction
        .open_table(theirs)
        .and_then(|mut table| Ok(table.insert("another", 1).map(|_| ())?))
        .expect("there is room");
    transaction.commit().expect("there is room");
    drop(database);
    match RedbStorage::open(&path) {
        Err(StorageError::Corrupt { place, reason }) => {
            assert_eq!(place, path.display().to_string());
            assert!(reason.contains("users"), "{reason}");
        }
        other => panic!("it is another program's, not {other:?}"),
    }
}

fn io_error_at(path: &Path) -> String {
    match RedbStorage::open(path) {
        Err(StorageError::Io { place, reason }) => {
            assert_eq!(place, path.display().to_string());
            reason
        }
        other => panic!("there is nothing to open, not {other:?}"),
    }
}

#[test]
fn a_path_in_a_missing_folder_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let reason = io_error_at(&folder.path().join("missing").join("ledger.redb"));
    assert!(reason.contains("No such file"), "{reason}");
}

#[test]
fn a_path_that_is_a_folder_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let reason = io_error_at(folder.path());
    assert!(reason.contains("directory"), "{reason}");
}

#[test]
fn a_path_below_a_file_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let file = folder.path().join("file");
    fs::write(&file, b"").expect("there is room");
    io_error_at(&file.join("ledger.redb"));
}

#[test]
fn a_file_that_must_not_be_written_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let path = folder.path().join("ledger.redb");
    drop(RedbStorage::open(&path).expect("a new database opens"));
    let mut permissions = fs::metadata(&path).expect("it is there").permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).expect("it is ours");
    // Root may open any file.
    if fs::OpenOptions::new().write(true).open(&path).is_ok() {
        RedbStorage::open(&path).expect("who may write may open");
    } else {
        let reason = io_error_at(&path);
        assert!(reason.contains("denied"), "{reason}");
    }
}
