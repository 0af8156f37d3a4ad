//! `stress merge`: one report of several.

use ::settings::ConfigError;

use super::{output, trouble::Trouble};
use crate::{report::record::Record, settings::scenarios::Merge};

/// Reads, adds up and reports; whether all went well in every run.
pub(crate) fn merge(settings: &Merge) -> Result<bool, Trouble> {
    output::check(&settings.output)?;
    let mut merged: Option<Record> = None;
    for file in &settings.reports {
        let records = Record::from_file(file).map_err(|problem| {
            let problem = format!("{}: {problem}", file.display());
            ConfigError::new("FILE", problem, "name reports that stress wrote with --json")
        })?;
        for record in records {
            match &mut merged {
                Some(merged) => merged.merge(record),
                None => merged = Some(record),
            }
        }
    }
    let Some(merged) = merged else {
        return Err(ConfigError::new("FILE", "none given", "name one report or more").into());
    };
    output::report(&merged, &settings.output)
}
