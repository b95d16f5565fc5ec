//! Memory of decoding, counted by the allocator. Mounted by the program that fuzzes the decoders and by
//! the tests, see `lib.rs`.

/// Calls the target of this name in `lockstep_fuzz::targets`, and [`is_decoded_within_its_due`].
///
/// # Panics
///
/// On a finding.
pub(crate) fn codec(data: &[u8]) {
    is_decoded_within_its_due(data, lockstep_fuzz::targets::decoded);
    lockstep_fuzz::targets::codec(data);
}

/// True if an input of [`codec`] decodes. Whatever lengths it claims, decoding takes a small multiple of
/// its own length, and the memory that borsh allocates before it has seen the bytes of a list.
///
/// # Panics
///
/// If it takes more memory than that.
fn is_decoded_within_its_due(data: &[u8], decoded: impl FnOnce(&[u8]) -> bool) -> bool {
    const BYTES_FOR_EACH: u64 = 16;
    const BYTES_BESIDE: u64 = 16 << 10;
    let mut is_decoded = false;
    let memory = allocation_counter::measure(|| is_decoded = decoded(data));
    assert!(
        memory.bytes_max <= BYTES_BESIDE + BYTES_FOR_EACH * data.len() as u64,
        "{} bytes of memory are taken for {} of input",
        memory.bytes_max,
        data.len()
    );
    is_decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "1048576 bytes of memory are taken for 5 of input")]
    fn a_decoder_that_believes_a_length_is_found() {
        let claims_a_million = b"r\0\0\x10\0";
        assert!(!is_decoded_within_its_due(claims_a_million, |data| {
            let length = u32::from_le_bytes([data[1], data[2], data[3], data[4]]);
            let list: Vec<u8> = Vec::with_capacity(length as usize);
            std::hint::black_box(list).len() == length as usize
        }));
    }
}
