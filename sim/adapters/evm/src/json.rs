//! Values of JSON as tests and nodes write them: hexadecimal strings.

use alloy_primitives::{Address, B256, Bytes, U256, hex};
use serde_json::Value;

/// A member of an object, or its absence as an error that names it.
pub(crate) fn member<'v>(value: &'v Value, name: &str) -> Result<&'v Value, String> {
    value
        .get(name)
        .ok_or_else(|| format!("`{name}` is missing"))
}

/// The members of an array.
pub(crate) fn array(value: &Value) -> Result<&[Value], String> {
    let members = value.as_array().map(Vec::as_slice);
    members.ok_or_else(|| format!("{value} is not an array"))
}

fn text(value: &Value) -> Result<&str, String> {
    value
        .as_str()
        .ok_or_else(|| format!("{value} is not a string"))
}

/// A number: hexadecimal after `0x`, empty for zero.
pub(crate) fn number(value: &Value) -> Result<U256, String> {
    let text = text(value)?;
    let digits = text.strip_prefix("0x");
    let digits = digits.ok_or_else(|| format!("{text} does not begin with 0x"))?;
    if digits.is_empty() {
        return Ok(U256::ZERO);
    }
    U256::from_str_radix(digits, 16).map_err(|error| format!("{text} is no number: {error}"))
}

/// A number that fits.
pub(crate) fn small<N: TryFrom<U256>>(value: &Value) -> Result<N, String> {
    let number = number(value)?;
    N::try_from(number).map_err(|_| format!("{number} is too large"))
}

/// Bytes, two digits each.
pub(crate) fn bytes(value: &Value) -> Result<Bytes, String> {
    let text = text(value)?;
    let decoded = hex::decode(text).map_err(|error| format!("{text}: {error}"))?;
    Ok(decoded.into())
}

/// An address.
pub(crate) fn address(value: &Value) -> Result<Address, String> {
    let bytes = bytes(value)?;
    Address::try_from(bytes.as_ref()).map_err(|_| format!("{bytes} has not 20 bytes"))
}

/// A hash, or a slot that is written with all its zeros.
pub(crate) fn hash(value: &Value) -> Result<B256, String> {
    let bytes = bytes(value)?;
    B256::try_from(bytes.as_ref()).map_err(|_| format!("{bytes} has not 32 bytes"))
}

/// The value of an optional member.
pub(crate) fn optional<T>(
    value: &Value,
    name: &str,
    read: impl Fn(&Value) -> Result<T, String>,
) -> Result<Option<T>, String> {
    value
        .get(name)
        .filter(|value| !value.is_null())
        .map(|value| read(value).map_err(|error| format!("`{name}`: {error}")))
        .transpose()
}

/// The value of a member that must be there.
pub(crate) fn required<T>(
    value: &Value,
    name: &str,
    read: impl Fn(&Value) -> Result<T, String>,
) -> Result<T, String> {
    read(member(value, name)?).map_err(|error| format!("`{name}`: {error}"))
}
