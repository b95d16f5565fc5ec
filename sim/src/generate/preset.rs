//! What a whole campaign is about: a bent on whatever profile each of its runs draws.
//!
//! A preset draws nothing of its own, so a run of one is as easy to do again as any other.

use std::fmt;

use super::faults::FaultMix;
use super::profile::{Profile, TransactionKind};

/// What a campaign is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preset {
    /// Everything, as it is drawn.
    #[default]
    Default,
    /// Nothing goes wrong: long chains of blocks that are nearly all applied.
    Calm,
    /// Amounts: sums, overflows, what cannot be paid, what comes and goes.
    Money,
    /// Order: nonces, duplicates, one sender again and again, strangers.
    Nonces,
    /// Who must sign.
    Multisig,
    /// Blocks undone, done again, and ledgers closed in between.
    Reorg,
}

impl Preset {
    /// Every one.
    pub const ALL: [Preset; 6] = [
        Preset::Default,
        Preset::Calm,
        Preset::Money,
        Preset::Nonces,
        Preset::Multisig,
        Preset::Reorg,
    ];

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Preset::Default => "default",
            Preset::Calm => "calm",
            Preset::Money => "money",
            Preset::Nonces => "nonces",
            Preset::Multisig => "multisig",
            Preset::Reorg => "reorg",
        }
    }

    /// The one with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Preset> {
        Preset::ALL.into_iter().find(|preset| preset.name() == name)
    }

    /// Bends a profile that was drawn.
    pub fn apply_to(self, profile: &mut Profile) {
        match self {
            Preset::Default => {}
            Preset::Calm => {
                keep_only(profile, &CALM);
                profile.block_flaws = 0;
                profile.rewinds = profile.rewinds.min(5);
                profile.reopens = profile.reopens.min(5);
                profile.max_block_bytes = 4 << 20;
                profile.is_huge = false;
                profile.faults = FaultMix::none();
            }
            Preset::Money => {
                keep_only(profile, &MONEY);
                profile.block_flaws = 0;
            }
            Preset::Nonces => {
                keep_only(profile, &NONCES);
                profile.block_flaws = 0;
                // The fewer they are, the more often one of them sends again.
                profile.accounts = profile.accounts.min(8);
            }
            Preset::Multisig => {
                keep_only(profile, &MULTISIG);
                profile.block_flaws = 0;
                profile.accounts = profile.accounts.min(12);
            }
            Preset::Reorg => {
                profile.rewinds = profile.rewinds.max(30);
                profile.reopens = profile.reopens.max(10);
                // Many short blocks: what is undone is what was just done.
                profile.blocks = profile.blocks.max(6);
                profile.transactions = profile.transactions.min(40);
            }
        }
    }

    /// The focus whose coverage points a whole campaign must reach; `None` for all that are not rare.
    #[must_use]
    pub const fn focus(self) -> Option<&'static str> {
        match self {
            Preset::Default => None,
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

/// Leaves these kinds, each at least now and then, and no others.
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
    fn every_preset_but_the_default_is_a_focus_of_coverage_points() {
        for preset in Preset::ALL {
            let is_focus = preset
                .focus()
                .is_none_or(|focus| coverage::is_focus("ledger", focus));
            assert!(is_focus, "no coverage point is required by {preset}");
        }
    }

    #[test]
    fn a_preset_bends_what_is_drawn_and_draws_nothing_itself() {
        let drawn = Profile::draw(&mut Seeded::new(3, 0), Size::CAMPAIGN);
        for preset in Preset::ALL {
            let mut bent = drawn.clone();
            preset.apply_to(&mut bent);
            assert_eq!(bent == drawn, preset == Preset::Default, "{preset}");
            assert_eq!(Preset::named(preset.name()), Some(preset));
            let plain = bent.weights[0];
            assert!(plain.0 == TransactionKind::Plain && plain.1 > 0, "{preset}");
        }
    }
}
