//! The mempool beside core.

use std::sync::Arc;

use lockstep_core::chain::{Mempool, MempoolError, MempoolLimits};
use lockstep_core::model::{Hash, Header, PublicKey, Transaction};
use lockstep_core::storage::{Storage, StorageError};

use super::{Core, Pooled, SubjectError};
use crate::oracle::NotAccepted;
use crate::world::BlockResult;

impl<S: Storage> Pooled for Core<S> {
    fn begin_pool(&mut self, transactions: usize, bytes: u64) {
        let network = self.chain.as_ref().map(|chain| chain.rules().network);
        let limits = MempoolLimits {
            transactions,
            bytes,
        };
        self.pool = network.map(|network| {
            let pool = Mempool::new(network, limits);
            match &self.verifier {
                Some(verifier) => pool.with_verifier(Arc::clone(verifier)),
                None => pool,
            }
        });
    }

    fn submit(&mut self, transaction: Transaction) -> Result<Hash, NotAccepted> {
        let pool = self.pool.as_mut().expect("a pool was begun");
        pool.insert(transaction).map_err(|error| match error {
            MempoolError::Rejected(rejection) => NotAccepted::Rejected(rejection),
            MempoolError::Known => NotAccepted::Known,
            MempoolError::Underpriced { offered } => NotAccepted::Underpriced(offered),
            MempoolError::Full => NotAccepted::Full,
        })
    }

    fn pool_size(&self) -> (usize, u64) {
        self.pool.as_ref().map_or((0, 0), Mempool::size)
    }

    fn chosen(&self, count: usize, bytes: u64) -> Result<Vec<Transaction>, SubjectError> {
        let (chain, pool) = (self.chain()?, self.pool.as_ref().expect("a pool was begun"));
        let nonce_of = |account| Ok::<_, StorageError>(chain.nonce(account)?.unwrap_or_default());
        Ok(pool.choose(nonce_of, count, bytes)?)
    }

    fn propose(&self, miner: PublicKey) -> Result<Header, SubjectError> {
        let pool = self.pool.as_ref().expect("a pool was begun");
        Ok(self.chain()?.template(pool, miner)?)
    }

    fn add_header(&mut self, header: &Header) -> Result<BlockResult, SubjectError> {
        let mut added = self.chain()?.add_header(header)?;
        if let Some(from) = added.recovered_from.take() {
            self.recovered_panic = Some(from);
        }
        Ok(self.told(added))
    }
}
