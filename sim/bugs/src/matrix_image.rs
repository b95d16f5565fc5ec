//! The image of the detection matrix: the table of `docs/detection-matrix.md` as an SVG.
//!
//! One column per bug and one row per engine, so that it fits the width of a page; a cell is coloured by
//! the time to detect. It brings its own background, and is legible on light and dark pages.

use std::fmt::Write as _;

/// The beginning of the table's head.
const HEAD: &str = "| bug | ";
/// The last engines of the table are baselines.
const BASELINES: usize = 4;

const CELL: usize = 15;
/// The space left of the cells, for the names of engines.
const LEFT: usize = 104;
/// The space above the cells, for the legend and the names of bugs.
const TOP: usize = 182;
/// The space between engines and baselines.
const GAP: usize = 10;

/// A class of results, with its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Detection {
    Within10Ms,
    Within100Ms,
    WithinASecond,
    Later,
    WithSomeSeeds,
    Missed,
    NotApplicable,
}

impl Detection {
    const ALL: [Detection; 7] = [
        Detection::Within10Ms,
        Detection::Within100Ms,
        Detection::WithinASecond,
        Detection::Later,
        Detection::WithSomeSeeds,
        Detection::Missed,
        Detection::NotApplicable,
    ];

    /// Reads a cell, such as `<.01`, `nodes 0.12`, `5 of 11`, `no` or nothing; `None` for another text.
    fn of(cell: &str) -> Option<Self> {
        match cell {
            "" => return Some(Detection::NotApplicable),
            "no" => return Some(Detection::Missed),
            "<.01" => return Some(Detection::Within10Ms),
            some if some.contains(" of ") => return Some(Detection::WithSomeSeeds),
            _ => {}
        }
        let seconds: f64 = cell.rsplit(' ').next()?.parse().ok()?;
        Some(match seconds {
            ..0.01 => Detection::Within10Ms,
            ..0.1 => Detection::Within100Ms,
            ..1.0 => Detection::WithinASecond,
            _ => Detection::Later,
        })
    }

    const fn colour(self) -> &'static str {
        match self {
            Detection::Within10Ms => "#0b5d3b",
            Detection::Within100Ms => "#2f9461",
            Detection::WithinASecond => "#86cba0",
            Detection::Later => "#f2d675",
            Detection::WithSomeSeeds => "#ef9b4e",
            Detection::Missed => "#c8433f",
            Detection::NotApplicable => "#eceeea",
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Detection::Within10Ms => "under 0.01 s",
            Detection::Within100Ms => "under 0.1 s",
            Detection::WithinASecond => "under 1 s",
            Detection::Later => "1 to 10 s",
            Detection::WithSomeSeeds => "with some seeds",
            Detection::Missed => "missed in 10 s",
            Detection::NotApplicable => "not applicable",
        }
    }
}

/// The table, without its last column, the size of the reproducer.
struct Matrix<'p> {
    engines: Vec<&'p str>,
    bugs: Vec<(&'p str, Vec<Detection>)>,
}

impl<'p> Matrix<'p> {
    fn of_page(page: &'p str) -> Result<Self, String> {
        let mut lines = page.lines().skip_while(|line| !line.starts_with(HEAD));
        let head = lines.next().ok_or("the page has no table of the matrix")?;
        let (_, engines) = cells(head);
        let bugs = lines
            .skip(1)
            .take_while(|line| line.starts_with('|'))
            .map(|line| {
                let (bug, row) = cells(line);
                let row: Option<Vec<_>> = row.iter().map(|cell| Detection::of(cell)).collect();
                match row {
                    Some(row) if row.len() == engines.len() => Ok((bug, row)),
                    _ => Err(format!("the row of {bug} is not one of the matrix")),
                }
            })
            .collect::<Result<_, String>>()?;
        Ok(Matrix { engines, bugs })
    }
}

/// The first cell of a row, and those between it and the last.
fn cells(row: &str) -> (&str, Vec<&str>) {
    let row = row.trim().trim_start_matches('|');
    let mut cells: Vec<&str> = row.split('|').map(str::trim).collect();
    // Behind the last bar there is nothing, and before it stands the size of the reproducer.
    cells.truncate(cells.len().saturating_sub(2));
    let first = cells.first().copied().unwrap_or_default();
    (first, cells.into_iter().skip(1).collect())
}

/// Renders the table of a page as an SVG.
///
/// # Errors
///
/// Returns a sentence that says which row cannot be read, or that there is no table.
pub fn svg(page: &str) -> Result<String, String> {
    let Matrix { engines, bugs } = Matrix::of_page(page)?;
    let width = LEFT + CELL * bugs.len() + 16;
    let height = TOP + CELL * engines.len() + GAP + 16;
    let first_baseline = engines.len().saturating_sub(BASELINES);
    let y = |engine: usize| TOP + CELL * engine + if engine < first_baseline { 0 } else { GAP };
    let mut image = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"img\" font-family=\"system-ui, sans-serif\" font-size=\"10\" \
         fill=\"#1b1f24\">\n\
         <title>Time to detect {} seeded bugs, by engine and baseline</title>\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"6\" fill=\"#fcfcfa\"/>\n",
        bugs.len()
    );
    let mut text = |attributes: &str, content: &str| {
        let _ = writeln!(image, "<text {attributes}>{content}</text>");
    };
    text(
        "x=\"12\" y=\"22\" font-size=\"13\" font-weight=\"600\"",
        "Median time to detect each seeded bug, by engine; the last four rows are baselines",
    );
    for (place, class) in Detection::ALL.into_iter().enumerate() {
        text(
            &format!("x=\"{}\" y=\"43\"", 27 + 116 * place),
            class.label(),
        );
    }
    for (column, (bug, _)) in bugs.iter().enumerate() {
        let (x, y) = (LEFT + CELL * column + 11, TOP - 6);
        text(
            &format!("transform=\"translate({x} {y}) rotate(-90)\""),
            bug,
        );
    }
    for (row, engine) in engines.iter().enumerate() {
        let (x, y) = (LEFT - 8, y(row) + 11);
        text(&format!("x=\"{x}\" y=\"{y}\" text-anchor=\"end\""), engine);
    }
    let mut square = |x: usize, y: usize, class: Detection| {
        let (size, colour) = (CELL - 2, class.colour());
        let _ = writeln!(
            image,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{size}\" height=\"{size}\" rx=\"2\" fill=\"{colour}\"/>"
        );
    };
    for (place, class) in Detection::ALL.into_iter().enumerate() {
        square(10 + 116 * place, 33, class);
    }
    for (column, (_, row)) in bugs.iter().enumerate() {
        for (engine, class) in row.iter().enumerate() {
            square(LEFT + CELL * column + 1, y(engine) + 1, *class);
        }
    }
    image.push_str("</svg>\n");
    Ok(image)
}
