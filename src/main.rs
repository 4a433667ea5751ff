//! `doumibook`: command to outcome to exit code.

use std::io::IsTerminal;
use std::process::ExitCode;

use doumibook::cli::command::{self, Command};
use doumibook::cli::environment::{self, state_directory};
use doumibook::cli::serve::{Failed, serve};
use doumibook::cli::settings::Settings;
use doumibook::cli::{ask, check, demo, menu, wishes};
use doumibook::sys::visible::printable;
use doumibook::sys::{journal, unix};

fn main() -> ExitCode {
    let (sentences, code) = match run() {
        Ok(code) => return ExitCode::from(code),
        Err(Failed::Setting(sentences)) => (sentences, 2),
        Err(Failed::Start(sentence)) => (sentence, 1),
    };
    for sentence in sentences.lines() {
        journal::error(format_args!("{sentence}"));
    }
    ExitCode::from(code)
}

fn run() -> Result<u8, Failed> {
    match Command::read(std::env::args_os().skip(1)).map_err(Failed::Setting)? {
        Command::Help => print!("{}", command::help()),
        Command::Version => println!("doumibook {}", env!("CARGO_PKG_VERSION")),
        Command::Serve => return serve(settings()?.or_neodb(), state_directory(), None),
        Command::Demo { listen } => {
            let (settings, page) = demo::prepare(listen).map_err(Failed::Setting)?;
            return serve(settings, None, Some(page));
        }
        Command::Check => {
            journal::hush();
            let (settings, wrong) = environment::settings();
            let findings = check::check(&settings.or_neodb(), wrong, state_directory());
            let (report, code) = check::report(&findings);
            print!("{}", printable(&report));
            return Ok(code);
        }
        Command::Menu(what) => print!("{}", printable(&menu::run(&what, &settings()?)?)),
        Command::Wishes(what) => {
            let state = state_directory().unwrap_or(wishes::STATE.into());
            print!("{}", wishes::run(&what, &state)?);
        }
        Command::Reload(process) => unix::hang_up(process).map_err(|why| {
            Failed::Start(format!("{why}; systemctl reload doumibook knows which one it is"))
        })?,
        Command::Ask(asked) => {
            journal::hush();
            let settings = settings()?.or_demo_token().or_shelf();
            let plain = std::env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty());
            let colour = std::io::stdout().is_terminal() && !plain;
            print!("{}", ask::ask(&asked, settings, colour)?);
        }
    }
    Ok(0)
}

/// The settings, if all of them are right.
fn settings() -> Result<Settings, Failed> {
    Settings::all_right(environment::settings()).map_err(Failed::Setting)
}
