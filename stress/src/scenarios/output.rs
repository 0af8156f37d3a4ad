//! Where the report of a run goes.

use std::io::{self, Write};

use settings::ConfigError;

use super::trouble::Trouble;
use crate::{
    report::{
        files::{write_html, write_json, write_line},
        findings::Report,
        record::Record,
    },
    settings::output::{Output, is_stdout},
};

/// Rather now than after an hour: there has to be a directory for each report.
pub(super) fn check(output: &Output) -> Result<(), ConfigError> {
    let json = output.json.as_ref().filter(|file| !is_stdout(file));
    for (flag, file) in [("--json", json), ("--html", output.html.as_ref())] {
        let Some(file) = file else { continue };
        let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
        if file.file_name().is_none() || parent.is_some_and(|parent| !parent.is_dir()) {
            let problem = format!("there is no directory for {}", file.display());
            let expected = "name a file in a directory that exists";
            return Err(ConfigError::new(flag, problem, expected));
        }
    }
    Ok(())
}

/// Prints and writes the report; whether all went well.
pub(super) fn report(record: &Record, output: &Output) -> Result<bool, Trouble> {
    let report = Report::new(record);
    // Whoever read it may have seen enough.
    let _ = writeln!(io::stdout(), "{report}");
    match &output.json {
        Some(file) if is_stdout(file) => write_line(&report, &mut io::stdout())?,
        Some(file) => write_json(&report, file)?,
        None => {}
    }
    if let Some(file) = &output.html {
        write_html(&report, file)?;
    }
    Ok(report.is_success())
}
