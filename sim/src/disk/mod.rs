//! A disk under redb that does what disks do: it forgets what was not synced, tears it, fails, fills up.
//!
//! It knows nothing of databases or ledgers. Every call is counted; which one goes wrong, and what is
//! left after a crash, is said by whoever sets it up, so that a run is repeated by its numbers.
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

/// What is on a disk that is switched off.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Image(Vec<u8>);

impl Image {
    /// The bytes.
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

/// A kind of call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Call {
    /// Every kind.
    Any,
    /// How long is it?
    Len,
    /// Read.
    Read,
    /// Make it longer or shorter.
    SetLen,
    /// Write.
    Write,
    /// Make durable what was written.
    Sync,
}

/// Something that goes wrong. Calls are counted from 0, the next one, whenever this is armed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskFault {
    /// The power goes in the middle of this call: it fails, and so does every later one. What it
    /// would have written may have arrived or not.
    PowerCut {
        /// Which call.
        at: u64,
    },
    /// Calls of a kind fail.
    Fails {
        /// Which kind; only its calls are counted.
        call: Call,
        /// The first that fails.
        at: u64,
        /// How many fail, one after another.
        count: u64,
    },
    /// There is no room for any write or longer file after so many writes.
    Full {
        /// So many writes have room.
        after: u64,
    },
}

/// One disk with several owners, and many handles one after another: a clone is the same disk.
#[derive(Clone, Debug, Default)]
pub struct Disk(Arc<Mutex<State>>);

impl Disk {
    /// A disk with this on it, all of it durable.
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

    /// Opens the database on it; makes one where it is empty.
    ///
    /// # Errors
    ///
    /// Where what was armed comes true, or what is on it is no database.
    pub fn open(&self) -> Result<RedbStorage, StorageError> {
        let disk = self.clone();
        RedbStorage::with_backend("the simulated disk", move || disk.backend())
    }

    /// A handle for redb.
    #[must_use]
    pub fn backend(&self) -> Backend {
        Backend(self.clone())
    }

    /// Lets something go wrong, and counts calls from 0.
    pub fn arm(&self, fault: DiskFault) {
        let mut state = self.state();
        state.fault = Some(fault);
        state.counts = Counts::default();
        state.hit = None;
    }

    /// Lets nothing go wrong any more, unless the power is gone. Which kind of call was the first
    /// that went wrong; `None` where it was never reached.
    pub fn disarm(&self) -> Option<Call> {
        let mut state = self.state();
        state.fault = None;
        state.hit.take()
    }

    /// How many calls there were since the last fault was armed, or since the beginning.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.state().counts.all
    }

    /// Switches it off, whatever is in flight, and gives what is left. Later calls of all handles
    /// fail, so that nobody closes cleanly what has crashed.
    #[must_use]
    pub fn crash(&self, loss: Loss) -> Image {
        let mut state = self.state();
        state.is_off = true;
        loss::after(&state.durable, &state.pending, loss)
    }

    /// What is on it as long as it is not switched off.
    #[must_use]
    pub fn image(&self) -> Image {
        Image(self.state().visible.clone())
    }

    /// From now on it answers that all is durable and makes nothing so: a defect that whoever judges
    /// crashes must notice.
    pub fn lie_about_syncs(&self) {
        self.state().lies = true;
    }

    /// From now on keeps what every call did. What is there now counts as durable only as far as it
    /// was synced.
    pub fn record(&self) {
        let mut state = self.state();
        let base = Recording::from(state.durable.clone(), state.pending.clone());
        state.recording = Some(base);
    }

    /// What was recorded, if somebody asked for it.
    #[must_use]
    pub fn recorded(&self) -> Option<Recording> {
        self.state().recording.take()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics half way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What changes a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Change {
    /// It is so long.
    Length(u64),
    /// This stands there.
    Write(u64, Arc<[u8]>),
}

impl Change {
    /// Makes the change, as far as it is within the length.
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Change::Length(length) => bytes.resize(size(*length), 0),
            Change::Write(offset, written) => write(bytes, size(*offset), written),
        }
    }
}

/// Writes what fits.
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
struct State {
    /// As it is read.
    visible: Vec<u8>,
    /// As it was at the last sync.
    durable: Vec<u8>,
    /// Since then, in order.
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

impl State {
    /// Counts a call, and says how it fails if it does. `change` is what it is about to do.
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
                // In flight: it arrives or not, as the loss says.
                self.pending.extend(change.cloned());
                Err(io::Error::other(format!("the power went in call {at}")))
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
                    "{call:?} {of_armed_kind} was told to fail"
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
            // redb makes room first; without, part of the write would be lost without a word.
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        state.change(Call::Write, Change::Write(offset, data.into()))
    }
}

#[cfg(test)]
mod tests;
