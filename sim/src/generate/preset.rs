//! Presets: the emphasis of a whole campaign, applied to the profile that each of its runs draws.
//!
//! A preset makes no choices of its own, so its runs are repeated by seed and run like all others.

use std::fmt;

use super::faults::FaultMix;
use super::profile::{Profile, TransactionKind};

/// The emphasis of a campaign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preset {
    /// The drawn profile, unchanged, and extras beside it: tails, and whatever else is drawn from a
    /// stream of its own.
    #[default]
    Default,
    /// The drawn profile, unchanged, without extras: what a seed has always drawn.
    Ordinary,
    /// No faults: long chains of blocks whose transactions are nearly all applied.
    Calm,
    /// Amounts: sums, overflows, overspending, credits spent within a block.
    Money,
    /// Order: nonces, duplicates, repeated and unknown senders.
    Nonces,
    /// Multisigs and their cosigners.
    Multisig,
    /// Reorganisations: blocks undone and applied again, ledgers reopened in between.
    Reorg,
}

impl Preset {
    /// Every preset.
    pub const ALL: [Preset; 7] = [
        Preset::Default,
        Preset::Ordinary,
        Preset::Calm,
        Preset::Money,
        Preset::Nonces,
        Preset::Multisig,
        Preset::Reorg,
    ];

    /// Name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Preset::Default => "default",
            Preset::Ordinary => "ordinary",
            Preset::Calm => "calm",
            Preset::Money => "money",
            Preset::Nonces => "nonces",
            Preset::Multisig => "multisig",
            Preset::Reorg => "reorg",
        }
    }

    /// Returns the preset with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Preset> {
        Preset::ALL.into_iter().find(|preset| preset.name() == name)
    }

    /// Changes a drawn profile: for most presets the weights of other kinds become 0; sizes and rates are
    /// bent to the emphasis.
    pub fn apply_to(self, profile: &mut Profile) {
        match self {
            Preset::Default | Preset::Ordinary => {}
            Preset::Calm => {
                self.emphasise(profile);
                profile.block_flaws = 0;
                profile.rewinds = profile.rewinds.min(5);
                profile.reopens = profile.reopens.min(5);
                profile.max_block_bytes = 4 << 20;
                profile.is_huge = false;
                profile.faults = FaultMix::none();
            }
            Preset::Money => {
                self.emphasise(profile);
                profile.block_flaws = 0;
            }
            Preset::Nonces => {
                self.emphasise(profile);
                profile.block_flaws = 0;
                // Few accounts: senders repeat more often.
                profile.accounts = profile.accounts.min(8);
            }
            Preset::Multisig => {
                self.emphasise(profile);
                profile.block_flaws = 0;
                profile.accounts = profile.accounts.min(12);
            }
            Preset::Reorg => {
                profile.rewinds = profile.rewinds.max(30);
                profile.reopens = profile.reopens.max(10);
                // Many short blocks: a rewind undoes what was just applied.
                profile.blocks = profile.blocks.max(6);
                profile.transactions = profile.transactions.min(40);
            }
        }
    }

    /// Changes the weights of the kinds of transactions alone, for a profile whose sizes stay as they
    /// are.
    pub(super) fn emphasise(self, profile: &mut Profile) {
        match self {
            Preset::Default | Preset::Ordinary | Preset::Reorg => {}
            Preset::Calm => keep_only(profile, &CALM),
            Preset::Money => keep_only(profile, &MONEY),
            Preset::Nonces => keep_only(profile, &NONCES),
            Preset::Multisig => keep_only(profile, &MULTISIG),
        }
    }

    /// Focus whose coverage points a whole campaign must reach; `None` for all that are not rare.
    #[must_use]
    pub const fn focus(self) -> Option<&'static str> {
        match self {
            Preset::Default | Preset::Ordinary => None,
            narrower => Some(narrower.name()),
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

const CALM: [TransactionKind; 10] = [
    TransactionKind::Plain,
    TransactionKind::ManyTransfers,
    TransactionKind::SelfTransfer,
    TransactionKind::Chain,
    TransactionKind::HotAccount,
    TransactionKind::NewAccount,
    TransactionKind::Miner,
    TransactionKind::InAndOut,
    TransactionKind::Burn,
    TransactionKind::Multisig,
];

const MONEY: [TransactionKind; 11] = [
    TransactionKind::Plain,
    TransactionKind::ManyTransfers,
    TransactionKind::SelfTransfer,
    TransactionKind::Chain,
    TransactionKind::HotAccount,
    TransactionKind::Miner,
    TransactionKind::InAndOut,
    TransactionKind::Burn,
    TransactionKind::Overspend,
    TransactionKind::PartialFailure,
    TransactionKind::SumOverflow,
];

const NONCES: [TransactionKind; 7] = [
    TransactionKind::Plain,
    TransactionKind::Chain,
    TransactionKind::Miner,
    TransactionKind::Multisig,
    TransactionKind::Nonce,
    TransactionKind::Duplicate,
    TransactionKind::UnknownSender,
];

const MULTISIG: [TransactionKind; 5] = [
    TransactionKind::Plain,
    TransactionKind::NewAccount,
    TransactionKind::Multisig,
    TransactionKind::MissingCosigner,
    TransactionKind::Duplicate,
];

/// Keeps these kinds, each with a weight of at least 1, and sets all others to 0.
fn keep_only(profile: &mut Profile, kinds: &[TransactionKind]) {
    for (kind, weight) in &mut profile.weights {
        *weight = match kinds.contains(kind) {
            true => (*weight).max(1),
            false => 0,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::Size;
    use lockstep_harness::choice::Seeded;
    use lockstep_harness::coverage;

    #[test]
    fn every_narrower_preset_is_a_focus_of_coverage_points() {
        for preset in Preset::ALL {
            let is_focus = preset
                .focus()
                .is_none_or(|focus| coverage::is_focus("ledger", focus));
            assert!(is_focus, "no coverage point is required by {preset}");
        }
    }

    #[test]
    fn a_preset_changes_a_drawn_profile_and_draws_nothing_itself() {
        let drawn = Profile::draw(&mut Seeded::new(3, 0), Size::CAMPAIGN);
        for preset in Preset::ALL {
            let mut changed = drawn.clone();
            preset.apply_to(&mut changed);
            let is_unchanged = matches!(preset, Preset::Default | Preset::Ordinary);
            assert_eq!(changed == drawn, is_unchanged, "{preset}");
            assert_eq!(Preset::named(preset.name()), Some(preset));
            let plain = changed.weights[0];
            assert!(plain.0 == TransactionKind::Plain && plain.1 > 0, "{preset}");
        }
    }
}
