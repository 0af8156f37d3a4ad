//! What people read of an assessment.

use std::fmt;

use bytesize::ByteSize;
use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets::UTF8_HORIZONTAL_ONLY};
use limits::{
    Assessment,
    row::{Row, Unit, Verdict},
};

/// Columns of the page.
const WIDTH: u16 = 100;

/// An assessment as a page.
pub(super) struct Page<'a>(pub &'a Assessment);

impl fmt::Display for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = self.0;
        let mut table = Table::new();
        table.load_style(UTF8_HORIZONTAL_ONLY);
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH);
        table.set_header(["limit", "current", "needed", "verdict", "how it shows"]);
        table.add_rows(found.limits.iter().map(cells));
        // What is left of the width is for the symptoms, which can be broken at any space.
        for column in table.column_iter_mut().take(4) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
        writeln!(f, "{table}")?;
        for row in found.limits.iter().filter(|row| row.verdict.is_bad()) {
            writeln!(f, "{} is {}:\n    {}", row.limit, row.verdict.as_str(), lines(&row.cure))?;
        }
        for row in found.limits.iter().filter(|row| row.verdict == Verdict::Advice) {
            let better = Amount(row.needed, row.unit);
            writeln!(f, "{} could be {better}:\n    {}", row.limit, lines(&row.cure))?;
        }
        for trace in &found.hit {
            writeln!(f, "has been hit: {}: {}", trace.limit, trace.evidence)?;
        }
        if found.has_unknown() {
            writeln!(f, "unknown: set for the whole machine and not to be seen from here")?;
        }
        write!(f, "{}", Sentence(found))
    }
}

/// A cure and its remarks below each other, so that commands can be copied.
fn lines(cure: &str) -> String {
    cure.replace("; ", "\n    ")
}

fn cells(row: &Row) -> [String; 5] {
    let symptom = match (row.needed, row.verdict) {
        (None, Verdict::Ok) => row.cure.clone(),
        _ => row.symptom.to_owned(),
    };
    [
        format!("{}\n({}{})", row.limit, row.scope.as_str(), unit(row.unit)),
        Amount(row.current, row.unit).to_string(),
        Amount(row.needed, row.unit).to_string(),
        row.verdict.as_str().to_owned(),
        symptom,
    ]
}

/// What is not told by the number.
fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Count | Unit::Bytes => "",
        Unit::Pages => ", pages",
        Unit::Seconds => ", seconds",
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

/// The last line: how many fit.
struct Sentence<'a>(&'a Assessment);

impl fmt::Display for Sentence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (fits, wanted) = (self.0.fits.unwrap_or(u64::MAX), self.0.question.sessions);
        match self.0.stopped_by {
            Some(limit) => write!(f, "{fits} sessions fit now; stopped first by {limit}")?,
            None => write!(f, "nothing that can be seen stops sessions")?,
        }
        match (fits < wanted, self.0.good) {
            (true, _) => write!(f, " ({wanted} wanted)"),
            (false, false) => {
                write!(f, ", but other limits are too low for {wanted} that come, push or leave")
            }
            (false, true) => Ok(()),
        }
    }
}
