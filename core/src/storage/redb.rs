//! A storage in one file: [redb](https://docs.rs/redb), embedded and pure Rust.

use std::fs::{self, File};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use redb::{
    Builder, Database, MultimapTableHandle, ReadableDatabase, StorageBackend, TableDefinition,
    TableError, TableHandle,
};

use super::{Batch, Entry, Storage, StorageError, Table};

/// The size of the cache of the file, in bytes.
const CACHE_BYTES: usize = 256 << 20;

/// One redb database. A commit is one durable transaction of it.
///
/// After a failure of the medium, even of a read, redb refuses everything until it is opened again;
/// this is done here, so that a storage works again as soon as its medium does.
pub struct RedbStorage {
    place: String,
    open: Box<dyn Fn() -> Result<Database, redb::Error> + Send + Sync>,
    /// `None` after a failure, as long as it cannot be opened again.
    database: RwLock<Option<Database>>,
}

impl std::fmt::Debug for RedbStorage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("RedbStorage").field(&self.place).finish()
    }
}

impl RedbStorage {
    /// Opens the database in this file, or creates it. The checksums of the whole file are
    /// verified, which reads it once (some 100 MB a second and faster).
    ///
    /// A file appears only when it is a complete, empty database: it is prepared beside its place
    /// under a name of its own that ends in `.new`.
    ///
    /// # Errors
    ///
    /// [`StorageError::InUse`] if another process has the file open; [`StorageError::Corrupt`] if it
    /// is not an intact database, or another program's; [`StorageError::Full`] if there is no room to
    /// create it; [`StorageError::Io`] if it cannot be opened, read or created.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StorageError> {
        let path = path.as_ref().to_path_buf();
        let place = path.display().to_string();
        let missing = match fs::metadata(&path) {
            Ok(_) => false,
            Err(error) if error.kind() == io::ErrorKind::NotFound => true,
            Err(error) => return Err(describe_io(&place, &error)),
        };
        if missing {
            create(&path).map_err(|error| describe(&place, error))?;
        }
        RedbStorage::from_opener(place, move || Ok(builder().open(&path)?))
    }

    /// Opens the database on any backend, for instance a simulated disk, or creates it. `backend` is
    /// called again after each failure, and must then return a backend of the same bytes, as the
    /// failure left them.
    ///
    /// # Errors
    ///
    /// As [`RedbStorage::open`].
    pub fn with_backend<B: StorageBackend>(
        place: &str,
        backend: impl Fn() -> B + Send + Sync + 'static,
    ) -> Result<Self, StorageError> {
        RedbStorage::from_opener(place.to_owned(), move || {
            Ok(builder().create_with_backend(backend())?)
        })
    }

    fn from_opener(
        place: String,
        open: impl Fn() -> Result<Database, redb::Error> + Send + Sync + 'static,
    ) -> Result<Self, StorageError> {
        let storage = RedbStorage {
            place,
            open: Box::new(open),
            database: RwLock::new(None),
        };
        storage.reopen()?;
        storage.refuse_foreign_tables()?;
        Ok(storage)
    }

    /// Refuses a database with tables of another program.
    fn refuse_foreign_tables(&self) -> Result<(), StorageError> {
        let foreign = self.run(|database| {
            let transaction = database.begin_read()?;
            let ours = |name: &str| Table::ALL.iter().any(|table| table.name() == name);
            let tables = transaction.list_tables()?;
            let tables = tables.map(|table| table.name().to_owned());
            let multimaps = transaction.list_multimap_tables()?;
            let multimaps = multimaps.map(|table| table.name().to_owned());
            Ok(tables.filter(|name| !ours(name)).chain(multimaps).next())
        })?;
        match foreign {
            None => Ok(()),
            Some(name) => Err(StorageError::Corrupt {
                place: self.place.clone(),
                reason: format!("it has a table {name:?}, which no lockstep database has"),
            }),
        }
    }

    /// Closes the database, if it is open, and opens it.
    fn reopen(&self) -> Result<(), StorageError> {
        let mut database = self
            .database
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        close(&self.place, &mut database);
        *database = Some(catch_engine_panic(&self.place, || (self.open)())?);
        Ok(())
    }

    /// Runs an operation on the open database; if it fails, the database is opened again, now or
    /// before the next operation.
    fn run<T>(
        &self,
        operation: impl FnOnce(&Database) -> Result<T, redb::Error>,
    ) -> Result<T, StorageError> {
        let result = loop {
            let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(database) = &*database {
                break catch_engine_panic(&self.place, || operation(database));
            }
            drop(database);
            self.reopen()?;
        };
        if result.is_err()
            && let Err(error) = self.reopen()
        {
            tracing::error!(%error, "the database could not be opened again after a failure");
        }
        result
    }

    fn read<T>(
        &self,
        table: Table,
        read: impl FnOnce(&redb::ReadOnlyTable<&'static [u8], &'static [u8]>) -> Result<T, redb::Error>,
        absent: T,
    ) -> Result<T, StorageError> {
        self.run(
            |database| match database.begin_read()?.open_table(definition(table)) {
                Ok(table) => read(&table),
                Err(TableError::TableDoesNotExist(_)) => Ok(absent),
                Err(error) => Err(error.into()),
            },
        )
    }
}

impl Storage for RedbStorage {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.read(
            table,
            |table| Ok(table.get(key)?.map(|value| value.value().to_vec())),
            None,
        )
    }

    fn get_many(
        &self,
        table: Table,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Option<Vec<u8>>>, StorageError> {
        self.read(
            table,
            |table| {
                keys.iter()
                    .map(|key| Ok(table.get(&key[..])?.map(|value| value.value().to_vec())))
                    .collect()
            },
            vec![None; keys.len()],
        )
    }

    fn scan(&self, table: Table, start: &[u8], limit: usize) -> Result<Vec<Entry>, StorageError> {
        self.read(
            table,
            |table| {
                table
                    .range(start..)?
                    .take(limit)
                    .map(|entry| {
                        let (key, value) = entry?;
                        Ok((key.value().to_vec(), value.value().to_vec()))
                    })
                    .collect()
            },
            Vec::new(),
        )
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StorageError> {
        self.run(|database| {
            let transaction = database.begin_write()?;
            for (table, changes) in batch.tables() {
                let mut table = transaction.open_table(definition(table))?;
                for (key, value) in changes {
                    match value {
                        Some(value) => table.insert(&key[..], &value[..])?,
                        None => table.remove(&key[..])?,
                    };
                }
            }
            transaction.commit()?;
            Ok(())
        })
    }
}

impl Drop for RedbStorage {
    fn drop(&mut self) {
        let database = self.database.get_mut();
        close(
            &self.place,
            database.unwrap_or_else(PoisonError::into_inner),
        );
    }
}

/// Closes the database, if it is open. Closing writes, and may fail on a medium that failed before,
/// which the caller knows.
fn close(place: &str, database: &mut Option<Database>) {
    let closed = catch_engine_panic(place, || {
        *database = None;
        Ok(())
    });
    if let Err(error) = closed {
        tracing::warn!(%error, "the database did not close cleanly");
    }
}

fn definition(table: Table) -> TableDefinition<'static, &'static [u8], &'static [u8]> {
    TableDefinition::new(table.name())
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES);
    // Without the check redb trusts the file, and a damaged one makes it panic.
    builder.set_check_integrity_on_open(true);
    builder
}

/// Creates an empty database under another name and moves it into place: a crash on the way must
/// not leave a file that does not open, and of several creators at once none may replace the
/// file that another has opened already.
fn create(path: &Path) -> Result<(), redb::Error> {
    static CREATIONS: AtomicU64 = AtomicU64::new(0);
    let number = CREATIONS.fetch_add(1, Ordering::Relaxed);
    let mut prepared = path.as_os_str().to_owned();
    prepared.push(format!(".{}-{number}.new", std::process::id()));
    let prepared = PathBuf::from(prepared);
    // An earlier process with the same number may have left it behind.
    if let Err(error) = fs::remove_file(&prepared)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error.into());
    }
    builder().create(&prepared)?.close()?;
    let moved = match fs::hard_link(&prepared, path) {
        // Another creator was quicker; its file is as good.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        // A file system without links.
        Err(_) => fs::rename(&prepared, path),
        Ok(()) => Ok(()),
    };
    // Gone already if it was renamed.
    let _ = fs::remove_file(&prepared);
    moved?;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    // The new name itself must survive a power failure.
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(())
}

/// Runs a database operation; turns a panic of the engine, which damage on the disk can cause, into an
/// error.
fn catch_engine_panic<T>(
    place: &str,
    operation: impl FnOnce() -> Result<T, redb::Error>,
) -> Result<T, StorageError> {
    match catch_unwind(AssertUnwindSafe(operation)) {
        Ok(result) => result.map_err(|error| describe(place, error)),
        Err(_) => Err(StorageError::Corrupt {
            place: place.to_owned(),
            reason: "the database engine gave up on what it found".to_owned(),
        }),
    }
}

fn describe(place: &str, error: redb::Error) -> StorageError {
    let place = place.to_owned();
    match error {
        redb::Error::Io(error) => describe_io(&place, &error),
        redb::Error::DatabaseAlreadyOpen => StorageError::InUse { place },
        redb::Error::Corrupted(_)
        | redb::Error::UpgradeRequired(_)
        | redb::Error::RepairAborted
        | redb::Error::TableTypeMismatch { .. }
        | redb::Error::TableIsMultimap(_)
        | redb::Error::TypeDefinitionChanged { .. } => StorageError::Corrupt {
            place,
            reason: error.to_string(),
        },
        other => StorageError::Io {
            place,
            reason: other.to_string(),
        },
    }
}

fn describe_io(place: &str, error: &io::Error) -> StorageError {
    let place = place.to_owned();
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            StorageError::Full { place }
        }
        // With these redb reports a file that does not begin like one of its own, or ends too early.
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => StorageError::Corrupt {
            place,
            reason: error.to_string(),
        },
        _ => StorageError::Io {
            place,
            reason: error.to_string(),
        },
    }
}
