//! The same calls by one thread give the same values.

use std::hash::{BuildHasherDefault, DefaultHasher};

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, RngSeed};

use crate::{Model, Real, model, model_map, real};

#[derive(Clone, Copy, Debug)]
enum Call {
    Insert(u8, u64),
    Remove(u8),
    Get(u8),
    Contains(u8),
    Add(u8, u64),
    OrInsert(u8, u64),
    OrInsertWith(u8, u64),
    AddToDefault(u8, u64),
    ModifyOrInsert(u8, u64),
    Alter(u8, u64),
    Retain(u64),
    Len,
    Iterate,
}

/// Result of a call; of an iteration the shards as they come, then the pairs in order.
#[derive(Debug, PartialEq, Eq)]
enum Gave {
    Nothing,
    Whether(bool),
    Number(usize),
    Value(Option<u64>),
    Pair(Option<(u8, u64)>),
    Pairs(Vec<u8>, Vec<(u8, u64)>),
}

/// For a map of either kind: they have one API and no trait.
macro_rules! answer {
    ($map:expr, $call:expr, $shards:expr) => {
        match $call {
            Call::Insert(key, value) => Gave::Value($map.insert(key, value)),
            Call::Remove(key) => Gave::Pair($map.remove(&key)),
            Call::Get(key) => Gave::Pair($map.get(&key).map(|found| (*found.key(), *found))),
            Call::Contains(key) => Gave::Whether($map.contains_key(&key)),
            Call::Add(key, more) => Gave::Pair($map.get_mut(&key).map(|mut found| {
                *found = found.wrapping_add(more);
                (*found.key(), *found)
            })),
            Call::OrInsert(key, value) => Gave::Value(Some(*$map.entry(key).or_insert(value))),
            Call::OrInsertWith(key, value) => {
                Gave::Value(Some(*$map.entry(key).or_insert_with(|| value)))
            }
            Call::AddToDefault(key, more) => {
                let mut found = $map.entry(key).or_default();
                *found = found.wrapping_add(more);
                Gave::Value(Some(*found))
            }
            Call::ModifyOrInsert(key, value) => Gave::Value(Some(
                *$map
                    .entry(key)
                    .and_modify(|found| *found ^= value)
                    .or_insert(value),
            )),
            Call::Alter(key, more) => {
                $map.alter(&key, |key, value| {
                    value.wrapping_mul(more).wrapping_add(u64::from(*key))
                });
                Gave::Nothing
            }
            Call::Retain(divisor) => {
                $map.retain(|key, value| {
                    *value = value.wrapping_add(1);
                    (*value ^ u64::from(*key)) % divisor != 0
                });
                Gave::Nothing
            }
            Call::Len => {
                assert_eq!($map.is_empty(), $map.len() == 0);
                Gave::Number($map.len())
            }
            Call::Iterate => {
                let pairs = $map.iter().map(|item| (*item.key(), *item)).collect();
                pairs_of(pairs, $shards)
            }
        }
    };
}

fn pairs_of(mut pairs: Vec<(u8, u64)>, shards: u8) -> Gave {
    let in_shards = pairs.iter().map(|(key, _)| key % shards).collect();
    pairs.sort_unstable();
    Gave::Pairs(in_shards, pairs)
}

fn any_call() -> impl Strategy<Value = Call> {
    // Few keys, so that calls meet.
    let key = || 0..12_u8;
    let value = || 0..8_u64;
    prop_oneof![
        (key(), value()).prop_map(|(key, value)| Call::Insert(key, value)),
        key().prop_map(Call::Remove),
        key().prop_map(Call::Get),
        key().prop_map(Call::Contains),
        (key(), value()).prop_map(|(key, value)| Call::Add(key, value)),
        (key(), value()).prop_map(|(key, value)| Call::OrInsert(key, value)),
        (key(), value()).prop_map(|(key, value)| Call::OrInsertWith(key, value)),
        (key(), value()).prop_map(|(key, value)| Call::AddToDefault(key, value)),
        (key(), value()).prop_map(|(key, value)| Call::ModifyOrInsert(key, value)),
        (key(), value()).prop_map(|(key, value)| Call::Alter(key, value)),
        (2..5_u64).prop_map(Call::Retain),
        Just(Call::Len),
        Just(Call::Iterate),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        rng_algorithm: RngAlgorithm::ChaCha,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        cases: 2_000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_call_gives_what_the_real_map_gives(
        calls in prop::collection::vec(any_call(), 0..60),
        shards in prop::sample::select(vec![2, 4, 8_u8]),
    ) {
        let (real, model): (Real, Model) = (real(shards), model(shards));
        for call in calls {
            prop_assert_eq!(answer!(real, call, shards), answer!(model, call, shards));
        }
        let real = pairs_of(real.into_iter().collect(), shards);
        prop_assert_eq!(real, pairs_of(model.into_iter().collect(), shards));
    }
}

/// Both maps iterate in the order of shards, here with an ordinary hasher and a shard for each key.
#[test]
fn a_key_goes_to_the_same_shard() {
    type Hasher = BuildHasherDefault<DefaultHasher>;
    const SHARDS: usize = 1 << 12;
    let real = dashmap::DashMap::with_hasher_and_shard_amount(Hasher::default(), SHARDS);
    let model = model_map::DashMap::with_hasher_and_shard_amount(Hasher::default(), SHARDS);
    for key in 0..16_u64 {
        real.insert(key, ());
        model.insert(key, ());
    }
    let in_real: Vec<u64> = real.iter().map(|item| *item.key()).collect();
    let in_model: Vec<u64> = model.iter().map(|item| *item.key()).collect();
    assert_eq!(in_real, in_model);
    assert!(!in_real.is_sorted(), "the order says something");
}

#[test]
fn a_map_without_a_chosen_number_of_shards_has_several() {
    let model = model_map::DashMap::with_capacity_and_hasher(7, crate::Placed::among(4));
    for key in [3, 1, 2, 0_u8] {
        model.insert(key, ());
    }
    let order: Vec<u8> = model.iter().map(|item| *item.key()).collect();
    assert_eq!(order, [0, 1, 2, 3]);
}

#[test]
fn one_shard_is_refused_by_both() {
    for shards in [0, 1, 3] {
        assert!(std::panic::catch_unwind(|| real(shards)).is_err());
        assert!(std::panic::catch_unwind(|| model(shards)).is_err());
    }
}
