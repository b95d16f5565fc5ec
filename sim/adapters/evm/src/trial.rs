//! Drawn blocks of Ethereum as the trials of an executor: the adapter of the harness.
//!
//! A few names are whatever the environment says: wallets, contracts, absent accounts, a precompile, the
//! contract that another name makes. Every role picks from them: sender, receiver, fee receiver, the
//! account that a contract is asked about, the authority and the delegate of a delegation.

use std::collections::BTreeMap;

use alloy_primitives::{Address, Bytes, U256};
use lockstep_harness::choice::Choices;
use lockstep_harness::executor::{
    Adapter, Broken, Executed, Independence, Observation, Part, RolePool, Size,
};
use serde::{Deserialize, Serialize};

use crate::block::{Authorization, Block, Fork, Kind, Transaction};
use crate::block_stm::{BlockStm, Bug, Pacing};
use crate::cases::{
    BALANCE_READER, BRANCH, CODE_READER, COUNTER, DESTROYER, MAKES_COUNTER, REVERTER,
};
use crate::edges;
use crate::execution::{Contender, Execution, Failure, Outcome};
use crate::reference;
use crate::state::{Account, State};

/// Kind of account that a name stands for before the block.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Role {
    /// An account with money.
    Wallet,
    /// An account with just enough for one transfer.
    Poor,
    /// An account that was never seen.
    Absent,
    /// The contract that the first name makes with its first nonce.
    ToBeCreated,
    /// The precompile that copies its input.
    Precompile,
    /// A contract that counts.
    Counter,
    /// A contract that branches on what others wrote.
    Branch,
    /// A contract that writes down a balance.
    BalanceReader,
    /// A contract that writes down the size of a code.
    CodeReader,
    /// A contract that reverts.
    Reverter,
    /// A contract that destroys itself.
    Destroyer,
}

const ROLES: [(Role, u64); 11] = [
    (Role::Wallet, 10),
    (Role::Poor, 2),
    (Role::Absent, 2),
    (Role::ToBeCreated, 2),
    (Role::Precompile, 1),
    (Role::Counter, 3),
    (Role::Branch, 2),
    (Role::BalanceReader, 3),
    (Role::CodeReader, 2),
    (Role::Reverter, 1),
    (Role::Destroyer, 2),
];

const FORKS: [Fork; 8] = [
    Fork::Cancun,
    Fork::Prague,
    Fork::Shanghai,
    Fork::London,
    Fork::Berlin,
    Fork::Byzantium,
    Fork::SpuriousDragon,
    Fork::Frontier,
];

/// Everything of a case but its transactions.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Environment {
    /// The fork, newest first in a list of eight.
    pub fork: u8,
    /// The names, in their order.
    pub roles: Vec<Role>,
    /// The name of the fee receiver.
    pub beneficiary: u8,
    /// Wei a gas that are burnt, from London on.
    pub base_fee: u64,
    /// Gas of the block.
    pub gas_limit: u64,
    /// The seed of the contender's turns; `None` for threads of the system.
    pub turns: Option<u64>,
}

/// Action of a transaction.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Action {
    /// Sends value and nothing else.
    Pay,
    /// Calls with the address of a name as input.
    Ask(u8),
    /// Calls with 0 to 2 bytes.
    Call(u8),
    /// Makes a counter.
    Create,
    /// Lets a name execute the code of another one, and calls (EIP-7702).
    Delegate(u8, u8),
}

/// A transaction by names.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Intent {
    /// The name that signs.
    pub sender: u8,
    /// The name called or paid.
    pub to: u8,
    /// Its action.
    pub action: Action,
    /// Wei.
    pub value: u64,
    /// Declared gas.
    pub gas: u64,
    /// Wei a gas on top of the base fee.
    pub tip: u64,
    /// True for a dynamic fee, where the fork has it.
    pub is_dynamic: bool,
    /// Added to the nonce that the transactions before it lead to.
    pub nonce_error: u64,
}

/// The Block-STM beside revm in order, correct or with a seeded bug.
#[derive(Clone, Copy, Default, Debug)]
pub struct Evm {
    /// The seeded bug.
    pub bug: Option<Bug>,
}

impl Environment {
    fn fork(&self) -> Fork {
        FORKS[usize::from(self.fork) % FORKS.len()]
    }

    fn role(&self, name: u8) -> Role {
        let role = self.roles.get(usize::from(name) % self.roles.len().max(1));
        role.copied().unwrap_or(Role::Absent)
    }

    fn address(&self, name: u8) -> Address {
        match self.role(name) {
            Role::ToBeCreated => Address::repeat_byte(0xa0).create(0),
            Role::Precompile => Address::with_last_byte(4),
            _ => Address::repeat_byte(0xa0 + name),
        }
    }

    /// The block of these transactions.
    fn block(&self, transactions: &[Transaction]) -> Block {
        let beneficiary = self.address(self.beneficiary);
        let mut block = Block::plain(self.fork(), beneficiary, transactions.to_vec());
        block.environment.gas_limit = self.gas_limit;
        if block.fork >= Fork::London {
            block.environment.base_fee = self.base_fee;
        }
        block
    }
}

fn observation(executed: Result<Execution, Failure>, state: &mut State) -> Observation {
    let executed = match executed {
        Ok(executed) => executed,
        Err(failure) => return Observation::refused(format!("{failure:?}")),
    };
    let mut observation = Observation::default();
    for (index, outcome) in executed.outcomes.iter().enumerate() {
        let kind = match outcome {
            Outcome::Executed { status, .. } => format!("{status:?}"),
            Outcome::Rejected(kind) => format!("rejected {kind}"),
        };
        observation.note(Part::Outcome, index, kind);
        observation.note(Part::Gas, index, outcome.gas_used());
        if let Outcome::Executed {
            logs,
            output,
            created,
            ..
        } = outcome
        {
            let receipt = format!("{output} {created:?} {logs:?}");
            observation.note(Part::Side, format!("receipt {index:03}"), receipt);
        }
    }
    for (address, account) in &executed.state.accounts {
        let mut note = |name: &str, value: String| {
            observation.note(Part::State, format!("{address} {name}"), value);
        };
        note("balance", account.balance.to_string());
        note("code", account.code.hash().to_string());
        note("nonce", account.nonce.to_string());
        for (slot, value) in &account.storage {
            note(&format!("slot {slot:064x}"), value.to_string());
        }
    }
    *state = executed.state;
    observation.sorted()
}

impl Adapter for Evm {
    type Environment = Environment;
    type Intent = Intent;
    type State = State;
    type Transaction = Transaction;

    const NAME: &'static str = "block-stm-over-revm";

    const REFERENCE: Independence = Independence::OwnSerialPath;

    const SIZE: Size = Size {
        most_transactions: 12,
        most_blocks: 2,
        ..Size::DEFAULT
    };

    fn environment(&self, roles: RolePool, choices: &mut impl Choices) -> Environment {
        let drawn = (1..roles.names()).filter_map(|_| choices.weighted(&ROLES));
        let roles_of_names = [Role::Wallet].into_iter().chain(drawn).collect();
        let base_fee = choices.pick(&[0, 0, 7]);
        Environment {
            fork: choices
                .between(0, FORKS.len() as u64 - 1)
                .min(choices.below(8)) as u8,
            roles: roles_of_names,
            beneficiary: roles.pick(choices),
            base_fee,
            gas_limit: choices.pick(&[30_000_000, 30_000_000, 30_000_000, 450_000, 100_000]),
            turns: choices.chance(3, 4).then(|| choices.below(1 << 32)),
        }
    }

    fn intent(&self, roles: RolePool, _: &Environment, choices: &mut impl Choices) -> Intent {
        let (one, other) = (roles.pick(choices), roles.pick(choices));
        let action = match choices.below(8) {
            0 | 1 => Action::Pay,
            2 | 3 => Action::Ask(one),
            4 | 5 => Action::Call(choices.below(3) as u8),
            6 => Action::Create,
            _ => Action::Delegate(one, other),
        };
        Intent {
            sender: roles.pick(choices),
            to: roles.pick(choices),
            action,
            value: choices.pick(&[0, 1, 7, 21_000, 1_000_000]),
            gas: choices.pick(&[200_000, 200_000, 100_000, 30_000, 21_000]),
            tip: choices.pick(&[0, 1, 1, 5]),
            is_dynamic: choices.chance(1, 3),
            nonce_error: u64::from(choices.chance(1, 16)),
        }
    }

    fn state(&self, environment: &Environment) -> State {
        let mut state = State::default();
        for name in 0..environment.roles.len() as u8 {
            let account = match environment.role(name) {
                Role::Absent | Role::ToBeCreated | Role::Precompile => continue,
                Role::Wallet => Account::with_balance(U256::from(1_000_000_000_000u64)),
                Role::Poor => Account::with_balance(U256::from(42_007)),
                Role::Counter => Account::contract(COUNTER),
                Role::Branch => Account::contract(BRANCH),
                Role::BalanceReader => Account::contract(BALANCE_READER),
                Role::CodeReader => Account::contract(CODE_READER),
                Role::Reverter => Account::contract(REVERTER),
                Role::Destroyer => Account::contract(DESTROYER),
            };
            state.accounts.insert(environment.address(name), account);
        }
        state
    }

    fn lower(
        &self,
        state: &State,
        environment: &Environment,
        intents: &[Intent],
    ) -> Vec<Transaction> {
        let fork = environment.fork();
        let mut sent: BTreeMap<Address, u64> = BTreeMap::new();
        let base_fee =
            u128::from(environment.base_fee) * u128::from(u8::from(fork >= Fork::London));
        let lowered = intents.iter().map(|intent| {
            let nonce_of = |sent: &BTreeMap<Address, u64>, address: Address| {
                let before = state
                    .accounts
                    .get(&address)
                    .map_or(0, |account| account.nonce);
                before + sent.get(&address).copied().unwrap_or(0)
            };
            let sender = environment.address(intent.sender);
            let nonce = nonce_of(&sent, sender) + intent.nonce_error;
            *sent.entry(sender).or_default() += 1;
            let max_fee = base_fee + u128::from(intent.tip);
            let priority_fee = u128::from(intent.tip);
            let mut kind = match fork >= Fork::London && intent.is_dynamic {
                true => Kind::DynamicFee {
                    max_fee: max_fee + 1,
                    priority_fee,
                },
                false => Kind::Legacy { gas_price: max_fee },
            };
            let data = match intent.action {
                Action::Pay | Action::Delegate(..) => Bytes::new(),
                Action::Ask(name) => environment.address(name).into_word().to_vec().into(),
                Action::Call(length) => vec![0; usize::from(length % 3)].into(),
                Action::Create => MAKES_COUNTER,
            };
            if let (Action::Delegate(authority, delegate), true) =
                (&intent.action, fork >= Fork::Prague)
            {
                let authority = environment.address(*authority);
                let authorization = Authorization {
                    chain_id: U256::ZERO,
                    delegate: environment.address(*delegate),
                    nonce: nonce_of(&sent, authority),
                    authority: Some(authority),
                };
                *sent.entry(authority).or_default() += 1;
                kind = Kind::Delegation {
                    max_fee,
                    priority_fee,
                    authorizations: vec![authorization],
                };
            }
            Transaction {
                sender,
                to: (intent.action != Action::Create).then(|| environment.address(intent.to)),
                nonce,
                value: U256::from(intent.value),
                data,
                gas_limit: intent.gas,
                chain_id: None,
                access_list: Vec::new(),
                kind,
            }
        });
        lowered.collect()
    }

    fn reference(
        &self,
        state: &mut State,
        environment: &Environment,
        block: &[Transaction],
    ) -> Observation {
        observation(reference::execute(state, &environment.block(block)), state)
    }

    fn contender(
        &self,
        state: &mut State,
        environment: &Environment,
        block: &[Transaction],
        workers: usize,
    ) -> Executed {
        let stm = BlockStm {
            pacing: environment.turns.map_or(Pacing::Free, Pacing::Turns),
            bug: self.bug,
        };
        let executed = stm.execute(state, &environment.block(block), workers);
        observation(executed, state).into()
    }

    /// Wei are conserved, but for the base fee, and for what a contract destroys with itself.
    fn check(
        &self,
        before: &State,
        environment: &Environment,
        block: &[Transaction],
        observation: &Observation,
    ) -> Result<(), Broken> {
        let number = |text: &str| text.parse().unwrap_or(U256::ZERO);
        let sum = |part: Part, end: &str| {
            let of_part = observation.part(part);
            let of_part = of_part.filter(|(key, _)| key.to_string().ends_with(end));
            of_part.fold(U256::ZERO, |sum, (_, value)| sum + number(value))
        };
        let block = environment.block(block);
        let rewards = edges::rewards(&block);
        let rewards = rewards
            .iter()
            .fold(U256::ZERO, |sum, (_, amount)| sum + amount);
        let burnt = sum(Part::Gas, "") * U256::from(block.environment.base_fee);
        let (had, has) = (before.wei() + rewards, sum(Part::State, " balance") + burnt);
        let can_burn = environment.roles.contains(&Role::Destroyer);
        if has == had || (can_burn && has < had) {
            return Ok(());
        }
        Err(Broken {
            invariant: "wei-are-conserved",
            detail: format!("{had} wei before with rewards, {has} after with the burnt base fee"),
        })
    }
}
