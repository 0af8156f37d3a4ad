//! Settings in the environment: `HOLDFAST_` and the flag in upper snake case.

use clap::{ArgAction, Command, builder::BoolishValueParser};

const PREFIX: &str = "HOLDFAST_";

/// Lets every flag be given as a variable, too, and says so in its help. `own` is false for a command
/// whose own flags are not to be read.
pub(super) fn with_variables(command: Command, own: bool) -> Command {
    let named = command.mut_subcommands(|inner| with_variables(inner, true));
    if !own {
        return named;
    }
    named.mut_args(|arg| match arg.get_long() {
        Some("help" | "version") | None => arg,
        Some(flag) => {
            let (key, variable) = (flag.to_owned(), variable_of(flag));
            let help = arg.get_help().cloned().unwrap_or_default();
            let file_key = if key == "config" { String::new() } else { format!(" [key: {key}]") };
            let arg = arg.help(format!("{help}{file_key}")).env(variable).hide_env_values(true);
            match arg.get_action() {
                // 1, yes and on are how people say it in an environment.
                ArgAction::SetTrue => arg.value_parser(BoolishValueParser::new()),
                _ => arg,
            }
        }
    })
}

/// The variable of a flag.
pub(super) fn variable_of(flag: &str) -> String {
    format!("{PREFIX}{}", flag.replace('-', "_").to_uppercase())
}

/// Says on stderr which variables are named like settings and are none of any command. They do not stop
/// a start: other programs put variables there, too.
pub(super) fn warn_of_strangers(command: &Command) {
    let mut known = Vec::new();
    variables(command, &mut known);
    let given = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for name in given.filter(|name| name.starts_with(PREFIX)) {
        if !known.contains(&name) && !is_of_kubernetes(&name) {
            eprintln!("warning: the variable {name} is no setting of any command; see --help");
        }
    }
}

fn variables(command: &Command, known: &mut Vec<String>) {
    known.extend(command.get_arguments().filter_map(|arg| arg.get_long()).map(variable_of));
    command.get_subcommands().for_each(|inner| variables(inner, known));
}

/// Whether Kubernetes or Docker put it there for a service called `holdfast…`.
fn is_of_kubernetes(name: &str) -> bool {
    let ends = ["_SERVICE_HOST", "_SERVICE_PORT", "_PORT"];
    ends.iter().any(|end| name.ends_with(end))
        || ["_SERVICE_PORT_", "_TCP", "_UDP"].iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_services_are_no_mistakes() {
        let service = ["HOLDFAST_SERVICE_HOST", "HOLDFAST_PORT", "HOLDFAST_PORT_8080_TCP_ADDR"];
        for name in service.into_iter().chain(["HOLDFAST_GATEWAY_SERVICE_PORT_HTTP"]) {
            assert!(is_of_kubernetes(name), "{name}");
        }
        for name in ["HOLDFAST_PING_PERIOD", "HOLDFAST_SERVICE", "HOLDFAST_PORTS"] {
            assert!(!is_of_kubernetes(name), "{name}");
        }
    }
}
