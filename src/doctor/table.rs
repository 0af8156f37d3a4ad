//! What people read of an assessment: first the one sentence that matters, then what to do, then every
//! limit in a line.

use std::fmt;

use bytesize::ByteSize;
use limits::{
    Assessment,
    row::{Row, Unit, Verdict},
};

use super::Fix;

/// Columns of the page. Commands are not broken, so that they can be copied.
const WIDTH: usize = 100;
/// Columns before a command, and before what goes on from the line above.
const INDENT: &str = "    ";

/// An assessment as a page.
pub(super) struct Page<'a> {
    /// What was found.
    pub(super) found: &'a Assessment,
    /// What `--fix` has done before.
    pub(super) fixes: &'a [Fix],
}

impl fmt::Display for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = self.found;
        writeln!(f, "{}\n", Sentence(found))?;
        for Fix { limit, detail, .. } in self.fixes {
            writeln!(f, "{limit}:\n{INDENT}{}", lines(detail))?;
        }
        for row in found.bad() {
            let amounts = amounts(row);
            writeln!(f, "{} is {} ({amounts})", row.limit, row.verdict.as_str())?;
            writeln!(f, "{}", wrapped("  shows as: ", row.symptom))?;
            writeln!(f, "{INDENT}{}", lines(&row.cure))?;
        }
        for row in found.limits.iter().filter(|row| row.verdict == Verdict::Advice) {
            let better = Amount(row.needed, row.unit);
            writeln!(f, "{} could be {better}\n{INDENT}{}", row.limit, lines(&row.cure))?;
        }
        for row in found.unknown() {
            let why = row.note.unwrap_or("set for the whole machine, and not to be seen from here");
            writeln!(f, "{}", wrapped(&format!("{} is not known: ", row.limit), why))?;
        }
        for trace in &found.hit {
            let evidence = wrapped(&format!("{} has been hit: ", trace.limit), &trace.evidence);
            writeln!(f, "{evidence}")?;
        }
        write!(f, "\n{}", Table(&found.limits))
    }
}

fn amounts(row: &Row) -> String {
    let (current, needed) = (Amount(row.current, row.unit), Amount(row.needed, row.unit));
    match row.fits {
        Some(fits) => format!("{current}, needed {needed}; {fits} sessions fit"),
        None => format!("{current}, needed {needed}"),
    }
}

/// A cure and its remarks below each other, so that commands can be copied.
fn lines(cure: &str) -> String {
    cure.replace("; ", &format!("\n{INDENT}"))
}

/// A text broken at its spaces.
fn wrapped(head: &str, text: &str) -> String {
    let mut page = head.trim_end().to_owned();
    let mut column = page.chars().count();
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column + 1 + length > WIDTH {
            page.push('\n');
            page.push_str(INDENT);
            column = INDENT.len();
        } else {
            page.push(' ');
            column += 1;
        }
        page.push_str(word);
        column += length;
    }
    page
}

/// Every limit in a line.
struct Table<'a>(&'a [Row]);

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["limit", "where", "current", "needed", "verdict"].map(str::to_owned);
        let rows: Vec<_> = [head].into_iter().chain(self.0.iter().map(cells)).collect();
        let width = |column: usize| {
            rows.iter().map(|cells| cells[column].chars().count()).max().unwrap_or_default()
        };
        let widths: [usize; 5] = std::array::from_fn(width);
        for (index, [limit, place, current, needed, verdict]) in rows.iter().enumerate() {
            let [first, second, third, fourth, _] = widths;
            write!(f, "{limit:<first$}  {place:<second$}  {current:>third$}  {needed:>fourth$}  ")?;
            write!(f, "{verdict}")?;
            if index + 1 < rows.len() {
                writeln!(f)?;
            }
        }
        Ok(())
    }
}

fn cells(row: &Row) -> [String; 5] {
    [
        format!("{}{}", row.limit, unit(row.unit)),
        row.scope.as_str().to_owned(),
        Amount(row.current, row.unit).to_string(),
        Amount(row.needed, row.unit).to_string(),
        row.verdict.as_str().to_owned(),
    ]
}

/// What is not told by the number.
fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Count | Unit::Bytes => "",
        Unit::Pages => " (pages)",
        Unit::Seconds => " (seconds)",
    }
}

/// A number with its unit. The largest there is stands for no limit.
struct Amount(Option<u64>, Unit);

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0, self.1) {
            (None | Some(u64::MAX), _) => f.write_str("–"),
            (Some(value), Unit::Count | Unit::Pages | Unit::Seconds) => write!(f, "{value}"),
            (Some(value), Unit::Bytes) => write!(f, "{}", ByteSize::b(value).display().iec()),
        }
    }
}

/// How many fit.
struct Sentence<'a>(&'a Assessment);

impl fmt::Display for Sentence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (fits, wanted) = (self.0.fits.unwrap_or(u64::MAX), self.0.question.sessions);
        let seen = if self.0.unknown().next().is_some() { ", as far as can be seen" } else { "" };
        match self.0.stopped_by {
            Some(limit) => write!(f, "{fits} sessions fit now{seen}; stopped first by {limit}")?,
            None => write!(f, "nothing that can be seen stops sessions")?,
        }
        match (fits < wanted, self.0.good) {
            (true, _) => write!(f, " ({wanted} wanted)."),
            (false, false) => {
                write!(f, ",\nbut other limits are too low for {wanted} that come, push or leave.")
            }
            (false, true) => write!(f, "."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_before_the_last_column() {
        let text = "word ".repeat(60);
        let page = wrapped("  shows as: ", &text);
        assert!(page.lines().count() > 2 && page.starts_with("  shows as: word"));
        for line in page.lines() {
            assert!(line.chars().count() <= WIDTH, "{line}");
        }
        assert_eq!(page.matches("word").count(), 60);
        assert_eq!(wrapped("a: ", "b"), "a: b");
    }
}
