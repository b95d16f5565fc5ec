//! Memory limit of this process.

/// Memory of a child, if nothing else is asked for: 4 GiB.
pub const DEFAULT_MEMORY: u64 = 4 << 30;

/// True if [`limit_memory`] has an effect on this system.
pub(super) const IS_ENFORCED: bool = cfg!(target_os = "linux");

/// Limits the private writable memory of this process to `bytes`. Address space that is only reserved, as
/// allocators do for each thread, does not count.
///
/// # Errors
///
/// The system's reason.
#[cfg(target_os = "linux")]
pub(super) fn limit_memory(bytes: u64) -> Result<(), String> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let limit = Rlimit {
        current: Some(bytes),
        maximum: Some(bytes),
    };
    setrlimit(Resource::Data, limit).map_err(|error| error.to_string())
}

/// Does nothing: this system has no such limit.
///
/// # Errors
///
/// None.
#[cfg(not(target_os = "linux"))]
pub(super) fn limit_memory(_: u64) -> Result<(), String> {
    Ok(())
}
