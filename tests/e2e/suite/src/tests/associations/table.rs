//! The table of docs/associations.md: what each client saw.

use std::fmt::Write;

use anyhow::{Context, Result, bail, ensure};

use crate::harness::cluster::root;
use crate::harness::eks_client::{KINDS, Kind};

const PAGE: &str = "docs/associations.md";

/// What is around the table.
const BEGIN: &str = "<!-- written by the end-to-end suite -->\n";
const END: &str = "<!-- end of what it writes -->\n";

/// What a client saw.
pub struct Column {
    pub kind: Kind,
    pub version: String,
    /// By row.
    pub cells: Vec<(String, String)>,
}

/// An error if the page says something else of these columns than what was seen; with `UPDATE` the page is written.
pub fn compared(columns: &[Option<Column>]) -> Result<()> {
    let path = root().join(PAGE);
    let page = std::fs::read_to_string(&path)?;
    let (before, rest) = page.split_once(BEGIN).context("the page has no table")?;
    let (table, after) = rest.split_once(END).context("the page's table has no end")?;
    if std::env::var_os("UPDATE").is_some() {
        let all: Option<Vec<_>> = columns.iter().map(Option::as_ref).collect();
        let all = all.context("a client is missing: the table cannot be written")?;
        std::fs::write(&path, format!("{before}{BEGIN}{}{END}{after}", written(&all)))?;
        return Ok(());
    }
    let mut differences = String::new();
    for column in columns.iter().flatten() {
        for (row, cell) in [(HEAD.to_owned(), head(column))].iter().chain(&column.cells) {
            let found = cell_of(table, row, column.kind);
            if found != Some(cell) {
                let name = column.kind.name();
                writeln!(
                    differences,
                    "{row}: {name} saw {cell}; the page has {}",
                    found.unwrap_or("nothing")
                )?;
            }
        }
        let rows = table.lines().filter(|line| line.starts_with("| ")).count();
        ensure!(rows == column.cells.len() + 1, "{rows} rows in {PAGE}");
    }
    if !differences.is_empty() {
        bail!("{PAGE} is not what was seen (UPDATE=1 writes it):\n{differences}");
    }
    Ok(())
}

const HEAD: &str = "call";

fn head(column: &Column) -> String {
    format!("{} {}", column.kind.name(), column.version)
}

/// The cell in the row that begins with these words.
fn cell_of<'a>(table: &'a str, row: &str, kind: Kind) -> Option<&'a str> {
    let place = KINDS.iter().position(|known| *known == kind)?;
    let cells = table.lines().map(|line| line.trim_matches('|').split('|').map(str::trim));
    let mut cells = cells.filter_map(|mut cells| (cells.next()? == row).then_some(cells));
    cells.next()?.nth(place)
}

fn written(columns: &[&Column]) -> String {
    let mut lines = vec![format!("| {HEAD} | {} |", joined(columns.iter().map(|column| head(column))))];
    lines.push(format!("|{}", "---|".repeat(columns.len() + 1)));
    let rows = columns.first().map(|column| column.cells.len()).unwrap_or_default();
    for row in 0..rows {
        let cells = columns.iter().map(|column| column.cells[row].1.clone());
        lines.push(format!("| {} | {} |", columns[0].cells[row].0, joined(cells)));
    }
    lines.join("\n") + "\n"
}

fn joined(cells: impl Iterator<Item = String>) -> String {
    cells.collect::<Vec<_>>().join(" | ")
}
