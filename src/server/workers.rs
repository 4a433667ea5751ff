//! The worker threads: tiny_http's requests become calls, and lookups are done.
//!
//! In: complete, checked requests that come over the inner connections. Out: the handler's
//! answer, sent through the request's slot; or a lookup, done on the thread that took the
//! request. Leader and followers: a thread that is about to wait for a source first sees to it
//! that others are left to take requests. A panic costs its own request a 500 and nobody else
//! anything. The socket's directory is private (0700) and gone again before the first client is
//! served: the inner connections are open by then, and nobody else may come.

use std::io::{self, Read};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use tiny_http::{Request, Server};

use super::inner::{InnerConnections, SLOT};
use super::limits::BODY;
use super::shared::ring;
use super::slot::Slot;
use super::table::ConnectionTable;
use crate::service::lookups::Blocking;
use crate::service::response::Response;
use crate::service::ticket::{Client, Ticket};
use crate::service::{Call, Handled};
use crate::sys::sync::lock;
use crate::sys::{journal, unix};

/// What answers requests.
pub type Handler = Box<dyn Fn(&Call<'_>) -> Handled + Send + Sync>;

/// Stack of a worker: TLS and JSON need less than half of it.
const STACK: usize = 512 * 1024;
/// How many threads are left to take requests when one goes to wait for a source: a help text
/// takes some 20 µs of it.
const LEFT: usize = 1;
/// How long a thread beyond the usual number waits for a request before it ends.
const SURPLUS: Duration = Duration::from_secs(2);

/// How many threads there are.
#[derive(Clone, Copy, Debug)]
pub struct WorkerCounts {
    /// As long as no lookup is under way.
    pub usual: usize,
    /// At most.
    pub most: usize,
}

/// Starts the inner server and its workers, and opens the connections to it. `alarm` is rung
/// when it can serve no longer.
pub fn start(
    handler: Handler,
    table: &Arc<ConnectionTable>,
    counts: WorkerCounts,
    alarm: &UnixStream,
) -> io::Result<InnerConnections> {
    let directory = PrivateDirectory::new()?;
    let path = directory.0.join("inner");
    let listener = UnixListener::bind(&path)?;
    let server = Server::from_listener(listener, None).map_err(io::Error::other)?;
    let workers = Arc::new(Workers {
        server,
        handler,
        table: table.clone(),
        alarm: alarm.try_clone()?,
        counts,
        threads: Mutex::new(0),
        free: AtomicUsize::new(0),
    });
    for _ in 0..counts.usual {
        workers.add_thread()?;
    }
    InnerConnections::open(&path)
}

struct Workers {
    server: Server,
    handler: Handler,
    table: Arc<ConnectionTable>,
    alarm: UnixStream,
    counts: WorkerCounts,
    threads: Mutex<usize>,
    /// Threads that do not wait for a source.
    free: AtomicUsize,
}

impl Workers {
    fn add_thread(self: &Arc<Self>) -> io::Result<()> {
        let mut threads = lock(&self.threads);
        if *threads >= self.counts.most {
            return Ok(());
        }
        let workers = self.clone();
        let thread = thread::Builder::new().name("worker".into()).stack_size(STACK);
        thread.spawn(move || workers.work())?;
        *threads += 1;
        self.free.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    fn work(self: &Arc<Self>) {
        loop {
            match self.next() {
                Ok(Some(request)) => self.handle(request),
                Ok(None) => return,
                Err(error) => {
                    journal::error(format_args!("the inner server cannot go on: {error}"));
                    return ring(&self.alarm);
                }
            }
        }
    }

    /// The next request; `None` when this thread is one too many.
    fn next(&self) -> io::Result<Option<Request>> {
        loop {
            if *lock(&self.threads) <= self.counts.usual {
                return self.server.recv().map(Some);
            }
            if let Some(request) = self.server.recv_timeout(SURPLUS)? {
                return Ok(Some(request));
            }
            let mut threads = lock(&self.threads);
            // The last that is free stays, however many there are that wait for sources.
            let leave = |free| (free > LEFT).then(|| free - 1);
            if *threads > self.counts.usual
                && self.free.fetch_update(Ordering::SeqCst, Ordering::SeqCst, leave).is_ok()
            {
                *threads -= 1;
                return Ok(None);
            }
        }
    }

    fn handle(self: &Arc<Self>, mut request: Request) {
        let Some((slot, number)) = self.addressee(&request) else {
            // The first request of an inner connection, which asks whether somebody is here.
            let _ = request.respond(tiny_http::Response::empty(204));
            return;
        };
        let handled =
            catch_unwind(AssertUnwindSafe(|| self.call(&mut request, slot.clone(), number)));
        // Nothing goes back over the inner connection.
        drop(request.into_writer());
        match handled {
            Ok(Handled::Answer(response)) => {
                slot.answer(number, Some(&response));
            }
            Ok(Handled::Parked) => {}
            Ok(Handled::LookUp(lookup)) => lookup.run(self),
            // The hook has told of it.
            Err(_) => {
                slot.answer(number, Some(&Response::line(500, "internal error\n")));
            }
        }
    }

    /// Whose request it is, as the connection's thread wrote it.
    fn addressee(&self, request: &Request) -> Option<(Arc<Slot>, u64)> {
        let named = request.headers().iter().find(|field| field.field.equiv(SLOT))?;
        let (slot, number) = named.value.as_str().split_once('/')?;
        Some((self.table.slot(slot.parse().ok()?)?, number.parse().ok()?))
    }

    fn call(&self, request: &mut Request, slot: Arc<Slot>, number: u64) -> Handled {
        // Gone meanwhile: nobody to answer.
        let Some(current) = slot.current(number) else { return Handled::Parked };
        let mut body = Vec::with_capacity(request.body_length().unwrap_or(0).min(BODY));
        if request.as_reader().take(BODY as u64).read_to_end(&mut body).is_err() {
            return Handled::Answer(Response::line(400, "bad request\n"));
        }
        (self.handler)(&Call {
            method: request.method().as_str(),
            target: request.url(),
            body: &body,
            first_byte: current.first_byte,
            local: current.local,
            ticket: Ticket::new(slot, number),
            now: Instant::now(),
        })
    }
}

impl Blocking for Arc<Workers> {
    fn begin(&self) -> bool {
        let left = self.free.fetch_sub(1, Ordering::SeqCst) - 1;
        let more = if left < LEFT { self.add_thread() } else { Ok(()) };
        let Err(error) = more else { return true };
        if self.free.load(Ordering::SeqCst) > 0 {
            return true;
        }
        journal::warning(format_args!(
            "cannot start a thread for a lookup: {error}; TasksMax or a lower DOUMIBOOK_LOOKUPS \
             would help"
        ));
        self.end();
        false
    }

    fn end(&self) {
        self.free.fetch_add(1, Ordering::SeqCst);
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
