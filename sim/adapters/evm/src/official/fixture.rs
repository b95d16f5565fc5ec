//! Chains of the official tests, read from JSON.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bloom, U256};
use serde_json::Value;

use crate::block::{Authorization, Block, Environment, Fork, Kind, Ommer, Transaction, Withdrawal};
use crate::json::{address, array, bytes, hash, member, number, optional, required, small};
use crate::sender::{Signed, sender};
use crate::state::{Account, Code, State};

/// The claims of a header about the execution of its block.
#[derive(Clone, Debug)]
pub struct Claims {
    /// Gas used by all its transactions.
    pub gas_used: u64,
    /// The root of the receipts.
    pub receipts_root: B256,
    /// The bloom filter of the events.
    pub bloom: Bloom,
    /// The root of the state after it.
    pub state_root: B256,
}

/// A block, and the claims of its header.
#[derive(Clone, Debug)]
pub struct ClaimedBlock {
    /// The block.
    pub block: Block,
    /// The claims.
    pub claims: Claims,
}

/// A chain with the states before and after it.
#[derive(Clone, Debug)]
pub struct Chain {
    /// The name of the test.
    pub name: String,
    /// The state before the first block.
    pub before: State,
    /// The blocks in order.
    pub blocks: Vec<ClaimedBlock>,
    /// The state after the last block, `None` where the test names its root alone.
    pub after: Option<State>,
    /// Senders that the test does not name and that were recovered.
    pub recovered: usize,
}

/// A chain that is not executed, with the reason.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeftOut {
    /// The name of the test.
    pub name: String,
    /// The reason.
    pub reason: String,
}

/// The chains of one file.
///
/// # Errors
/// If the text is no JSON, or no test in this format.
pub fn chains(text: &str) -> Result<Vec<Result<Chain, LeftOut>>, String> {
    let file: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let tests = file.as_object().ok_or("the file is not an object")?;
    let chains = tests.iter().map(|(name, test)| {
        let chain = chain(name, test).map_err(|error| format!("{name}: {error}"))?;
        Ok(chain.map_err(|reason| LeftOut {
            name: name.clone(),
            reason,
        }))
    });
    chains.collect()
}

/// The chain of a test; the inner error is the reason for which it is left out.
fn chain(name: &str, test: &Value) -> Result<Result<Chain, String>, String> {
    let network = member(test, "network")?.as_str().unwrap_or_default();
    let genesis = member(test, "genesisBlockHeader")?;
    let mut hashes = BTreeMap::new();
    hashes.insert(
        required(genesis, "number", small)?,
        required(genesis, "hash", hash)?,
    );
    let mut blocks = Vec::new();
    let mut recovered = 0;
    for block in array(member(test, "blocks")?)? {
        if block.get("expectException").is_some() {
            return Ok(Err("it has a block that must be refused".to_owned()));
        }
        let header = member(block, "blockHeader")?;
        let number: u64 = required(header, "number", small)?;
        let Some(fork) = fork(network, number, required(header, "timestamp", small)?) else {
            return Ok(Err(format!("there are no rules for the network {network}")));
        };
        let mut transactions = Vec::new();
        for transaction in array(member(block, "transactions")?)? {
            let (transaction, was_recovered) = self::transaction(transaction)?;
            recovered += usize::from(was_recovered);
            transactions.push(transaction);
        }
        let block = Block {
            fork,
            environment: environment(header, hashes.clone())?,
            transactions,
            ommers: ommers(block)?,
            withdrawals: withdrawals(block)?,
        };
        hashes.insert(number, required(header, "hash", hash)?);
        let claims = claims(header)?;
        blocks.push(ClaimedBlock { block, claims });
    }
    Ok(Ok(Chain {
        name: name.to_owned(),
        before: required(test, "pre", state)?,
        blocks,
        after: optional(test, "postState", state)?,
        recovered,
    }))
}

/// The fork of a block in a network of the tests, `None` if there are no rules for it.
fn fork(network: &str, number: u64, timestamp: u64) -> Option<Fork> {
    if let Some((before, rest)) = network.split_once("To") {
        let (after, is_after) = if let Some((after, time)) = rest.split_once("AtTime") {
            let seconds = time
                .strip_suffix('k')
                .map(|thousands| format!("{thousands}000"));
            let time: u64 = seconds.as_deref().unwrap_or(time).parse().ok()?;
            (after, timestamp >= time)
        } else {
            let (after, height) = rest.split_once("At")?;
            (after, number >= height.parse().ok()?)
        };
        return named(if is_after { after } else { before });
    }
    named(network)
}

fn named(network: &str) -> Option<Fork> {
    Some(match network {
        "Frontier" => Fork::Frontier,
        "Homestead" => Fork::Homestead,
        "EIP150" => Fork::TangerineWhistle,
        "EIP158" => Fork::SpuriousDragon,
        "Byzantium" => Fork::Byzantium,
        "ConstantinopleFix" => Fork::Petersburg,
        "Istanbul" => Fork::Istanbul,
        "Berlin" => Fork::Berlin,
        "London" => Fork::London,
        "Merge" | "Paris" => Fork::Paris,
        "Shanghai" => Fork::Shanghai,
        "Cancun" => Fork::Cancun,
        "Prague" => Fork::Prague,
        "Osaka" => Fork::Osaka,
        _ => return None,
    })
}

fn environment(header: &Value, hashes: BTreeMap<u64, B256>) -> Result<Environment, String> {
    Ok(Environment {
        number: required(header, "number", small)?,
        beneficiary: required(header, "coinbase", address)?,
        timestamp: required(header, "timestamp", small)?,
        gas_limit: required(header, "gasLimit", small)?,
        base_fee: optional(header, "baseFeePerGas", small)?.unwrap_or_default(),
        difficulty: required(header, "difficulty", number)?,
        prev_randao: required(header, "mixHash", hash)?,
        excess_blob_gas: optional(header, "excessBlobGas", small)?.unwrap_or_default(),
        parent_beacon_root: optional(header, "parentBeaconBlockRoot", hash)?.unwrap_or_default(),
        hashes,
    })
}

fn claims(header: &Value) -> Result<Claims, String> {
    let bloom = required(header, "bloom", bytes)?;
    let bloom = Bloom::try_from(bloom.as_ref());
    Ok(Claims {
        gas_used: required(header, "gasUsed", small)?,
        receipts_root: required(header, "receiptTrie", hash)?,
        bloom: bloom.map_err(|_| "the bloom filter has not 256 bytes".to_owned())?,
        state_root: required(header, "stateRoot", hash)?,
    })
}

fn ommers(block: &Value) -> Result<Vec<Ommer>, String> {
    let Some(headers) = block.get("uncleHeaders") else {
        return Ok(Vec::new());
    };
    let headers = array(headers)?.iter().map(|header| {
        Ok(Ommer {
            number: required(header, "number", small)?,
            beneficiary: required(header, "coinbase", address)?,
        })
    });
    headers.collect()
}

fn withdrawals(block: &Value) -> Result<Vec<Withdrawal>, String> {
    let Some(withdrawals) = block.get("withdrawals") else {
        return Ok(Vec::new());
    };
    let withdrawals = array(withdrawals)?.iter().map(|it| {
        Ok(Withdrawal {
            address: required(it, "address", address)?,
            gwei: required(it, "amount", small)?,
        })
    });
    withdrawals.collect()
}

fn state(value: &Value) -> Result<State, String> {
    let accounts = value.as_object().ok_or("a state is an object")?;
    let accounts = accounts.iter().map(|(address, it)| {
        let slots = member(it, "storage")?
            .as_object()
            .ok_or("storage is an object")?;
        let mut account = Account {
            balance: required(it, "balance", number)?,
            nonce: required(it, "nonce", small)?,
            code: Code::new(required(it, "code", bytes)?),
            storage: BTreeMap::new(),
        };
        for (slot, value) in slots {
            account.set_slot(number(&Value::from(slot.as_str()))?, number(value)?);
        }
        Ok::<_, String>((self::address(&Value::from(address.as_str()))?, account))
    });
    let accounts = accounts.collect::<Result<_, _>>()?;
    Ok(State { accounts })
}

/// A transaction, and true if its sender was recovered for want of a name.
///
/// A sender that is named must be the one that signed.
fn transaction(it: &Value) -> Result<(Transaction, bool), String> {
    let named = optional(it, "sender", address)?;
    let signed = Signed {
        v: required(it, "v", small)?,
        r: required(it, "r", number)?,
        s: required(it, "s", number)?,
    };
    let chain_id = match (optional(it, "chainId", small)?, signed.v) {
        (Some(chain), _) => Some(chain),
        (None, 35..) if it.get("type").is_none() => Some((signed.v - 35) / 2),
        (None, _) => None,
    };
    let to = member(it, "to")?;
    let is_creation = to.as_str().is_some_and(|to| to.is_empty() || to == "0x");
    let access_list = match it.get("accessList") {
        Some(list) => array(list)?.iter().map(warm).collect::<Result<_, _>>()?,
        None => Vec::new(),
    };
    let mut transaction = Transaction {
        sender: named.unwrap_or_default(),
        to: if is_creation {
            None
        } else {
            Some(address(to)?)
        },
        nonce: required(it, "nonce", small)?,
        value: required(it, "value", number)?,
        data: required(it, "data", bytes)?,
        gas_limit: required(it, "gasLimit", small)?,
        chain_id,
        access_list,
        kind: kind(it)?,
    };
    let recovered = sender(&transaction, signed);
    match (named, recovered) {
        (None, None) => return Err("neither names a sender nor is signed by one".to_owned()),
        (Some(named), Some(recovered)) if named != recovered => {
            return Err(format!(
                "names the sender {named}, and is signed by {recovered}"
            ));
        }
        (None, Some(recovered)) => transaction.sender = recovered,
        (Some(_), _) => {}
    }
    Ok((transaction, named.is_none()))
}

fn warm(item: &Value) -> Result<(Address, Vec<B256>), String> {
    let slots = array(member(item, "storageKeys")?)?;
    let slots = slots.iter().map(hash).collect::<Result<_, _>>()?;
    Ok((required(item, "address", address)?, slots))
}

fn kind(it: &Value) -> Result<Kind, String> {
    let fee = |name: &str| required::<u128>(it, name, small);
    let kind: u8 = optional(it, "type", small)?.unwrap_or_default();
    Ok(match kind {
        0 => Kind::Legacy {
            gas_price: fee("gasPrice")?,
        },
        1 => Kind::AccessList {
            gas_price: fee("gasPrice")?,
        },
        2 => Kind::DynamicFee {
            max_fee: fee("maxFeePerGas")?,
            priority_fee: fee("maxPriorityFeePerGas")?,
        },
        3 => {
            let hashes = array(member(it, "blobVersionedHashes")?)?;
            Kind::Blob {
                max_fee: fee("maxFeePerGas")?,
                priority_fee: fee("maxPriorityFeePerGas")?,
                max_blob_fee: fee("maxFeePerBlobGas")?,
                hashes: hashes.iter().map(hash).collect::<Result<_, _>>()?,
            }
        }
        4 => {
            let list = array(member(it, "authorizationList")?)?;
            Kind::Delegation {
                max_fee: fee("maxFeePerGas")?,
                priority_fee: fee("maxPriorityFeePerGas")?,
                authorizations: list.iter().map(authorization).collect::<Result<_, _>>()?,
            }
        }
        other => return Err(format!("there are no transactions of type {other}")),
    })
}

fn authorization(it: &Value) -> Result<Authorization, String> {
    Ok(Authorization {
        chain_id: required::<U256>(it, "chainId", number)?,
        delegate: required(it, "address", address)?,
        nonce: required(it, "nonce", small)?,
        authority: optional(it, "signer", address)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_that_changes_its_rules_does_so_at_its_time_or_height() {
        let cases = [
            ("Cancun", 9, 9, Some(Fork::Cancun)),
            ("ShanghaiToCancunAtTime15k", 9, 14_999, Some(Fork::Shanghai)),
            ("ShanghaiToCancunAtTime15k", 9, 15_000, Some(Fork::Cancun)),
            ("BerlinToLondonAt5", 4, 0, Some(Fork::Berlin)),
            ("BerlinToLondonAt5", 5, 0, Some(Fork::London)),
            ("Constantinople", 1, 1, None),
            ("HomesteadToDaoAt5", 5, 1, None),
        ];
        for (network, number, timestamp, expected) in cases {
            assert_eq!(fork(network, number, timestamp), expected, "{network}");
        }
    }
}
