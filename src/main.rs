//! `doumibook`: command to outcome to exit code.

use std::io::IsTerminal;
use std::process::ExitCode;

use doumibook::command::{self, Command};
use doumibook::environment::{settings, state_directory};
use doumibook::serve::{Failed, serve};
use doumibook::{ask, check, demo, journal, menu};

fn main() -> ExitCode {
    let (sentence, code) = match run() {
        Ok(code) => return ExitCode::from(code),
        Err(Failed::Setting(sentence)) => (sentence, 2),
        Err(Failed::Start(sentence)) => (sentence, 1),
    };
    journal::error(format_args!("{sentence}"));
    ExitCode::from(code)
}

fn run() -> Result<u8, Failed> {
    match Command::read(std::env::args_os().skip(1)).map_err(Failed::Setting)? {
        Command::Help => print!("{}", command::help()),
        Command::Version => println!("doumibook {}", env!("CARGO_PKG_VERSION")),
        Command::Serve => {
            let settings = settings()?.or_neodb();
            return serve(settings, state_directory(), None).map(|well| u8::from(!well));
        }
        Command::Demo { listen } => {
            let (settings, page) = demo::prepare(listen)?;
            return serve(settings, None, Some(page)).map(|well| u8::from(!well));
        }
        Command::Check => {
            journal::hush();
            let report =
                check::check(settings().map(|settings| settings.or_neodb()), state_directory());
            print!("{report}");
            return Ok(report.exit());
        }
        Command::Menu(what) => print!("{}", menu::run(&what, &settings()?).map_err(Failed::Start)?),
        Command::Ask(asked) => {
            journal::hush();
            let settings = settings()?.or_demo_token().or_shelf();
            let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            print!("{}", ask::ask(&asked, settings, colour)?);
        }
    }
    Ok(0)
}
