//! The server from start to stop: `serve` and `demo`.
//!
//! In: settings. Out: an exit code. Start: everything that can be wrong is refused before the
//! first connection is taken. SIGHUP reads shelf and answers again. Stop (SIGTERM, SIGINT): accept no more, finish what was accepted
//! within five seconds, let go what cannot be finished, save, exit 0.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::cli::demo::{self, Demo};
use crate::cli::reload::Reloader;
use crate::cli::settings::{DEFAULT_LISTEN, Settings};
use crate::cli::setup;
use crate::server::inner::INNER_CONNECTIONS;
use crate::server::parking::ParkingLimit;
use crate::server::table::ConnectionTable;
use crate::server::workers::{self, Handler, WorkerCounts};
use crate::server::{self, Ended, Shared};
use crate::service::metrics::Gauge;
use crate::service::persistence::Persistence;
use crate::service::wishbook::WishBook;
use crate::service::{Handled, Service};
use crate::sys::journal;
use crate::sys::systemd;
use crate::sys::unix::{self, Address, Listener, Signals};

/// Standard streams, listeners, signals, alarm, state files and the inner connections.
const OTHER_FILES: usize = 20 + INNER_CONNECTIONS * 3;
/// What is kept back of a stop's time for the last answers to go out.
const LAST_ANSWERS: Duration = Duration::from_millis(500);
/// What is kept back of it for saving, and for the process to end.
const SAVING: Duration = Duration::from_millis(500);

/// Why the server is not there, with the exit code that says so.
#[derive(Debug)]
pub enum Failed {
    /// A setting is wrong: exit 2.
    Setting(String),
    /// Anything else: exit 1.
    Start(String),
}

impl From<String> for Failed {
    fn from(sentence: String) -> Self {
        Self::Start(sentence)
    }
}

/// Serves until a signal comes. `state` is the directory for what outlives a restart; `demo`
/// puts its page at `/`. Returns the exit code.
pub fn serve(settings: Settings, state: Option<PathBuf>, demo: Option<Demo>) -> Result<u8, Failed> {
    let signals = Signals::new(demo.is_none()).map_err(start("signals cannot be received"))?;
    journal::catch_panics();
    if settings.tokens.is_empty() {
        return Err(Failed::Setting(
            "DOUMIBOOK_TOKEN is not set; expected the token from the console, 3 to 32 letters \
             and digits (doumibook demo needs none)"
                .into(),
        ));
    }
    journal::info(format_args!("{settings}"));
    let library = Arc::new(setup::library(&settings, state.as_deref()).map_err(Failed::Setting)?);
    let listeners = listeners(&settings, demo.is_some())?;
    let connections = room(&settings);
    let counts =
        WorkerCounts { usual: settings.workers, most: settings.workers + settings.lookups };
    let first_look = settings.deadline;
    let hint = demo.is_some();
    let replies = setup::replies(&settings).map_err(Failed::Setting)?;
    let wishes = wish_book(&settings, state.as_deref());
    let files = (settings.shelf.clone(), settings.replies.clone());
    let service = setup::service_with(settings, library.clone(), replies, wishes.clone());
    let reloader = Reloader::new(files, library.clone(), service.clone());
    let persistence = state.map(|state| Persistence::start(state, library, service.clone()));
    let table = Arc::new(ConnectionTable::new(connections, ParkingLimit::new(connections / 2)));
    watch(&service, &table);
    let (alarm, alarmed) = UnixStream::pair().map_err(start("no socket pair"))?;
    let inner = workers::start(handler(&service, demo), &table, counts, &alarm)
        .map_err(start("the inner server does not start"))?;
    // What connects from here on waits in the kernel for us, for some microseconds.
    tell_ready(&listeners, hint);
    let metrics = service.metrics.clone();
    let shared = Arc::new(Shared { table, inner, metrics, first_look, alarm });
    let ended = server::run(&listeners, &signals, &alarmed, &shared, || reloader.start())
        .map_err(start("the server cannot go on"))?;
    systemd::stopping();
    if ended == Ended::InnerGone {
        journal::error(format_args!("the inner server is gone; ending, to be started again"));
    }
    // From here on a client is refused at once, and may try elsewhere, instead of being let wait
    // for nobody; on a socket that systemd holds it waits for the next process.
    listeners.iter().for_each(Listener::clean_up);
    drop(listeners);
    stop(&shared, &service);
    persistence.iter().for_each(|persistence| persistence.save());
    wishes.iter().for_each(|wishes| wishes.save());
    Ok(u8::from(ended == Ended::InnerGone))
}

/// Says where we listen, to the log, to systemd and in a demo to whoever started it.
fn tell_ready(listeners: &[Listener], hint: bool) {
    let addresses: Vec<_> =
        listeners.iter().filter_map(|listener| listener.address().ok()).collect();
    let names: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    journal::info(format_args!("listening on {}", names.join(", ")));
    if let (true, Some(address)) = (hint, addresses.first()) {
        print!("{}", demo::hint(address));
    }
    systemd::ready();
    systemd::start_watchdog(addresses);
}

/// Where wishes are noted, if they are to be and can be kept.
fn wish_book(settings: &Settings, state: Option<&Path>) -> Option<Arc<WishBook>> {
    if !settings.wishes {
        return None;
    }
    if state.is_none() {
        journal::warning(format_args!(
            "DOUMIBOOK_WISHES=yes, but there is no state directory (StateDirectory=doumibook in \
             the unit makes it); no wishes are offered"
        ));
    }
    state.map(|state| WishBook::start(state.to_owned()))
}

/// Requests go to the demo's page if there is one and they are for it, else to the service.
fn handler(service: &Arc<Service>, demo: Option<Demo>) -> Handler {
    let service = service.clone();
    let Some(demo) = demo else { return Box::new(move |call| service.handle(call)) };
    Box::new(move |call| match demo.answer(&service, call) {
        Some(response) => Handled::Answer(response),
        None => service.handle(call),
    })
}

/// What the metrics tell of the server.
fn watch(service: &Service, table: &Arc<ConnectionTable>) {
    let table = table.clone();
    service.metrics.watch(Box::new(move || {
        let cut_off = table.cut_off.load(Ordering::Relaxed) as usize;
        vec![
            Gauge::new("doumibook_parked", "Requests waiting now.", table.parking.parked()),
            Gauge::new("doumibook_connections", "Connections now.", table.taken()),
            Gauge::new("doumibook_connections_limit", "Connections at most.", table.limit()),
            Gauge::new("doumibook_connections_cut_off_total", "Cut off to make room.", cut_off),
        ]
    }));
}

/// Finishes what was accepted.
fn stop(shared: &Shared, service: &Service) {
    let until = Instant::now() + server::STOP - SAVING;
    shared.table.close();
    service.stop(until - LAST_ANSWERS);
    let left = server::drain(shared, until);
    if left > 0 {
        journal::warning(format_args!("stopped with {left} connections unfinished"));
    }
}

fn start<E: std::fmt::Display>(what: &'static str) -> impl Fn(E) -> Failed {
    move |error| Failed::Start(format!("{what}: {error}"))
}

/// The sockets systemd passed, else the one that is set; `demo` takes it from its arguments.
fn listeners(settings: &Settings, demo: bool) -> Result<Vec<Listener>, Failed> {
    let passed = Listener::passed().map_err(start("a passed socket cannot be used"))?;
    let address = &settings.listen;
    if passed.is_empty() {
        let name = if demo { "--listen" } else { "DOUMIBOOK_LISTEN" };
        let listener = Listener::bind(address);
        let listener = listener.map_err(|error| cannot_listen(name, address, &error));
        return Ok(vec![listener?]);
    }
    let same = |listener: &Listener| listener.address().is_ok_and(|passed| passed == *address);
    if *address != DEFAULT_LISTEN && !passed.iter().any(same) {
        journal::warning(format_args!(
            "DOUMIBOOK_LISTEN is \"{address}\", but systemd listens for us, and somewhere else; \
             change ListenStream= with systemctl edit doumibook.socket"
        ));
    }
    Ok(passed)
}

/// Why nobody can listen at an address, and what would be right.
pub fn cannot_listen(name: &str, address: &Address, error: &io::Error) -> String {
    let right = match error.kind() {
        io::ErrorKind::AddrInUse => "an address that is free",
        io::ErrorKind::AddrNotAvailable => "an address of this machine",
        io::ErrorKind::PermissionDenied => "a port from 1024 on, or systemd's doumibook.socket",
        _ => "an address that can be listened on",
    };
    format!("{name} is \"{address}\", which cannot be listened on: {error}; expected {right}")
}

/// How many connections there are: as many as are wanted, or as the limit of open files allows.
fn room(settings: &Settings) -> usize {
    let limit = allowed(settings);
    let connections = connections(settings, limit);
    if connections < settings.connections {
        journal::warning(format_args!(
            "DOUMIBOOK_CONNECTIONS is {}, but only {limit} files may be open (LimitNOFILE); \
             serving {connections} connections at the same time",
            settings.connections
        ));
    }
    connections
}

/// How many files may be open; as many as are wanted, if that is possible.
pub fn allowed(settings: &Settings) -> usize {
    usize::try_from(unix::open_files(files(settings) as u64)).unwrap_or(usize::MAX)
}

/// How many files are opened at most: one for each connection, three for each inner one, two for
/// each lookup (with its name look-up), some for the rest.
pub fn files(settings: &Settings) -> usize {
    settings.connections + settings.lookups * 2 + OTHER_FILES
}

/// How many connections there may be when `limit` files may be open.
pub fn connections(settings: &Settings, limit: usize) -> usize {
    if limit >= files(settings) {
        return settings.connections;
    }
    // A quarter for lookups at most.
    let lookups = (settings.lookups * 2).min(limit / 4);
    limit.saturating_sub(OTHER_FILES + lookups).clamp(4, settings.connections)
}
