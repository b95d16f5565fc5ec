//! The fee for a receiver that the transaction does not touch otherwise.

use std::cell::Cell;

use alloy_primitives::U256;
use revm::context::result::{EVMError, HaltReason, InvalidTransaction};
use revm::context::{Block as _, ContextTr, JournalTr, Transaction as _};
use revm::handler::{EvmTr, FrameResult, Handler, post_execution};
use revm::primitives::hardfork::SpecId;

use super::view::{Blocked, View};
use crate::machine::Machine;

/// The fee of a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fee {
    /// It is in the receiver's balance.
    Paid(U256),
    /// It is still to be paid.
    Left(U256),
}

/// revm's handler, which leaves the fee to the caller unless the receiver is loaded.
///
/// A transaction that loaded the receiver has read its balance, and writes it whole. One that did not
/// would only read it for the sake of the fee, and every transaction would wait for the one before.
#[derive(Default, Debug)]
pub(super) struct FeeLeft<'v> {
    fee: Cell<Option<Fee>>,
    view: std::marker::PhantomData<&'v ()>,
}

impl FeeLeft<'_> {
    /// The fee, `None` if the transaction was invalid.
    pub(super) fn fee(&self) -> Option<Fee> {
        self.fee.get()
    }
}

impl<'v> Handler for FeeLeft<'v> {
    type Evm = Machine<View<'v>>;
    type Error = EVMError<Blocked, InvalidTransaction>;
    type HaltReason = HaltReason;

    fn reward_beneficiary(
        &self,
        machine: &mut Self::Evm,
        result: &mut FrameResult,
    ) -> Result<(), Self::Error> {
        let context = machine.ctx();
        let receiver = context.block().beneficiary();
        let base_fee = u128::from(context.block().basefee());
        let price = context.tx().effective_gas_price(base_fee);
        let is_burnt = context.cfg().spec().is_enabled_in(SpecId::LONDON);
        let price = if is_burnt {
            price.saturating_sub(base_fee)
        } else {
            price
        };
        let fee = U256::from(price) * U256::from(result.gas().used());
        if context.journal().evm_state().contains_key(&receiver) {
            self.fee.set(Some(Fee::Paid(fee)));
            return Ok(post_execution::reward_beneficiary(context, result.gas())?);
        }
        self.fee.set(Some(Fee::Left(fee)));
        Ok(())
    }
}
