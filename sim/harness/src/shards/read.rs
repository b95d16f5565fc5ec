//! Files of a merge.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

/// Reads the files of shards; returns the name and the text of each.
///
/// # Errors
///
/// A sentence about the first that cannot be read or is no text.
pub fn read(paths: &[PathBuf]) -> Result<Vec<(String, String)>, String> {
    let mut files = Vec::new();
    for path in paths {
        let name = path.display().to_string();
        let refused = |reason: &str| {
            Err(format!(
                "{name}: {reason}; name a file that `run --json` wrote"
            ))
        };
        if path.is_dir() {
            return refused("this is a folder");
        }
        match fs::read(path) {
            Ok(bytes) if bytes.contains(&0) => return refused("this is a binary file"),
            // A truncated file may end within a character; its last line is invalid anyhow.
            Ok(bytes) => files.push((name, String::from_utf8_lossy(&bytes).into_owned())),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return refused("there is no such file");
            }
            Err(error) => return refused(&error.to_string()),
        }
    }
    Ok(files)
}
