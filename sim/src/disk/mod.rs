//! A simulated disk under redb: it loses, reorders and tears unsynced changes, fails and fills up.
//!
//! **Model.** A [`Disk`] is one file, and redb uses it through its ordinary seam, `StorageBackend`.
//! It holds the content that a reader sees, the content at the last sync, and the list of changes
//! since then: writes, and changes of length. A sync applies the list to the durable content and
//! empties it. A crash ([`Disk::crash`]) switches the disk off and returns the durable content plus
//! the changes that survive a [`Loss`], in their order: all or none of them, all but the last or
//! the last alone, the last up to some sector, no change of length, each with probability 1/2, or
//! each [`SECTOR`] of 512 bytes with probability 1/2. The call in which the power is lost fails,
//! and its change is one of those that may survive. Beside that, calls of a kind can fail for a
//! while, and the disk can be full ([`DiskFault`]). The disk knows nothing of databases or ledgers.
//!
//! **Correctness.** The contract of `fsync` is the whole contract: a change before a completed
//! sync survives, and of the changes since then any subset may, sector by sector. Each loss is such
//! a subset, so a database that does not recover from it would not recover from the real disk that
//! kept the same sectors. Nothing depends on time, threads or addresses: every call is counted,
//! faults are positions in that count, losses are functions of a seed, and so a crash is repeated
//! by its numbers. A disk that reports syncs and makes nothing durable ([`Disk::lie_about_syncs`])
//! is a seeded bug that every check of crashes must detect.
//!
//! **Cost.** Two copies of the content in memory, a third while it records, and one of each unsynced write; calls take a lock
//! and no system call. A crash copies the durable content once.
//!
//! **Not covered.** Bits that rot, writes to a wrong place, and syncs that fail and drop their
//! pages, as Linux may do (Rebello et al., *Can Applications Recover from fsync Failures?*, ATC
//! 2020): a failed call changes nothing here, and its predecessors stay pending. File names and
//! directories: redb has one file, which exists. Subsets of changes are sampled, not enumerated.
//! The model of unordered, torn writes is that of ALICE (Pillai et al., *All File Systems Are Not
//! Created Equal*, OSDI 2014).
//!
//! ```
//! use lockstep_core::storage::{Batch, Storage, Table};
//! use lockstep_sim::disk::{Disk, DiskFault, Loss};
//!
//! let disk = Disk::default();
//! let mut storage = disk.open().expect("nothing was set up to fail");
//! let mut batch = Batch::new();
//! batch.put(Table::Meta, b"key".to_vec(), b"value".to_vec());
//!
//! disk.arm(DiskFault::PowerCut { at: 2 });
//! assert!(storage.commit(&batch).is_err());
//! let left = Disk::holding(disk.crash(Loss::Torn(7)));
//! drop(storage);
//!
//! let storage = left.open().expect("what is left can be opened");
//! assert_eq!(storage.get(Table::Meta, b"key").expect("it can be read"), None);
//! ```

mod loss;
mod recording;

pub use loss::{Loss, SECTOR};
pub use recording::{CrashPoint, Recording};

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lockstep_core::storage::{RedbStorage, StorageError};
use redb::StorageBackend;
use serde::{Deserialize, Serialize};

/// Contents of a disk that is switched off.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Image(Vec<u8>);

impl Image {
    /// Returns the bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Image {
    fn from(bytes: Vec<u8>) -> Self {
        Image(bytes)
    }
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hash = blake3::hash(&self.0).to_hex();
        write!(f, "Image({} bytes, {})", self.0.len(), &hash[..8])
    }
}

/// Kind of a call to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Call {
    /// Every kind.
    Any,
    /// Ask for the length.
    Len,
    /// Read.
    Read,
    /// Set the length.
    SetLen,
    /// Write.
    Write,
    /// Make all earlier writes and lengths durable.
    Sync,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Call::Any => "any",
            Call::Len => "len",
            Call::Read => "read",
            Call::SetLen => "set-len",
            Call::Write => "write",
            Call::Sync => "sync",
        })
    }
}

/// A fault of the disk. Calls are counted from 0, beginning when it is armed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskFault {
    /// Power loss in the middle of a call: it fails, and so does every later one. Its change may
    /// have arrived or not.
    PowerCut {
        /// Number of the call.
        at: u64,
    },
    /// Calls of a kind fail.
    Fails {
        /// Kind; only its calls are counted.
        call: Call,
        /// Number of the first call that fails.
        at: u64,
        /// Number of consecutive calls that fail.
        count: u64,
    },
    /// The disk is full: every later write, and every `set_len` to more, fails.
    Full {
        /// Number of writes that still fit.
        after: u64,
    },
}

/// A simulated disk with any number of handles; a clone is the same disk.
#[derive(Clone, Debug, Default)]
pub struct Disk(Arc<Mutex<DiskState>>);

impl Disk {
    /// Creates a disk with this content, all of it durable.
    #[must_use]
    pub fn holding(image: Image) -> Self {
        let disk = Disk::default();
        {
            let mut state = disk.state();
            state.visible.clone_from(&image.0);
            state.durable = image.0;
        }
        disk
    }

    /// Opens the database on it; creates one if it is empty.
    ///
    /// # Errors
    ///
    /// [`StorageError`] if an armed fault happens, or if the content is no database.
    pub fn open(&self) -> Result<RedbStorage, StorageError> {
        let disk = self.clone();
        RedbStorage::with_backend("the simulated disk", move || disk.backend())
    }

    /// Creates a handle for redb.
    #[must_use]
    pub fn backend(&self) -> Backend {
        Backend(self.clone())
    }

    /// Arms a fault, and counts calls from 0.
    pub fn arm(&self, fault: DiskFault) {
        let mut state = self.state();
        state.fault = Some(fault);
        state.counts = Counts::default();
        state.hit = None;
    }

    /// Disarms the fault; the power stays off if it is. Returns the kind of the first call that
    /// failed; `None` if none did.
    pub fn disarm(&self) -> Option<Call> {
        let mut state = self.state();
        state.fault = None;
        state.hit.take()
    }

    /// Returns the number of calls since the last fault was armed, or since the beginning.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.state().counts.all
    }

    /// Switches the disk off and returns what a loss leaves of it. Later calls of all handles fail,
    /// so that a crashed database is not closed cleanly.
    #[must_use]
    pub fn crash(&self, loss: Loss) -> Image {
        let mut state = self.state();
        state.is_off = true;
        loss::after(&state.durable, &state.pending, loss)
    }

    /// Returns the content as a reader sees it while the disk is on.
    #[must_use]
    pub fn image(&self) -> Image {
        Image(self.state().visible.clone())
    }

    /// From now on reports syncs as done and makes nothing durable: a seeded bug that a check of
    /// crashes must detect.
    pub fn lie_about_syncs(&self) {
        self.state().lies = true;
    }

    /// Records every call from now on. Content counts as durable only as far as it was synced.
    pub fn record(&self) {
        let mut state = self.state();
        let base = Recording::from(state.durable.clone(), state.pending.clone());
        state.recording = Some(base);
    }

    /// Returns the recording and ends it; `None` without one.
    #[must_use]
    pub fn recorded(&self) -> Option<Recording> {
        self.state().recording.take()
    }

    fn state(&self) -> MutexGuard<'_, DiskState> {
        // No code panics half way through a change of it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A change of the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Change {
    /// The new length.
    Length(u64),
    /// Bytes at an offset.
    Write(u64, Arc<[u8]>),
}

impl Change {
    /// Applies the change, as far as it is within the length.
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Change::Length(length) => bytes.resize(size(*length), 0),
            Change::Write(offset, written) => write(bytes, size(*offset), written),
        }
    }
}

/// Writes the part that fits.
fn write(bytes: &mut [u8], start: usize, written: &[u8]) {
    let end = bytes.len().min(start.saturating_add(written.len()));
    if start < end {
        bytes[start..end].copy_from_slice(&written[..end - start]);
    }
}

fn size(number: u64) -> usize {
    usize::try_from(number).expect("a simulated disk fits in memory")
}

#[derive(Debug, Default)]
struct DiskState {
    /// Content as it is read.
    visible: Vec<u8>,
    /// Content at the last sync.
    durable: Vec<u8>,
    /// Changes since then, in order.
    pending: Vec<Change>,
    counts: Counts,
    fault: Option<DiskFault>,
    hit: Option<Call>,
    is_off: bool,
    lies: bool,
    recording: Option<Recording>,
}

/// Calls since the last fault was armed.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    all: u64,
    of_armed_kind: u64,
    writes: u64,
}

impl DiskState {
    /// Counts a call and fails it if a fault says so. `change` is the change it is about to make.
    fn call(&mut self, call: Call, change: Option<&Change>) -> io::Result<()> {
        if self.is_off {
            return Err(io::Error::other("the power is off"));
        }
        if let Some(recording) = &mut self.recording {
            recording.push(call, change.cloned());
        }
        let Counts {
            all,
            of_armed_kind,
            writes,
        } = self.counts;
        self.counts.all += 1;
        self.counts.writes += u64::from(call == Call::Write);
        match self.fault {
            Some(DiskFault::PowerCut { at }) if all == at => {
                self.hit.get_or_insert(call);
                self.is_off = true;
                // In flight: the loss decides whether it arrives.
                self.pending.extend(change.cloned());
                Err(io::Error::other(format!("power lost in call {at}")))
            }
            Some(DiskFault::Fails {
                call: armed,
                at,
                count,
            }) if armed == Call::Any || armed == call => {
                self.counts.of_armed_kind += 1;
                if of_armed_kind < at || of_armed_kind - at >= count {
                    return Ok(());
                }
                self.hit.get_or_insert(call);
                Err(io::Error::other(format!(
                    "injected failure of {call} {of_armed_kind}"
                )))
            }
            Some(DiskFault::Full { after }) if writes >= after => {
                let needs_room = match change {
                    Some(Change::Write(..)) => true,
                    Some(Change::Length(length)) => size(*length) > self.visible.len(),
                    None => false,
                };
                if !needs_room {
                    return Ok(());
                }
                self.hit.get_or_insert(call);
                Err(io::ErrorKind::StorageFull.into())
            }
            _ => Ok(()),
        }
    }

    fn change(&mut self, call: Call, change: Change) -> io::Result<()> {
        self.call(call, Some(&change))?;
        change.apply(&mut self.visible);
        self.pending.push(change);
        Ok(())
    }
}

/// A handle of redb on a [`Disk`].
#[derive(Debug)]
pub struct Backend(Disk);

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        let mut state = self.0.state();
        state.call(Call::Len, None)?;
        Ok(state.visible.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut state = self.0.state();
        state.call(Call::Read, None)?;
        let start = size(offset);
        let bytes = state.visible.get(start..start.saturating_add(out.len()));
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.0.state().change(Call::SetLen, Change::Length(length))
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.0.state();
        state.call(Call::Sync, None)?;
        if !state.lies {
            let state = &mut *state;
            for change in state.pending.drain(..) {
                change.apply(&mut state.durable);
            }
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.0.state();
        let end = size(offset).saturating_add(data.len());
        if end > state.visible.len() {
            // redb sets the length first; otherwise part of the write would be lost silently.
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        state.change(Call::Write, Change::Write(offset, data.into()))
    }
}

#[cfg(test)]
mod tests;
