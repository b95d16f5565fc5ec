//! Draws a tree of blocks: a chain, and branches that compete with its end.

use crate::scenario::{BlockRecipe, GenesisRecipe};
use lockstep_harness::choice::Choices;

use super::{Generator, Profile, Size, genesis};

/// Maximum number of blocks of the chain that a branch competes with.
const DEEPEST: u64 = 8;

/// One block of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grown {
    /// Index in the tree of the block it is meant to follow; `None` for the genesis.
    pub parent: Option<usize>,
    /// Number of branches begun before it: consecutive blocks that share this are one branch.
    pub branch: usize,
    /// The block.
    pub block: BlockRecipe,
}

/// Draws a profile, and a tree of blocks of that profile. Parents stand before their children.
///
/// `profile.rewinds` is the probability in percent, before each block of the chain, that a
/// competing branch begins 1 to 8 blocks back. It may end shorter than, as long as, or longer than
/// the blocks it competes with, and the chain goes on from the longer one.
pub fn tree(choices: &mut impl Choices, size: Size) -> (Profile, GenesisRecipe, Vec<Grown>) {
    let mut profile = Profile::draw(choices, size);
    profile.blocks = choices.between(size.blocks / 4, size.blocks).max(1);
    // More often than for one ledger: competing branches are what several nodes must agree on.
    profile.rewinds = choices.pick(&[0, 10, 25]);
    let (beginning, grown) = tree_of(choices, &profile);
    (profile, beginning, grown)
}

/// Draws a tree of blocks of a profile, with branches that begin 1 to 8 blocks back, or from farther if the
/// profile has a tail of that kind.
pub fn tree_of(choices: &mut impl Choices, profile: &Profile) -> (GenesisRecipe, Vec<Grown>) {
    let beginning = genesis(choices, profile);
    let mut generator = Generator::new(&beginning, profile, choices);
    let mut trunk = Trunk::default();
    while (trunk.grown.len() as u64) < profile.blocks {
        if generator.choices.chance(profile.rewinds, 100) {
            trunk.grow_branch(&mut generator);
        }
        trunk.grow(&mut generator);
    }
    (beginning, trunk.grown)
}

#[derive(Default)]
struct Trunk {
    grown: Vec<Grown>,
    /// The blocks that the wallet believes to be on the chain, from height 1.
    chain: Vec<usize>,
    branch: usize,
}

impl Trunk {
    /// Adds a block at the end of the chain, or one that should be refused there.
    fn grow(&mut self, generator: &mut Generator<'_, impl Choices>) {
        let height = generator.wallet.height();
        let block = generator.block();
        self.grown.push(Grown {
            parent: self.chain.last().copied(),
            branch: self.branch,
            block,
        });
        if generator.wallet.height() > height {
            self.chain.push(self.grown.len() - 1);
        }
    }

    /// Adds a branch that competes with the last blocks of the chain.
    fn grow_branch(&mut self, generator: &mut Generator<'_, impl Choices>) {
        let deepest = generator.profile.tail.depth.max(DEEPEST);
        let choices = &mut *generator.choices;
        let depth = choices
            .between(1, deepest)
            .min(generator.wallet.height() as u64);
        if depth == 0 {
            return;
        }
        let length = (depth + choices.pick(&[0, 1, 2, 2, 2, 3]))
            .saturating_sub(1)
            .max(1);
        let fork = generator.wallet.height() - usize::try_from(depth).unwrap_or(usize::MAX);
        let undone = generator.wallet.rewind(depth);
        let replaced = self.chain.split_off(fork);
        self.branch += 1;
        for _ in 0..length {
            self.grow(generator);
        }
        // Blocks with a flaw do not count.
        let accepted = generator.wallet.height() - fork;
        if accepted <= replaced.len() {
            generator.wallet.rewind(accepted as u64);
            for after in undone {
                generator.wallet.reapply(after);
            }
            self.chain.truncate(fork);
            self.chain.extend(replaced);
        }
        self.branch += 1;
    }
}
