//! `doumibook`: command to outcome to exit code.

use std::cell::RefCell;
use std::io::{ErrorKind, IsTerminal};
use std::process::ExitCode;

use doumibook::book::Source;
use doumibook::command::{self, Command};
use doumibook::demo::Demo;
use doumibook::serve::{Failed, serve};
use doumibook::settings::{Settings, Wrong};
use doumibook::unix::{self, Address};
use doumibook::wechat::signature::Token;
use doumibook::{ask, journal};

/// The command line or a setting is wrong.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(Failed::Setting(sentence)) => {
            journal::error(format_args!("{sentence}"));
            ExitCode::from(USAGE)
        }
        Err(Failed::Start(sentence)) => {
            journal::error(format_args!("{sentence}"));
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<bool, Failed> {
    match Command::read(std::env::args_os().skip(1)).map_err(Failed::Setting)? {
        Command::Help => print!("{}", command::help()),
        Command::Version => println!("doumibook {}", env!("CARGO_PKG_VERSION")),
        Command::Serve => {
            let mut settings = settings()?;
            if settings.sources.is_empty() {
                settings.sources.push(Source::NeoDb);
                journal::info(format_args!(
                    "no source is set up, so books come from NeoDB ({}); set DOUMIBOOK_SHELF, \
                     DOUMIBOOK_DOUBAN_URL or DOUMIBOOK_DOUBAN_KEY to change that",
                    settings.neodb_url.as_str()
                ));
            }
            return serve(settings, None);
        }
        Command::Demo { listen } => {
            let settings = demo(listen)?;
            let page = Demo::new(&settings.name, unix::random());
            return serve(settings, Some(page));
        }
        Command::Ask(asked) => {
            journal::hush();
            let settings = with_shelf(with_demo_token(settings()?)?);
            let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            print!("{}", ask::ask(&asked, settings, colour).map_err(Failed::Start)?);
        }
    }
    Ok(true)
}

fn settings() -> Result<Settings, Wrong> {
    let environment = std::env::vars_os()
        // A value that is no UTF-8 is wrong, and must be refused rather than overlooked.
        .map(|(name, value)| (lossy(&name), lossy(&value)));
    let directory = std::env::var_os("CREDENTIALS_DIRECTORY").map(std::path::PathBuf::from);
    let unreadable = RefCell::new(None);
    let credential = |name: &str| {
        let path = directory.as_ref()?.join(name);
        match std::fs::read(&path) {
            Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => {
                let sentence = format!("the credential {} cannot be read: {error}", path.display());
                unreadable.replace(Some(Wrong(sentence)));
                None
            }
        }
    };
    let settings = Settings::read(environment, &credential);
    // A key that is there but cannot be read must not mean that there is no key.
    unreadable.into_inner().map_or(settings, Err)
}

fn lossy(text: &std::ffi::OsStr) -> String {
    text.to_string_lossy().into_owned()
}

/// The demo takes nothing from the environment but names: nothing there can break it.
fn demo(listen: Address) -> Result<Settings, Failed> {
    let settings = Settings::read([], &|_| None)?;
    let mut settings = with_shelf(with_demo_token(settings)?);
    println!(
        "doumibook demo: the account \"{}\", with the built-in shelf and the token \"demo\".\n\
         Open http://{listen}/ in a browser to chat with it, or in another terminal:\n\
         \x20 cargo run --release -- ask 三体 --url http://{listen}/weixin\n\
         Ctrl-C ends it.",
        settings.name
    );
    settings.listen = listen;
    Ok(settings)
}

fn with_demo_token(mut settings: Settings) -> Result<Settings, Failed> {
    if settings.tokens.is_empty() {
        let token = Token::parse("demo").map_err(|bad| Failed::Setting(bad.to_string()))?;
        settings.tokens.push(token);
    }
    Ok(settings)
}

/// Without any source there is the built-in shelf.
fn with_shelf(mut settings: Settings) -> Settings {
    if settings.sources.is_empty() {
        settings.sources.push(Source::Shelf);
    }
    settings
}
