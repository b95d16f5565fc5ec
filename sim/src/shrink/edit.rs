//! Edits that make a scenario smaller, and the repairs that they need.
//!
//! Every edit returns a scenario, or several variants of one: removing a transaction changes the
//! meaning of the rest, which may then need other nonces, no cosigners or money in the genesis.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::faults;
use crate::scenario::{
    Action, BlockFlaw, BlockRecipe, Holding, Scenario, Sending, Step, TransactionFlaw,
    TransactionRecipe,
};

/// Meaning of a number of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Reward,
    Balance,
    Depth,
    Later,
    Nonce,
    Fee,
    Amount,
    /// A threshold, or the number of a flaw.
    Other,
}

pub(super) fn sendings(scenario: &Scenario) -> usize {
    transactions(scenario)
        .map(|transaction| match &transaction.action {
            Action::Send(sendings) => sendings.len(),
            _ => 0,
        })
        .sum()
}

pub(super) fn cosigners(scenario: &Scenario) -> usize {
    transactions(scenario)
        .map(|transaction| transaction.cosigners.len())
        .sum()
}

pub(super) fn participants(scenario: &Scenario) -> usize {
    transactions(scenario)
        .map(|transaction| match &transaction.action {
            Action::Multisig(_, participants) => participants.len(),
            _ => 0,
        })
        .sum()
}

pub(super) fn flaws(scenario: &Scenario) -> usize {
    let of_blocks = scenario.steps.iter().filter_map(block);
    of_blocks.filter(|block| block.flaw.is_some()).count()
        + transactions(scenario)
            .filter(|transaction| transaction.flaw.is_some())
            .count()
}

pub(super) fn accounts(scenario: &Scenario) -> BTreeSet<u32> {
    let mut accounts = BTreeSet::new();
    each_account(&mut scenario.clone(), &mut |account| {
        accounts.insert(*account);
    });
    accounts
}

/// Adds the lowest free name to the names in use.
pub(super) fn with_lowest_free(mut names: BTreeSet<u32>) -> BTreeSet<u32> {
    names.extend((0..=u32::MAX).find(|name| !names.contains(name)));
    names
}

pub(super) fn assets(scenario: &Scenario) -> BTreeSet<u32> {
    let mut assets = BTreeSet::new();
    each_asset(&mut scenario.clone(), &mut |asset| {
        assets.insert(*asset);
    });
    assets
}

/// Lists every number except those of the settings, in the order of [`with_number`].
pub(super) fn numbers(scenario: &Scenario) -> Vec<u64> {
    let mut numbers = Vec::new();
    each_number(&mut scenario.clone(), &mut |_, number| {
        numbers.push(*number);
    });
    numbers
}

/// Collects the numbers that are amounts of money.
pub(super) fn amounts(scenario: &Scenario) -> BTreeSet<u64> {
    let mut amounts = BTreeSet::new();
    each_number(&mut scenario.clone(), &mut |kind, number| {
        if kind.is_money() {
            amounts.insert(*number);
        }
    });
    amounts
}

/// Keeps the first steps.
pub(super) fn with_steps_up_to(scenario: &Scenario, length: usize) -> Scenario {
    let mut prefix = scenario.clone();
    prefix.steps.truncate(length);
    prefix
}

/// Keeps the first transactions, and all steps.
pub(super) fn with_transactions_up_to(scenario: &Scenario, length: usize) -> Scenario {
    let mut prefix = scenario.clone();
    let mut left = length;
    for recipes in prefix.steps.iter_mut().filter_map(Step::recipes_mut) {
        recipes.truncate(left);
        left -= recipes.len();
    }
    prefix
}

pub(super) fn without_steps(scenario: &Scenario, gone: Range<usize>) -> Vec<Scenario> {
    let mut without = scenario.clone();
    let removed: Vec<Step> = without.steps.drain(gone.clone()).collect();
    let blocks: Vec<&BlockRecipe> = removed.iter().filter_map(block).collect();
    let bodies: Vec<TransactionRecipe> = removed
        .iter()
        .flat_map(|step| step.recipes().to_vec())
        .collect();
    let repaired = with_repaired_rest(&without, &bodies);
    let mut rewound_less = repaired.clone();
    let next_rewind = rewound_less.steps[gone.start..]
        .iter_mut()
        .find_map(|step| match step {
            Step::Rewind(depth) => Some(depth),
            _ => None,
        });
    if let Some(depth) = next_rewind {
        *depth = depth.saturating_sub(blocks.len() as u64);
    }
    let mut endowed = with_receivers_endowed(&repaired, &bodies);
    let rewards = blocks
        .iter()
        .map(|block| Holding(block.miner, 0, scenario.genesis.reward));
    endow(&mut endowed, rewards);
    vec![without, repaired, rewound_less, endowed]
}

pub(super) fn without_transactions(scenario: &Scenario, gone: Range<usize>) -> Vec<Scenario> {
    let mut without = scenario.clone();
    let mut removed = Vec::new();
    let mut index = 0;
    for recipes in without.steps.iter_mut().filter_map(Step::recipes_mut) {
        recipes.retain(|transaction| {
            let is_gone = gone.contains(&index);
            index += 1;
            if is_gone {
                removed.push(transaction.clone());
            }
            !is_gone
        });
    }
    let repaired = with_repaired_rest(&without, &removed);
    let endowed = with_receivers_endowed(&repaired, &removed);
    vec![without, repaired, endowed]
}

/// Joins the block at this step with the one before it.
pub(super) fn with_blocks_joined(scenario: &Scenario, index: usize) -> Option<Scenario> {
    let mut joined = scenario.clone();
    let later = block(scenario.steps.get(index)?)?;
    let earlier = joined.steps.get_mut(index - 1).and_then(block_mut)?;
    earlier.transactions.extend(later.transactions.clone());
    earlier.miner = later.miner;
    earlier.flaw = later.flaw.or(earlier.flaw);
    joined.steps.remove(index);
    Some(joined)
}

/// Turns a transaction that is repeated at the end of a block's body into the flaw of that block.
pub(super) fn with_repetition_as_flaw(scenario: &Scenario, index: usize) -> Option<Scenario> {
    let mut changed = scenario.clone();
    let block = changed.steps.get_mut(index).and_then(block_mut)?;
    let [.., before, last] = block.transactions.as_slice() else {
        return None;
    };
    if before != last || block.flaw.is_some() {
        return None;
    }
    block.transactions.pop();
    block.flaw = Some(BlockFlaw::RepeatedLast);
    Some(changed)
}

pub(super) fn without_sendings(scenario: &Scenario, gone: Range<usize>) -> Vec<Scenario> {
    let mut without = scenario.clone();
    let mut index = 0;
    for transaction in transactions_mut(&mut without) {
        if let Action::Send(sendings) = &mut transaction.action {
            retain(sendings, &mut index, &gone);
        }
    }
    vec![without]
}

pub(super) fn without_cosigners(scenario: &Scenario, gone: Range<usize>) -> Vec<Scenario> {
    let mut without = scenario.clone();
    let mut index = 0;
    for transaction in transactions_mut(&mut without) {
        retain(&mut transaction.cosigners, &mut index, &gone);
    }
    vec![without]
}

/// Removes an account from all multisigs and cosigners; a second variant lowers the thresholds too.
pub(super) fn without_participant(scenario: &Scenario, account: u32) -> Vec<Scenario> {
    let mut without = scenario.clone();
    let mut lowered = scenario.clone();
    for (changed, is_lowered) in [(&mut without, false), (&mut lowered, true)] {
        for transaction in transactions_mut(changed) {
            transaction
                .cosigners
                .retain(|cosigner| *cosigner != account);
            if let Action::Multisig(threshold, participants) = &mut transaction.action {
                let before = participants.len();
                participants.retain(|participant| *participant != account);
                if is_lowered && participants.len() < before {
                    *threshold = threshold.saturating_sub(1);
                }
            }
        }
    }
    vec![without, lowered]
}

pub(super) fn without_flaws(scenario: &Scenario, gone: Range<usize>) -> Vec<Scenario> {
    let mut without = scenario.clone();
    let mut index = 0;
    for step in &mut without.steps {
        if let Some(block) = block_mut(step) {
            clear(&mut block.flaw, &mut index, &gone);
        }
        for transaction in step.recipes_mut().into_iter().flatten() {
            clear(&mut transaction.flaw, &mut index, &gone);
        }
    }
    vec![without]
}

pub(super) fn without_holdings(scenario: &Scenario, gone: Range<usize>) -> Vec<Scenario> {
    let mut without = scenario.clone();
    without.genesis.balances.drain(gone);
    vec![without]
}

/// Replaces an account by another; a second variant counts its transactions' nonces from 0.
pub(super) fn with_account_renamed(scenario: &Scenario, old: u32, new: u32) -> Vec<Scenario> {
    let mut renamed = scenario.clone();
    each_account(&mut renamed, &mut |account| {
        if *account == old {
            *account = new;
        }
    });
    add_up_holdings(&mut renamed);
    let mut counted = renamed.clone();
    let own = transactions_mut(&mut counted).filter(|transaction| transaction.from == new);
    for (nonce, transaction) in (0..).zip(own) {
        transaction.nonce = nonce;
    }
    vec![renamed, counted]
}

pub(super) fn with_asset_renamed(scenario: &Scenario, old: u32, new: u32) -> Scenario {
    let mut renamed = scenario.clone();
    each_asset(&mut renamed, &mut |asset| {
        if *asset == old {
            *asset = new;
        }
    });
    add_up_holdings(&mut renamed);
    renamed
}

/// Renumbers every account's nonces from 0 without gaps.
pub(super) fn with_dense_nonces(scenario: &Scenario) -> Scenario {
    let mut dense = scenario.clone();
    let used = nonces(scenario);
    for transaction in transactions_mut(&mut dense) {
        transaction.nonce = used[&transaction.from].range(..transaction.nonce).count() as u64;
    }
    dense
}

pub(super) fn with_all_lowered(scenario: &Scenario, lowered: Kind, simple: u64) -> Scenario {
    let mut changed = scenario.clone();
    each_number(&mut changed, &mut |kind, number| {
        if kind == lowered {
            *number = simple.min(*number);
        }
    });
    changed
}

pub(super) fn with_equal_amounts(scenario: &Scenario, old: u64, new: u64) -> Scenario {
    let mut changed = scenario.clone();
    each_number(&mut changed, &mut |kind, number| {
        if kind.is_money() && *number == old {
            *number = new;
        }
    });
    changed
}

pub(super) fn with_number(scenario: &Scenario, index: usize, new: u64) -> Scenario {
    let mut changed = scenario.clone();
    let mut at = 0;
    each_number(&mut changed, &mut |_, number| {
        if at == index {
            *number = new;
        }
        at += 1;
    });
    changed
}

impl Kind {
    fn is_money(self) -> bool {
        matches!(
            self,
            Kind::Reward | Kind::Balance | Kind::Fee | Kind::Amount
        )
    }
}

/// Closes the gaps in the nonces, and takes the cosigners from accounts that lost their multisig.
fn with_repaired_rest(without: &Scenario, removed: &[TransactionRecipe]) -> Scenario {
    let left = nonces(without);
    let mut gaps: BTreeMap<u32, BTreeSet<u64>> = BTreeMap::new();
    let mut lost_multisig = BTreeSet::new();
    for transaction in removed {
        let is_left = left
            .get(&transaction.from)
            .is_some_and(|nonces| nonces.contains(&transaction.nonce));
        if !is_left {
            gaps.entry(transaction.from)
                .or_default()
                .insert(transaction.nonce);
        }
        if matches!(transaction.action, Action::Multisig(..)) {
            lost_multisig.insert(transaction.from);
        }
    }
    for transaction in transactions(without) {
        if matches!(transaction.action, Action::Multisig(..)) {
            lost_multisig.remove(&transaction.from);
        }
    }
    let mut repaired = without.clone();
    for transaction in transactions_mut(&mut repaired) {
        if let Some(gaps) = gaps.get(&transaction.from) {
            transaction.nonce -= gaps.range(..transaction.nonce).count() as u64;
        }
        if lost_multisig.contains(&transaction.from) {
            transaction.cosigners.clear();
        }
    }
    repaired
}

/// Gives the receivers of removed transfers the amounts in the genesis.
fn with_receivers_endowed(without: &Scenario, removed: &[TransactionRecipe]) -> Scenario {
    let mut endowed = without.clone();
    let sendings = removed
        .iter()
        .filter_map(|transaction| match &transaction.action {
            Action::Send(sendings) => Some(sendings),
            _ => None,
        });
    let amounts = sendings
        .flatten()
        .map(|Sending(destination, asset, amount)| Holding(*destination, *asset, *amount));
    endow(&mut endowed, amounts);
    endowed
}

/// Adds holdings to the genesis; without any it stays as it is.
fn endow(scenario: &mut Scenario, holdings: impl Iterator<Item = Holding>) {
    let before = scenario.genesis.balances.len();
    scenario.genesis.balances.extend(holdings);
    if scenario.genesis.balances.len() > before {
        add_up_holdings(scenario);
    }
}

/// Merges the holdings of one account and asset. A sum beyond `u64` leaves the larger one.
fn add_up_holdings(scenario: &mut Scenario) {
    let mut sums: BTreeMap<(u32, u32), u64> = BTreeMap::new();
    for Holding(account, asset, amount) in scenario.genesis.balances.drain(..) {
        let sum = sums.entry((account, asset)).or_insert(0);
        *sum = sum.checked_add(amount).unwrap_or((*sum).max(amount));
    }
    scenario.genesis.balances = sums
        .into_iter()
        .map(|((account, asset), amount)| Holding(account, asset, amount))
        .collect();
}

fn nonces(scenario: &Scenario) -> BTreeMap<u32, BTreeSet<u64>> {
    let mut nonces: BTreeMap<u32, BTreeSet<u64>> = BTreeMap::new();
    for transaction in transactions(scenario) {
        nonces
            .entry(transaction.from)
            .or_default()
            .insert(transaction.nonce);
    }
    nonces
}

fn block(step: &Step) -> Option<&BlockRecipe> {
    match step {
        Step::Block(block) => Some(block),
        _ => None,
    }
}

fn block_mut(step: &mut Step) -> Option<&mut BlockRecipe> {
    match step {
        Step::Block(block) => Some(block),
        _ => None,
    }
}

fn transactions(scenario: &Scenario) -> impl Iterator<Item = &TransactionRecipe> {
    scenario.steps.iter().flat_map(Step::recipes)
}

fn transactions_mut(scenario: &mut Scenario) -> impl Iterator<Item = &mut TransactionRecipe> {
    let lists = scenario.steps.iter_mut().filter_map(Step::recipes_mut);
    lists.flatten()
}

/// Removes the elements in `gone` from a list; `index` counts over all lists.
fn retain<T>(list: &mut Vec<T>, index: &mut usize, gone: &Range<usize>) {
    list.retain(|_| {
        let is_gone = gone.contains(index);
        *index += 1;
        !is_gone
    });
}

/// Removes a flaw whose index is in `gone`; `index` counts the flaws that there are.
fn clear<T>(flaw: &mut Option<T>, index: &mut usize, gone: &Range<usize>) {
    if flaw.is_some() {
        if gone.contains(index) {
            *flaw = None;
        }
        *index += 1;
    }
}

fn each_account(scenario: &mut Scenario, visit: &mut dyn FnMut(&mut u32)) {
    for holding in &mut scenario.genesis.balances {
        visit(&mut holding.0);
    }
    for step in &mut scenario.steps {
        match step {
            Step::Block(block) => visit(&mut block.miner),
            Step::Template(template) => visit(&mut template.miner),
            _ => {}
        }
        for transaction in step.recipes_mut().into_iter().flatten() {
            visit(&mut transaction.from);
            match &mut transaction.action {
                Action::Send(sendings) => sendings.iter_mut().for_each(|to| visit(&mut to.0)),
                Action::Burn(..) => {}
                Action::Multisig(_, participants) => participants.iter_mut().for_each(&mut *visit),
            }
            transaction.cosigners.iter_mut().for_each(&mut *visit);
            if let Some(TransactionFlaw::SignedBy(other)) = &mut transaction.flaw {
                visit(other);
            }
        }
    }
}

fn each_asset(scenario: &mut Scenario, visit: &mut dyn FnMut(&mut u32)) {
    for holding in &mut scenario.genesis.balances {
        visit(&mut holding.1);
    }
    for transaction in transactions_mut(scenario) {
        match &mut transaction.action {
            Action::Send(sendings) => sendings.iter_mut().for_each(|of| visit(&mut of.1)),
            Action::Burn(asset, _) => visit(asset),
            Action::Multisig(..) => {}
        }
    }
}

fn each_number(scenario: &mut Scenario, visit: &mut dyn FnMut(Kind, &mut u64)) {
    visit(Kind::Reward, &mut scenario.genesis.reward);
    for step in &mut scenario.steps {
        match step {
            Step::Block(block) => each_number_of_block(block, visit),
            Step::Submit(recipes) => each_number_of_transactions(recipes, visit),
            Step::Pool(limits) => {
                visit(Kind::Other, &mut limits.transactions);
                visit(Kind::Other, &mut limits.bytes);
            }
            Step::Template(template) => {
                visit(Kind::Other, &mut template.count);
                visit(Kind::Other, &mut template.bytes);
            }
            Step::Rewind(depth) => visit(Kind::Depth, depth),
            Step::Reapply | Step::Reopen => {}
            Step::Fault(fault) => {
                faults::each_number(fault, &mut |number| visit(Kind::Other, number))
            }
        }
    }
    // Last: the holdings that the genesis needs depend on the transfers.
    for holding in &mut scenario.genesis.balances {
        visit(Kind::Balance, &mut holding.2);
    }
}

fn each_number_of_block(block: &mut BlockRecipe, visit: &mut dyn FnMut(Kind, &mut u64)) {
    visit(Kind::Later, &mut block.later_ms);
    match &mut block.flaw {
        Some(BlockFlaw::Version(version)) => narrow(version, visit),
        Some(
            BlockFlaw::Height(number)
            | BlockFlaw::Truncated(number)
            | BlockFlaw::FlippedBit(number),
        ) => visit(Kind::Other, number),
        _ => {}
    }
    each_number_of_transactions(&mut block.transactions, visit);
}

fn each_number_of_transactions(
    transactions: &mut [TransactionRecipe],
    visit: &mut dyn FnMut(Kind, &mut u64),
) {
    for transaction in transactions {
        visit(Kind::Nonce, &mut transaction.nonce);
        visit(Kind::Fee, &mut transaction.fee);
        match &mut transaction.action {
            Action::Send(sendings) => {
                for sending in sendings {
                    visit(Kind::Amount, &mut sending.2);
                }
            }
            Action::Burn(_, amount) => visit(Kind::Amount, amount),
            Action::Multisig(threshold, _) => narrow(threshold, visit),
        }
        if let Some(TransactionFlaw::FlippedBit(bit)) = &mut transaction.flaw {
            narrow(bit, visit);
        }
    }
}

fn narrow<T: Copy + Into<u64> + TryFrom<u64>>(
    number: &mut T,
    visit: &mut dyn FnMut(Kind, &mut u64),
) {
    let mut wide = (*number).into();
    visit(Kind::Other, &mut wide);
    // Numbers are only lowered, so it fits.
    if let Ok(changed) = T::try_from(wide) {
        *number = changed;
    }
}
