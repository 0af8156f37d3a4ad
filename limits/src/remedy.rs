//! Setting what can be set while everything runs.

use std::{fs, io, path::Path};

use crate::{
    descriptors,
    kernel_text::same_words,
    network::{Network, is_own},
    process::ProcessLimits,
    row::{Change, Row, Scope},
    sysctl,
};

/// Does what a row suggests, and looks whether it holds; nothing where it suggests nothing that can
/// be done at once.
///
/// # Errors
/// The system refuses, or has set something else.
pub fn apply(row: &Row, process: Option<u32>) -> Option<io::Result<()>> {
    Some(match row.change.as_ref()? {
        Change::Descriptors(process, limit) => set_descriptors(*process, *limit),
        Change::Sysctls(settings) => {
            settings.iter().try_for_each(|(name, value)| set(name, value, row.scope, process))
        }
    })
}

/// The order in which changes have to be made: RLIMIT_NOFILE may not be set above fs.nr_open, so
/// processes come last.
pub fn order(row: &Row) -> u8 {
    u8::from(matches!(row.change, Some(Change::Descriptors(..))))
}

fn set_descriptors(process: u32, limit: u64) -> io::Result<()> {
    descriptors::set_limit_of(process, limit)?;
    match ProcessLimits::read(Some(process))?.descriptors.soft {
        set if set == limit => Ok(()),
        other => Err(io::Error::other(format!("it is {other} afterwards"))),
    }
}

fn set(name: &str, value: &str, scope: Scope, process: Option<u32>) -> io::Result<()> {
    let write = || write_and_look(name, value);
    match (scope, process) {
        (Scope::Network, Some(process)) => Network::Of(process).within(write)?,
        (Scope::Host, _) => write().or_else(|error| match is_own(1) {
            true => Err(error),
            // Some are seen in the machine's first network namespace only.
            false => Network::Of(1).within(write).map_err(|_| error)?,
        }),
        _ => write(),
    }
}

/// The kernel takes some values and sets others.
fn write_and_look(name: &str, value: &str) -> io::Result<()> {
    sysctl::write(name, value)?;
    let set = sysctl::text(name)?;
    match same_words(&set, value) {
        true => Ok(()),
        false => Err(io::Error::other(format!("{name} is {} afterwards", set.trim()))),
    }
}

/// Writes the settings of these rows into a file that is read when the machine starts, as those under
/// `/etc/sysctl.d/` are; what it says of other settings stays. How many there are.
///
/// # Errors
/// The file cannot be read or written.
pub fn keep<'a>(rows: impl IntoIterator<Item = &'a Row>, file: &Path) -> io::Result<usize> {
    let settings: Vec<_> = rows.into_iter().flat_map(lasting).collect();
    let before = match fs::read_to_string(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        other => other?,
    };
    let is_old = |line: &&str| {
        let name = line.split('=').next().unwrap_or_default().trim();
        !settings.iter().any(|(ours, _)| *ours == name)
    };
    let mut text: String = before.lines().filter(is_old).map(|line| format!("{line}\n")).collect();
    settings.iter().for_each(|(name, value)| text.push_str(&format!("{name} = {value}\n")));
    let part = file.with_extension("part");
    fs::write(&part, text).and_then(|()| fs::rename(&part, file))?;
    Ok(settings.len())
}

/// The settings of a row that a file can keep.
pub fn lasting(row: &Row) -> &[(&'static str, String)] {
    match &row.change {
        Some(Change::Sysctls(settings)) => settings,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::Unit;

    fn row(name: &'static str, value: &str) -> Row {
        Row::new(name, Scope::Network, Unit::Count, "").sysctl(value)
    }

    #[test]
    fn a_file_keeps_what_is_set_and_what_else_it_says() {
        let file = std::env::temp_dir().join(format!("holdfast-keep-{}", std::process::id()));
        fs::write(&file, "# by hand\nnet.a.b = 1\nvm.other=7\n").unwrap();
        let rows = [row("net.a.b", "2"), row("net.c", "4 5 6")];
        assert_eq!(keep(&rows, &file).unwrap(), 2);
        let expected = "# by hand\nvm.other=7\nnet.a.b = 2\nnet.c = 4 5 6\n";
        assert_eq!(fs::read_to_string(&file).unwrap(), expected);
        assert_eq!(keep(&rows, &file).unwrap(), 2);
        assert_eq!(fs::read_to_string(&file).unwrap(), expected);
        fs::remove_file(&file).unwrap();
        assert!(keep(&rows, Path::new("/nonexistent/x")).is_err());
    }

    #[test]
    fn processes_come_after_the_machine() {
        let nr_open = row("fs.nr_open", "2097152");
        let change = Some(Change::Descriptors(1, 2_000_000));
        let process = Row { change, ..row("RLIMIT_NOFILE", "") };
        assert!(order(&nr_open) < order(&process));
    }

    #[test]
    fn what_cannot_be_set_is_not_said_to_be() {
        let missing = row("net.no.such", "1");
        assert!(apply(&missing, None).unwrap().is_err());
        let unchanged = Row { change: None, ..missing };
        assert!(apply(&unchanged, None).is_none());
    }
}
