//! The one conversion between plain data and revm 43: environments, transactions, outcomes, code.
//!
//! An executor that is built on another major version needs another file like this one, and no more.

use alloy_primitives::{Address, B256, TxKind, U256};
use revm::bytecode::Bytecode;
use revm::context::either::Either;
use revm::context::result::{EVMError, ExecutionResult, InvalidTransaction, Output};
use revm::context::transaction::{
    AccessList, AccessListItem, Authorization as Signed, RecoveredAuthority, RecoveredAuthorization,
};
use revm::context::{BlockEnv, CfgEnv, Context, TxEnv};
use revm::context_interface::block::BlobExcessGasAndPrice;
use revm::database_interface::{DBErrorMarker, EmptyDB};
use revm::handler::MainnetContext;
use revm::primitives::hardfork::SpecId;
use revm::state::AccountInfo;
use revm::{Database, MainBuilder, MainContext, MainnetEvm};

use crate::block::{Authorization, Block, Fork, Kind, Transaction};
use crate::execution::{Failure, Outcome, Status};
use crate::state::{Account, Code};

/// The virtual machine over a database.
pub type Machine<D> = MainnetEvm<MainnetContext<D>>;

/// The chain that all blocks belong to: the main network.
pub const CHAIN_ID: u64 = 1;

/// revm's name of a fork.
pub fn specification(fork: Fork) -> SpecId {
    match fork {
        Fork::Frontier => SpecId::FRONTIER,
        Fork::Homestead => SpecId::HOMESTEAD,
        Fork::TangerineWhistle => SpecId::TANGERINE,
        Fork::SpuriousDragon => SpecId::SPURIOUS_DRAGON,
        Fork::Byzantium => SpecId::BYZANTIUM,
        Fork::Petersburg => SpecId::PETERSBURG,
        Fork::Istanbul => SpecId::ISTANBUL,
        Fork::Berlin => SpecId::BERLIN,
        Fork::London => SpecId::LONDON,
        Fork::Paris => SpecId::MERGE,
        Fork::Shanghai => SpecId::SHANGHAI,
        Fork::Cancun => SpecId::CANCUN,
        Fork::Prague => SpecId::PRAGUE,
        Fork::Osaka => SpecId::OSAKA,
    }
}

/// Returns a machine for the transactions of `block` over `database`.
pub fn machine<D: Database>(block: &Block, database: D) -> Machine<D> {
    let specification = specification(block.fork);
    let mut configuration = CfgEnv::new_with_spec(specification);
    configuration.chain_id = CHAIN_ID;
    let limit = match block.fork {
        Fork::Osaka | Fork::Cancun => Some(6),
        Fork::Prague => Some(9),
        _ => None,
    };
    configuration.max_blobs_per_tx = limit;
    let context: Context<BlockEnv, TxEnv, CfgEnv, EmptyDB> = Context::mainnet();
    let context = context.with_db(database).with_cfg(configuration);
    context.with_block(environment(block)).build_mainnet()
}

fn environment(block: &Block) -> BlockEnv {
    let it = &block.environment;
    let blobs = BlobExcessGasAndPrice::new_with_spec(it.excess_blob_gas, specification(block.fork));
    BlockEnv {
        number: U256::from(it.number),
        beneficiary: it.beneficiary,
        timestamp: U256::from(it.timestamp),
        gas_limit: it.gas_limit,
        basefee: it.base_fee,
        difficulty: it.difficulty,
        prevrandao: (block.fork >= Fork::Paris).then_some(it.prev_randao),
        blob_excess_gas_and_price: (block.fork >= Fork::Cancun).then_some(blobs),
        slot_num: 0,
    }
}

/// revm's form of a transaction.
pub fn transaction(it: &Transaction) -> TxEnv {
    let items = it
        .access_list
        .iter()
        .map(|(address, slots)| AccessListItem {
            address: *address,
            storage_keys: slots.clone(),
        });
    let mut form = TxEnv {
        tx_type: 0,
        caller: it.sender,
        gas_limit: it.gas_limit,
        gas_price: 0,
        kind: it.to.map_or(TxKind::Create, TxKind::Call),
        value: it.value,
        data: it.data.clone(),
        nonce: it.nonce,
        chain_id: it.chain_id,
        access_list: AccessList(items.collect()),
        gas_priority_fee: None,
        blob_hashes: Vec::new(),
        max_fee_per_blob_gas: 0,
        authorization_list: Vec::new(),
    };
    match &it.kind {
        Kind::Legacy { gas_price } => form.gas_price = *gas_price,
        Kind::AccessList { gas_price } => {
            form.tx_type = 1;
            form.gas_price = *gas_price;
        }
        Kind::DynamicFee {
            max_fee,
            priority_fee,
        } => {
            form.tx_type = 2;
            form.gas_price = *max_fee;
            form.gas_priority_fee = Some(*priority_fee);
        }
        Kind::Blob {
            max_fee,
            priority_fee,
            max_blob_fee,
            hashes,
        } => {
            form.tx_type = 3;
            form.gas_price = *max_fee;
            form.gas_priority_fee = Some(*priority_fee);
            form.max_fee_per_blob_gas = *max_blob_fee;
            form.blob_hashes.clone_from(hashes);
        }
        Kind::Delegation {
            max_fee,
            priority_fee,
            authorizations,
        } => {
            form.tx_type = 4;
            form.gas_price = *max_fee;
            form.gas_priority_fee = Some(*priority_fee);
            form.authorization_list = authorizations.iter().map(authorization).collect();
        }
    }
    form
}

fn authorization<S>(it: &Authorization) -> Either<S, RecoveredAuthorization> {
    let signed = Signed {
        chain_id: it.chain_id,
        address: it.delegate,
        nonce: it.nonce,
    };
    let authority = it.authority.map(RecoveredAuthority::Valid);
    let authority = authority.unwrap_or(RecoveredAuthority::Invalid);
    Either::Right(RecoveredAuthorization::new_unchecked(signed, authority))
}

/// The outcome of an execution that was paid for.
pub fn outcome(result: ExecutionResult) -> Outcome {
    let gas_used = result.tx_gas_used();
    match result {
        ExecutionResult::Success { logs, output, .. } => {
            let created = match &output {
                Output::Call(_) => None,
                Output::Create(_, created) => *created,
            };
            Outcome::Executed {
                status: Status::Succeeded,
                gas_used,
                logs,
                output: output.into_data(),
                created,
            }
        }
        ExecutionResult::Revert { logs, output, .. } => Outcome::Executed {
            status: Status::Reverted,
            gas_used,
            logs,
            output,
            created: None,
        },
        ExecutionResult::Halt { reason, logs, .. } => Outcome::Executed {
            status: Status::Halted(name(&format!("{reason:?}"))),
            gas_used,
            logs,
            output: alloy_primitives::Bytes::new(),
            created: None,
        },
    }
}

/// The first word of a value's debug form, which for an enum is the name of its variant.
fn name(debug: &str) -> String {
    let end = debug.find(|letter: char| !letter.is_alphanumeric());
    debug[..end.unwrap_or(debug.len())].to_owned()
}

/// The outcome of an invalid transaction, or what ended the machine.
///
/// # Errors
/// [`Interrupted::Database`] for an error of the database, [`Interrupted::Machine`] for others.
pub fn rejection<E: DBErrorMarker>(
    error: EVMError<E, InvalidTransaction>,
) -> Result<Outcome, Interrupted<E>> {
    match error {
        EVMError::Transaction(reason) => Ok(Outcome::Rejected(name(&format!("{reason:?}")))),
        EVMError::Database(error) => Err(Interrupted::Database(error)),
        EVMError::Header(reason) => Err(Interrupted::Machine(reason.to_string())),
        EVMError::Custom(reason) => Err(Interrupted::Machine(reason)),
        EVMError::CustomAny(reason) => Err(Interrupted::Machine(reason.to_string())),
    }
}

/// The reason for which an execution has no outcome.
#[derive(Debug)]
pub enum Interrupted<E> {
    /// The database refused to answer.
    Database(E),
    /// The machine itself failed.
    Machine(String),
}

impl From<Interrupted<std::convert::Infallible>> for Failure {
    fn from(it: Interrupted<std::convert::Infallible>) -> Self {
        match it {
            Interrupted::Machine(reason) => Self::Machine(reason),
        }
    }
}

/// The outcome of a transaction whose declared gas does not fit into what the block has left.
pub fn beyond_the_block() -> Outcome {
    Outcome::Rejected("CallerGasLimitMoreThanBlock".to_owned())
}

/// Code as the machine executes it: its jump targets are searched here, once.
pub fn bytecode(code: &Code) -> Bytecode {
    let bytes = code.bytes().clone();
    let checked = Bytecode::new_raw_checked(bytes.clone());
    // Code from before EIP-7702 may begin like a delegation and be none.
    checked.unwrap_or_else(|_| Bytecode::new_legacy(bytes))
}

/// revm's form of an account without its storage; `code` is the account's.
pub fn account_information(account: &Account, code: Bytecode) -> AccountInfo {
    AccountInfo {
        balance: account.balance,
        nonce: account.nonce,
        code_hash: account.code.hash(),
        account_id: None,
        code: Some(code),
    }
}

/// The code of an account that a transaction changed, `None` if it is the one it had before.
pub fn changed_code(information: &AccountInfo, before: B256) -> Option<Code> {
    if information.code_hash == before {
        return None;
    }
    let code = information.code.as_ref();
    Some(Code::new(
        code.map(Bytecode::original_bytes).unwrap_or_default(),
    ))
}

/// The account that pays for system calls, without paying.
pub const SYSTEM: Address = revm::handler::SYSTEM_ADDRESS;
