//! Arguments of the functions beside transactions. The same in every process.

use std::convert::Infallible;

use lockstep_benches::unsigned::bytes;
use lockstep_core::model::{Amount, Asset, Hash, Multisig, Nonce, PublicKey};
use lockstep_core::transition::StateView;

/// Returns `count` hashes.
pub(crate) fn hashes(count: u32) -> Vec<Hash> {
    (0..count).map(|number| Hash(bytes(number))).collect()
}

/// A state in which every account is new and has enough of everything, so that only the transition itself
/// is counted.
pub(crate) struct Plenty;

impl StateView for Plenty {
    type Error = Infallible;

    fn nonce(&mut self, _: PublicKey) -> Result<Option<Nonce>, Infallible> {
        Ok(Some(Nonce(0)))
    }

    fn multisig(&mut self, _: PublicKey) -> Result<Option<Multisig>, Infallible> {
        Ok(None)
    }

    fn balance(&mut self, _: PublicKey, _: Asset) -> Result<Amount, Infallible> {
        Ok(Amount(u64::MAX))
    }
}
