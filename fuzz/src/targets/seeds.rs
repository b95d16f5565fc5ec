//! Seeds of a corpus: scenarios that the simulator draws, as inputs of the targets.

use lockstep_core::codec;

use lockstep_harness::choice::{Choices, Recorded, Seeded};
use lockstep_sim::from_bytes;
use lockstep_sim::generate::{self, Size};
use lockstep_sim::oracle::Oracle;
use lockstep_sim::reproducer::Reproducer;
use lockstep_sim::scenario::build::{self, Keys};
use lockstep_sim::scenario::{Scenario, Step};

/// The input with a number, for the target with a name; the same at any time. `None` where there is
/// no such target.
#[must_use]
pub fn seed(target: &str, number: u64) -> Option<Vec<u8>> {
    let mut choices = Seeded::new(0, number);
    Some(match target {
        "codec" => encoding(&mut choices, number),
        "environment" => variables(&mut choices),
        "execute_block" => recorded(choices, |choices| {
            from_bytes::execution(choices);
            from_bytes::scenario(choices, from_bytes::SIZE, usize::MAX);
        }),
        "group_by_conflicts" => recorded(choices, |choices| {
            super::group_by_conflicts::drawn(choices);
        }),
        "merge_invariants" => recorded(choices, |choices| {
            super::merge_invariants::drawn(choices);
        }),
        "rewind" => recorded(choices, |choices| {
            super::rewind::drawn(choices);
        }),
        "merkle" => bytes(&mut choices, 24),
        "signatures" => bytes(&mut choices, 32),
        "template_cache" => bytes(&mut choices, 64),
        _ => return None,
    })
}

fn recorded(choices: Seeded, draw: impl FnOnce(&mut Recorded<Seeded>)) -> Vec<u8> {
    let mut recorded = Recorded::new(choices);
    draw(&mut recorded);
    recorded.into_bytes()
}

fn bytes(choices: &mut impl Choices, most: u64) -> Vec<u8> {
    (0..choices.between(1, most))
        .map(|_| u8::try_from(choices.below(256)).expect("a byte is below 256"))
        .collect()
}

/// Something that travels or is stored, with the letter of its type in front.
fn encoding(choices: &mut impl Choices, number: u64) -> Vec<u8> {
    const SIZE: Size = Size {
        blocks: 2,
        transactions: 3,
        accounts: 3,
    };
    let (_, scenario) = generate::scenario(choices, SIZE);
    let mut keys = Keys::default();
    let genesis = build::genesis(&scenario.genesis, &mut keys);
    let Ok(mut oracle) = Oracle::new(&genesis) else {
        return with_letter(b'g', codec::encode(&genesis));
    };
    let mut block = None;
    let mut receipts = None;
    for step in &scenario.steps {
        let Step::Block(recipe) = step else { continue };
        let bytes = build::block(recipe, &genesis.rules, oracle.world(), &mut keys);
        if let Ok(next) = codec::decode_block(&bytes, u64::MAX) {
            if let Ok(result) = oracle.add_block(&next) {
                receipts = Some(result.receipts);
            }
            block = Some(next);
        }
    }
    match (number % 7, block, receipts) {
        (0, Some(block), _) => with_letter(b'b', codec::encode(&block)),
        (1, Some(block), _) => with_letter(b'h', codec::encode(&block.header)),
        (2, Some(block), _) if !block.transactions.is_empty() => {
            with_letter(b't', codec::encode(&block.transactions[0]))
        }
        (3, _, Some(receipts)) => with_letter(b'r', codec::encode(&receipts)),
        (4, ..) => {
            let versions = oracle.world().cells.values().last();
            let version = versions.and_then(|versions| versions.last());
            with_letter(b'v', version.map(codec::encode).unwrap_or_default())
        }
        (5, ..) => with_letter(b'g', codec::encode(&genesis)),
        _ => text(scenario),
    }
}

fn with_letter(letter: u8, encoding: Vec<u8>) -> Vec<u8> {
    [vec![letter], encoding].concat()
}

/// A reproducer whose first letter is none of a type.
fn text(scenario: Scenario) -> Vec<u8> {
    Reproducer::new("same-as-serial", scenario)
        .to_text("what the simulator drew")
        .expect("a scenario can be written")
        .into_bytes()
}

fn variables(choices: &mut impl Choices) -> Vec<u8> {
    const VALUES: [&str; 20] = [
        "1",
        "0",
        "true",
        "FALSE",
        "on",
        "Off",
        "yes",
        "",
        " 1",
        "+4",
        "-1",
        "2",
        "256",
        "257",
        "10",
        "0x10",
        "1e3",
        "18446744073709551615",
        "18446744073709551616",
        "\u{ff11}",
    ];
    let mut bytes = vec![u8::try_from(choices.below(64)).expect("it is small")];
    for _ in 0..4 {
        bytes.extend_from_slice(choices.pick(&VALUES).as_bytes());
        bytes.push(b'\n');
    }
    bytes
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::targets::TARGETS;

    #[test]
    fn what_the_simulator_draws_is_no_finding_for_any_target() {
        for (name, target) in TARGETS {
            let seeds: BTreeSet<Vec<u8>> = (0..30)
                .map(|number| seed(name, number).expect("every target has seeds"))
                .collect();
            assert!(seeds.len() > 20, "the seeds of {name} are different ones");
            for seed in seeds {
                target(&seed);
            }
        }
        assert_eq!(seed("nothing", 0), None);
    }
}
