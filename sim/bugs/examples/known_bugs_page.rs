//! Writes the tables of `docs/known-bugs.md` from the catalogue of seeded bugs.

use std::fs;
use std::io;
use std::path::Path;

use lockstep_bugs::page::with_tables;

fn main() -> io::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/known-bugs.md");
    let page = fs::read_to_string(&path)?;
    fs::write(&path, with_tables(&page))
}
