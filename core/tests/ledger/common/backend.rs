//! A medium for redb: bytes in memory with limited room, and calls that fail when told to.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use redb::StorageBackend;

/// One medium with several owners.
#[derive(Clone, Debug, Default)]
pub(crate) struct Medium(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    bytes: Vec<u8>,
    room: Option<u64>,
    calls: usize,
    /// The first call that fails, and the number of calls that do from there on.
    failing: Option<(usize, usize)>,
}

impl Medium {
    /// A medium with these bytes on it.
    pub(crate) fn holding(bytes: Vec<u8>) -> Self {
        let medium = Medium::default();
        medium.inner().bytes = bytes;
        medium
    }

    /// Sets the number of bytes that fit.
    pub(crate) fn set_room(&self, room: Option<u64>) {
        self.inner().room = room;
    }

    /// Turns one byte over.
    pub(crate) fn damage(&self, position: usize) {
        self.inner().bytes[position] ^= 0xff;
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.inner().bytes.clone()
    }

    /// Makes `count` calls fail, from call number `first` on, the next being number 0.
    pub(crate) fn fail(&self, first: usize, count: usize) {
        let mut inner = self.inner();
        inner.calls = 0;
        inner.failing = Some((first, count));
    }

    /// Makes no call fail; returns the number of calls since some were told to fail.
    pub(crate) fn heal(&self) -> usize {
        let mut inner = self.inner();
        inner.failing = None;
        inner.calls
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("no call to the medium panics")
    }

    fn call(&self) -> io::Result<MutexGuard<'_, Inner>> {
        let mut inner = self.inner();
        let number = inner.calls;
        inner.calls += 1;
        match inner.failing {
            Some((first, count)) if number >= first && number - first < count => {
                Err(io::Error::other(format!("call {number} was told to fail")))
            }
            _ => Ok(inner),
        }
    }
}

impl StorageBackend for Medium {
    fn len(&self) -> io::Result<u64> {
        Ok(self.call()?.bytes.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let inner = self.call()?;
        let start = usize::try_from(offset).expect("an offset fits in memory");
        let bytes = inner.bytes.get(start..start + out.len());
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut inner = self.call()?;
        let grows = length > inner.bytes.len() as u64;
        if grows && inner.room.is_some_and(|room| length > room) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let length = usize::try_from(length).expect("a length fits in memory");
        inner.bytes.resize(length, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.call().map(|_| ())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut inner = self.call()?;
        let start = usize::try_from(offset).expect("an offset fits in memory");
        inner.bytes[start..start + data.len()].copy_from_slice(data);
        Ok(())
    }
}
