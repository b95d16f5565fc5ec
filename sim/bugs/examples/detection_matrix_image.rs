//! Writes `docs/images/detection-matrix.svg` from the table of `docs/detection-matrix.md`.

use std::fs;
use std::io;
use std::path::Path;

use lockstep_bugs::matrix_image::svg;

fn main() -> io::Result<()> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let page = fs::read_to_string(docs.join("detection-matrix.md"))?;
    let image = svg(&page).map_err(io::Error::other)?;
    fs::write(docs.join("images/detection-matrix.svg"), image)
}
