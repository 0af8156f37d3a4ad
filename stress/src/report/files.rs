//! A report as files, and as a line among others.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use super::{findings::Report, page::template::page, record::Record};

/// Writes the report as JSON; a reader sees the old file or the new one, never a part.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn write_json(report: &Report<'_>, file: &Path) -> io::Result<()> {
    replace(file, serde_json::to_string_pretty(report)? + "\n")
}

/// Writes the report as JSON on a line of its own, which is found again in a log.
///
/// # Errors
/// The output cannot be written to.
pub(crate) fn write_line(report: &Report<'_>, output: &mut impl Write) -> io::Result<()> {
    writeln!(output, "{}", serde_json::to_string(report)?)
}

/// Writes the report as a page with plots, as [`write_json`] does.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn write_html(report: &Report<'_>, file: &Path) -> io::Result<()> {
    replace(file, page(report))
}

/// The page that `stress merge --html` makes of the bytes of one file, merged with itself.
///
/// # Errors
/// Names the field that is wrong.
pub fn page_of_report(bytes: &[u8]) -> Result<String, String> {
    let mut merged = Record::all_in(bytes)?.into_iter();
    let mut record = merged.next().ok_or("no report")?;
    merged.for_each(|other| record.merge(other));
    record.merge(record.clone());
    Ok(page(&Report::new(&record)))
}

fn replace(file: &Path, text: String) -> io::Result<()> {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part = file.with_file_name(name);
    fs::write(&part, text).and_then(|()| fs::rename(&part, file)).inspect_err(|_| {
        let _ = fs::remove_file(&part);
    })
}
