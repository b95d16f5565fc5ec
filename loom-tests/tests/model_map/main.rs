//! The model of a dashmap, over real threads, against the real one.
//!
//! The checkers' results about core hold for the model. That the real map gives the same values to
//! the same calls, and lets the same calls wait for each other, is shown here.

mod behaviour;
#[path = "../../../core/sync/src/model_map/mod.rs"]
#[allow(
    unreachable_pub,
    unused_imports,
    reason = "public where core mounts it"
)]
mod model_map;
#[path = "../placed/mod.rs"]
mod placed;
mod values;

use lockstep_sync::real as sync;
use placed::Placed;

type Real = dashmap::DashMap<u8, u64, Placed>;
type Model = model_map::DashMap<u8, u64, Placed>;

fn real(shards: u8) -> Real {
    Real::with_hasher_and_shard_amount(Placed::among(shards), usize::from(shards))
}

fn model(shards: u8) -> Model {
    Model::with_hasher_and_shard_amount(Placed::among(shards), usize::from(shards))
}
