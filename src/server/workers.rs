//! The inner server: tiny_http, its worker threads, and the moment a request becomes a call.
//!
//! In: complete, checked requests that the gate relays over a private socket. Out: the
//! service's answer, or "parked". A panic in the service costs its own request a 500 and
//! nobody else anything. The socket's directory is private (0700) and gone again before the
//! first client is served: the lanes are open by then, and nobody else may come.

use std::io::{self, Read};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use tiny_http::{Request, Server};

use crate::server::framing::BODY;
use crate::server::lanes::{Lanes, PARKED, SEAT};
use crate::server::listener;
use crate::server::table::Places;
use crate::service::response::Response;
use crate::service::{Call, Service};
use crate::sys::journal;
use crate::sys::unix;

/// Starts the inner server with `workers` threads and opens `lanes` to it. `alarm` is rung
/// when it can serve no longer.
pub fn start(
    service: &Arc<Service>,
    places: &Arc<Places>,
    workers: usize,
    lanes: usize,
    alarm: &UnixStream,
) -> io::Result<Lanes> {
    let directory = PrivateDirectory::new()?;
    let path = directory.0.join("inner");
    let listener = UnixListener::bind(&path)?;
    let server = Server::from_listener(listener, None).map_err(io::Error::other)?;
    let server = Arc::new(server);
    for _ in 0..workers {
        let worker = Worker {
            server: server.clone(),
            service: service.clone(),
            places: places.clone(),
            alarm: alarm.try_clone()?,
        };
        thread::Builder::new().name("worker".into()).spawn(move || worker.work())?;
    }
    Lanes::open(&path, lanes)
}

struct Worker {
    server: Arc<Server>,
    service: Arc<Service>,
    places: Arc<Places>,
    alarm: UnixStream,
}

impl Worker {
    fn work(&self) {
        loop {
            match self.server.recv() {
                Ok(request) => {
                    // tiny_http's own drop answers 500 while a panic unwinds.
                    let _ = catch_unwind(AssertUnwindSafe(|| self.handle(request)));
                }
                Err(error) => {
                    journal::error(format_args!("the inner server cannot go on: {error}"));
                    listener::ring(&self.alarm);
                    return;
                }
            }
        }
    }

    fn handle(&self, mut request: Request) {
        let response = self.answer(&mut request);
        let response = response.unwrap_or_else(|| Response::line(PARKED, ""));
        // As a CGI program would: our own bytes, in one write. tiny_http's Response would add a
        // date and a name that the gate drops again, for some 5 µs.
        let mut bytes = Vec::with_capacity(response.body.len() + 128);
        response.write(&mut bytes, None, true);
        let mut writer = request.into_writer();
        // When the gate is gone its client has been told already.
        let _ = writer.write_all(&bytes).and_then(|()| writer.flush());
    }

    fn answer(&self, request: &mut Request) -> Option<Response> {
        let seat = request
            .headers()
            .iter()
            .find(|field| field.field.equiv(SEAT))
            .and_then(|field| field.value.as_str().parse().ok())
            .and_then(|number| self.places.seat(number));
        let Some(seat) = seat else { return Some(Response::line(404, "no seat\n")) };
        let mut body = Vec::with_capacity(request.body_length().unwrap_or(0).min(BODY));
        if request.as_reader().take(BODY as u64).read_to_end(&mut body).is_err() {
            return Some(Response::line(400, "bad request\n"));
        }
        self.service.handle(&Call {
            method: request.method().as_str(),
            target: request.url(),
            body: &body,
            bay: &seat.bay,
            now: Instant::now(),
        })
    }
}

/// A directory only we can enter, removed when dropped.
struct PrivateDirectory(PathBuf);

impl PrivateDirectory {
    fn new() -> io::Result<Self> {
        // systemd's RuntimeDirectory when there is one, else the temporary directory.
        let parent =
            std::env::var_os("RUNTIME_DIRECTORY").map_or_else(std::env::temp_dir, PathBuf::from);
        let path = parent.join(format!("doumibook-{:032x}", u128::from_be_bytes(unix::random())));
        std::fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }
}

impl Drop for PrivateDirectory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
