//! The one encoding of a block: a decoder accepts exactly the bytes that the block encodes to.

use lockstep_core::codec;
use lockstep_core::model::Block;

/// Decodes a block with this decoder, and checks [`ONE_ENCODING`](super::ONE_ENCODING).
///
/// # Errors
///
/// [`NotDecoded::NoBlock`] if the decoder refuses the bytes, [`NotDecoded::Violation`] if it
/// accepts them as a block with another encoding.
pub(super) fn decoded<E: ToString>(
    bytes: &[u8],
    decode: impl FnOnce(&[u8]) -> Result<Block, E>,
) -> Result<Block, NotDecoded> {
    let block = decode(bytes).map_err(|error| NotDecoded::NoBlock(error.to_string()))?;
    match codec::encode(&block) == bytes {
        true => Ok(block),
        false => Err(NotDecoded::Violation(format!(
            "{} bytes decode to a block with another encoding",
            bytes.len()
        ))),
    }
}

/// The reason why bytes are no block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NotDecoded {
    /// The decoder refuses them, for this reason.
    NoBlock(String),
    /// The block that they decode to has another encoding.
    Violation(String),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::Oracle;
    use crate::scenario::build::{self, Keys};
    use crate::scenario::{BlockRecipe, GenesisRecipe, NetworkName};
    use crate::trial::ONE_ENCODING;

    /// A decoder with a seeded bug.
    enum DecoderBug {
        /// It ignores bytes after a block.
        TrailingBytesTaken,
    }

    impl DecoderBug {
        fn decode(&self, bytes: &[u8]) -> Result<Block, codec::DecodeError> {
            match self {
                DecoderBug::TrailingBytesTaken => {
                    let mut ends = (0..=bytes.len()).rev();
                    let accepted =
                        ends.find_map(|end| codec::decode_block(&bytes[..end], u64::MAX).ok());
                    accepted.map_or_else(|| codec::decode_block(bytes, u64::MAX), Ok)
                }
            }
        }
    }

    fn bytes() -> Vec<u8> {
        let mut keys = Keys::default();
        let genesis = GenesisRecipe {
            network: NetworkName::Devnet,
            reward: 5,
            native_limit: 2_000,
            max_block_bytes: 1 << 20,
            balances: Vec::new(),
        };
        let genesis = build::genesis(&genesis, &mut keys);
        let oracle = Oracle::new(&genesis).expect("the genesis is possible");
        let recipe = BlockRecipe {
            miner: 0,
            later_ms: 1,
            flaw: None,
            transactions: Vec::new(),
        };
        build::block(&recipe, &genesis.rules, oracle.world(), &mut keys)
    }

    #[test]
    fn a_decoder_that_accepts_trailing_bytes_violates_one_encoding() {
        let mut bytes = bytes();
        let decode = |bytes: &[u8]| DecoderBug::TrailingBytesTaken.decode(bytes);
        assert!(decoded(&bytes, decode).is_ok());
        bytes.push(0);
        let Err(NotDecoded::Violation(detail)) = decoded(&bytes, decode) else {
            panic!("a byte too many violates {}", ONE_ENCODING.name);
        };
        assert!(
            detail.ends_with("decode to a block with another encoding"),
            "{detail}"
        );
        let core = decoded(&bytes, |bytes| codec::decode_block(bytes, u64::MAX));
        assert!(matches!(core, Err(NotDecoded::NoBlock(_))), "{core:?}");
    }
}
