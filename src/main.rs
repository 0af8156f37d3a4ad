//! The `holdfast` command: each subcommand is a thin call into a library crate.

mod agent;
mod development;
#[cfg(feature = "doctor")]
mod doctor;
#[cfg(feature = "generate")]
mod generate;
mod health;
mod listen;
mod serve;
mod successor;
mod supervisor;
mod token;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use settings::layers;

#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// A push gateway that holds client sockets and pushes to them fast
#[derive(Debug, Parser)]
#[command(name = "holdfast", version, args_conflicts_with_subcommands = true)]
struct Holdfast {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    up: development::Settings,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Gateway and pusher-api in one process, development defaults, loopback only
    Up(development::Settings),
    /// Hold client sessions
    Gateway(Box<gateway::Settings>),
    /// Take pushes from backends and forward them to gateways
    PusherApi(Box<pusher_api::Settings>),
    /// Open a session and print what arrives
    Listen(listen::Settings),
    /// Open many sessions and measure
    #[cfg(feature = "stress")]
    Stress(Box<stress::Settings>),
    /// Say how many sessions fit on this machine, or into a running process, and what stops more
    #[cfg(feature = "doctor")]
    Doctor(doctor::Settings),
    /// Ask a running gateway or pusher-api whether it is well
    Health(health::Settings),
    /// Print a signed token for trying things out
    Token(token::Settings),
    /// Write what is made from the flags: man pages, completions for shells, a file with every key
    #[cfg(feature = "generate")]
    #[command(hide = true)]
    Generate(generate::Settings),
}

fn main() -> ExitCode {
    let holdfast = match layers::parse::<Holdfast>(std::env::args_os().collect()) {
        Ok(holdfast) => holdfast,
        Err(error) => return serve::refuse(&error),
    };
    match holdfast.command.unwrap_or(Command::Up(holdfast.up)) {
        Command::Up(settings) => development::run(settings),
        Command::Gateway(settings) => serve::gateway(*settings),
        Command::PusherApi(settings) => serve::pusher_api(*settings),
        Command::Listen(settings) => listen::run(&settings),
        #[cfg(feature = "stress")]
        Command::Stress(settings) => stress::run(*settings),
        #[cfg(feature = "doctor")]
        Command::Doctor(settings) => doctor::run(&settings),
        Command::Health(settings) => health::ask(&settings),
        Command::Token(settings) => token::print(&settings),
        #[cfg(feature = "generate")]
        Command::Generate(settings) => {
            generate::run(&settings, <Holdfast as clap::CommandFactory>::command())
        }
    }
}
