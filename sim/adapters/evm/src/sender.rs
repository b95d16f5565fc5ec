//! The sender of a transaction, recovered from its signature.

use alloy_primitives::{Address, B256, Bytes, Signature, U256, keccak256};

use crate::block::{Kind, Transaction};
use crate::encoding::{item, list};
use crate::roots::type_byte;

/// A signature as transactions carry it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Signed {
    /// The parity, for legacy transactions with 27 or with the chain added.
    pub v: u64,
    /// The x coordinate of the commitment.
    pub r: U256,
    /// The response.
    pub s: U256,
}

/// The account that signed `transaction`; `None` if the signature is of no account, and for
/// transactions with delegations, whose signed form holds more signatures than the plain data keeps.
pub fn sender(transaction: &Transaction, signed: Signed) -> Option<Address> {
    let is_legacy = matches!(transaction.kind, Kind::Legacy { .. });
    let is_odd = match (is_legacy, signed.v) {
        (true, 27 | 28) => signed.v == 28,
        (true, v) => v % 2 == 0,
        (false, v) => v == 1,
    };
    let hash = signing_hash(transaction, signed)?;
    let signature = Signature::new(signed.r, signed.s, is_odd);
    signature.recover_address_from_prehash(&hash).ok()
}

fn signing_hash(it: &Transaction, signed: Signed) -> Option<B256> {
    let to = it
        .to
        .map_or_else(Bytes::new, |to| Bytes::copy_from_slice(to.as_slice()));
    let call = [
        item(&it.gas_limit),
        item(&to),
        item(&it.value),
        item(&it.data),
    ];
    let chain = item(&it.chain_id.unwrap_or_default());
    let nonce = item(&it.nonce);
    let accounts = it.access_list.iter().map(|(address, slots)| {
        let slots: Vec<_> = slots.iter().map(|slot| item(slot)).collect();
        list(&[item(address), list(&slots)])
    });
    let accounts = list(&accounts.collect::<Vec<_>>());
    let fields = match &it.kind {
        Kind::Legacy { gas_price } => {
            let mut fields = vec![nonce, item(gas_price)];
            fields.extend(call);
            if signed.v > 28 {
                let chain = (signed.v - 35) / 2;
                fields.extend([item(&chain), item(&0u8), item(&0u8)]);
            }
            fields
        }
        Kind::AccessList { gas_price } => {
            let mut fields = vec![chain, nonce, item(gas_price)];
            fields.extend(call);
            fields.push(accounts);
            fields
        }
        Kind::DynamicFee {
            max_fee,
            priority_fee,
        } => {
            let mut fields = vec![chain, nonce, item(priority_fee), item(max_fee)];
            fields.extend(call);
            fields.push(accounts);
            fields
        }
        Kind::Blob {
            max_fee,
            priority_fee,
            max_blob_fee,
            hashes,
        } => {
            let hashes: Vec<_> = hashes.iter().map(|hash| item(hash)).collect();
            let mut fields = vec![chain, nonce, item(priority_fee), item(max_fee)];
            fields.extend(call);
            fields.extend([accounts, item(max_blob_fee), list(&hashes)]);
            fields
        }
        Kind::Delegation { .. } => return None,
    };
    Some(keccak256([type_byte(&it.kind), list(&fields)].concat()))
}
