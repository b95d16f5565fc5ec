//! The state of all accounts as plain ordered maps.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};

/// Code, and its hash.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Code {
    bytes: Bytes,
    hash: B256,
}

impl Code {
    /// Returns `bytes` as code.
    pub fn new(bytes: Bytes) -> Self {
        let hash = keccak256(&bytes);
        Self { bytes, hash }
    }

    /// The bytes as they are stored.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Their Keccak-256.
    pub fn hash(&self) -> B256 {
        self.hash
    }
}

impl Default for Code {
    fn default() -> Self {
        Self {
            bytes: Bytes::new(),
            hash: KECCAK256_EMPTY,
        }
    }
}

/// An account that exists.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Account {
    /// Wei.
    pub balance: U256,
    /// The nonce of its next transaction or creation.
    pub nonce: u64,
    /// Its code, empty for a wallet.
    pub code: Code,
    /// Its slots; a slot of zero is absent.
    pub storage: BTreeMap<U256, U256>,
}

impl Account {
    /// An account with `balance` alone.
    pub fn with_balance(balance: U256) -> Self {
        Self {
            balance,
            ..Self::default()
        }
    }

    /// A contract with `code` and nonce 1.
    pub fn contract(code: impl Into<Bytes>) -> Self {
        Self {
            nonce: 1,
            code: Code::new(code.into()),
            ..Self::default()
        }
    }

    /// True if it has neither balance nor nonce nor code (EIP-161).
    pub fn is_empty(&self) -> bool {
        self.balance.is_zero() && self.nonce == 0 && self.code.bytes.is_empty()
    }

    /// Writes `value` into a slot; zero removes it.
    pub fn set_slot(&mut self, slot: U256, value: U256) {
        if value.is_zero() {
            self.storage.remove(&slot);
        } else {
            self.storage.insert(slot, value);
        }
    }
}

/// All accounts that exist.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct State {
    /// The accounts in the order of their addresses.
    pub accounts: BTreeMap<Address, Account>,
}

impl State {
    /// The sum of all balances.
    ///
    /// # Panics
    /// If it needs more than 256 bits.
    pub fn wei(&self) -> U256 {
        let balances = self.accounts.values().map(|account| account.balance);
        balances.fold(U256::ZERO, |sum, balance| {
            sum.checked_add(balance).expect("all wei fit into 256 bits")
        })
    }

    /// Credits an account, and creates it if it is absent and `amount` is not zero.
    ///
    /// # Panics
    /// If the balance needs more than 256 bits.
    pub fn credit(&mut self, address: Address, amount: U256) {
        if amount.is_zero() {
            return;
        }
        let account = self.accounts.entry(address).or_default();
        let sum = account.balance.checked_add(amount);
        account.balance = sum.expect("a balance fits into 256 bits");
    }

    /// The first difference between two states in a sentence, `None` if they are equal.
    pub fn first_difference(&self, expected: &Self) -> Option<String> {
        let addresses = self.accounts.keys().chain(expected.accounts.keys());
        let addresses: std::collections::BTreeSet<_> = addresses.collect();
        addresses.into_iter().find_map(|address| {
            let pair = (self.accounts.get(address), expected.accounts.get(address));
            match pair {
                (Some(_), None) => Some(format!("{address} exists, and is expected to be absent")),
                (None, Some(_)) => Some(format!("{address} is absent, and is expected to exist")),
                (Some(found), Some(expected)) => difference(address, found, expected),
                (None, None) => None,
            }
        })
    }
}

fn difference(address: &Address, found: &Account, expected: &Account) -> Option<String> {
    let differs = |name: &str, found: &str, expected: &str| {
        (found != expected).then(|| format!("{name} of {address} is {found}, expected {expected}"))
    };
    let number = |value: U256| value.to_string();
    let slots = found.storage.keys().chain(expected.storage.keys());
    let slots: std::collections::BTreeSet<_> = slots.collect();
    differs("balance", &number(found.balance), &number(expected.balance))
        .or_else(|| {
            let (found, expected) = (found.nonce.to_string(), expected.nonce.to_string());
            differs("nonce", &found, &expected)
        })
        .or_else(|| {
            let (found, expected) = (found.code.hash.to_string(), expected.code.hash.to_string());
            differs("code hash", &found, &expected)
        })
        .or_else(|| {
            slots.into_iter().find_map(|slot| {
                let value = |account: &Account| account.storage.get(slot).copied();
                let [found, expected] = [found, expected].map(|it| value(it).unwrap_or_default());
                differs(&format!("slot {slot}"), &number(found), &number(expected))
            })
        })
}
