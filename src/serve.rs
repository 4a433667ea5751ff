//! The server from start to stop: `serve` and `demo`.
//!
//! In: settings. Out: an exit code. Start: everything that can be wrong is refused before the
//! first connection is taken. Stop (SIGTERM, SIGINT): accept no more, finish what was accepted
//! within five seconds, let go what cannot be finished, save, exit 0.

use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::demo::Demo;
use crate::gate::places::Places;
use crate::gate::{self, Closed};
use crate::journal;
use crate::parking::Lot;
use crate::server;
use crate::settings::{Settings, Wrong};
use crate::setup;
use crate::unix::{self, Listener, Signals};

/// Lanes for each worker: one being served, one being read.
const LANES_PER_WORKER: usize = 2;
/// What is kept back of a stop's time for the last answers to go out.
const LAST_ANSWERS: Duration = Duration::from_millis(500);

/// Why the server is not there, with the exit code that says so.
#[derive(Debug)]
pub enum Failed {
    /// A setting is wrong: exit 2.
    Setting(String),
    /// Anything else: exit 1.
    Start(String),
}

impl From<Wrong> for Failed {
    fn from(wrong: Wrong) -> Self {
        Self::Setting(wrong.0)
    }
}

/// Serves until a signal comes, with the page of `demo` at `/` when there is one. `Ok(false)`:
/// the inner server failed.
pub fn serve(settings: Settings, demo: Option<Demo>) -> Result<bool, Failed> {
    let signals = Signals::new().map_err(start("signals cannot be received"))?;
    journal::catch_panics();
    if settings.tokens.is_empty() {
        return Err(Failed::Setting(
            "DOUMIBOOK_TOKEN is not set; expected the token from the console, 3 to 32 letters \
             and digits (doumibook demo needs none)"
                .into(),
        ));
    }
    journal::info(format_args!("{settings}"));
    let library = Arc::new(setup::library(&settings, None).map_err(Failed::Setting)?);
    let listeners = listeners(&settings)?;
    let connections = connections(&settings);
    let (workers, lanes) = (settings.workers, settings.workers * LANES_PER_WORKER);
    let service = setup::service(settings, library, demo);
    let places = Arc::new(Places::new(connections, Lot::new(connections / 2)));
    let alarm = UnixStream::pair().map_err(start("no socket pair"))?;
    let lanes = server::start(&service, &places, workers, lanes, &alarm.0)
        .map_err(start("the inner server does not start"))?;
    let names: Vec<String> = listeners
        .iter()
        .filter_map(|listener| listener.address().ok())
        .map(|address| address.to_string())
        .collect();
    journal::info(format_args!("listening on {}", names.join(", ")));

    let metrics = service.metrics.clone();
    let (closed, inside) = gate::run(&listeners, &signals, alarm, places, lanes, metrics)
        .map_err(start("the gate cannot go on"))?;
    let until = Instant::now() + gate::STOP;
    if closed == Closed::InnerGone {
        journal::error(format_args!("the inner server is gone; ending, to be started again"));
    }
    // From here on a client is refused at once, and may try elsewhere, instead of being let wait
    // for nobody.
    listeners.iter().for_each(Listener::clean_up);
    drop(listeners);
    inside.places.close();
    service.desk.stop(until - LAST_ANSWERS);
    let left = gate::drain(&inside, until);
    if left > 0 {
        journal::warning(format_args!("stopped with {left} connections unfinished"));
    }
    Ok(closed == Closed::Asked)
}

fn start<E: std::fmt::Display>(what: &'static str) -> impl Fn(E) -> Failed {
    move |error| Failed::Start(format!("{what}: {error}"))
}

/// The sockets systemd passed, else the one that is set.
fn listeners(settings: &Settings) -> Result<Vec<Listener>, Failed> {
    let passed = Listener::passed().map_err(start("a passed socket cannot be used"))?;
    if !passed.is_empty() {
        return Ok(passed);
    }
    let address = &settings.listen;
    let listener = Listener::bind(address).map_err(|error| {
        Failed::Start(format!(
            "DOUMIBOOK_LISTEN is \"{address}\", which cannot be listened on: {error}"
        ))
    })?;
    Ok(vec![listener])
}

/// As many connections as are wanted, or as the limit of open files allows: one file for each,
/// three for each lane, one for each lookup (and its name look-up), some for the rest.
fn connections(settings: &Settings) -> usize {
    let lanes = settings.workers * LANES_PER_WORKER;
    let rest = |files: usize| 16 + lanes * 3 + (settings.lookups * 2).min(files / 4);
    let wanted = settings.connections + 16 + lanes * 3 + settings.lookups * 2;
    let files = usize::try_from(unix::open_files(wanted as u64)).unwrap_or(usize::MAX);
    if files >= wanted {
        return settings.connections;
    }
    let possible = files.saturating_sub(rest(files)).clamp(4, settings.connections);
    if possible < settings.connections {
        journal::warning(format_args!(
            "DOUMIBOOK_CONNECTIONS is {}, but only {files} files may be open (LimitNOFILE); \
             serving {possible} connections at the same time",
            settings.connections
        ));
    }
    possible
}
