//! What the operating system gives: sockets, signals, limits, the clock, chance. The home of nix,
//! listenfd and getrandom.
//!
//! In: addresses, file descriptors systemd passed. Out: listeners and connections of both
//! kinds behind one type, and one place to wait for all of them and for signals. No periodic
//! wake-up: waiting ends with an event, never with a clock.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use listenfd::ListenFd;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::socket::{Backlog, MsgFlags, listen, send};
use nix::unistd::Pid;

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// `ADDR:PORT`.
    Tcp(SocketAddr),
    /// `unix:PATH`.
    Unix(PathBuf),
}

impl Address {
    /// Whether machines that are neither this one nor in its own network may reach it.
    pub fn is_public(&self) -> bool {
        match self {
            Self::Unix(_) => false,
            Self::Tcp(address) => match address.ip().to_canonical() {
                IpAddr::V4(ip) => !(ip.is_loopback() || ip.is_private() || ip.is_link_local()),
                IpAddr::V6(ip) => !(ip.is_loopback() || ip.is_unique_local()),
            },
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// A listening socket that never blocks in `accept`.
#[derive(Debug)]
pub enum Listener {
    /// Internet; `true` when we bound it, so that what waits in it ends with us.
    Tcp(TcpListener, bool),
    /// Local; the second field is the path to remove when we made it.
    Unix(UnixListener, Option<PathBuf>),
}

impl Listener {
    /// Binds `address`. A socket file that nobody listens on any more is replaced.
    pub fn bind(address: &Address) -> io::Result<Self> {
        let listener = match address {
            Address::Tcp(address) => Self::Tcp(TcpListener::bind(address)?, true),
            Address::Unix(path) => {
                remove_stale(path)?;
                let listener = UnixListener::bind(path)?;
                // A proxy runs as another user, most often in our group.
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660))?;
                Self::Unix(listener, Some(path.clone()))
            }
        };
        // std asks for a queue of 128: a thousand clients at once overflow it, and whoever is
        // dropped tries again after a second only. The kernel lowers this to its own limit.
        listen(&listener, Backlog::MAXCONN)?;
        listener.non_blocking()
    }

    /// The sockets systemd passed (LISTEN_FDS), if it did.
    pub fn passed() -> io::Result<Vec<Self>> {
        let mut passed = ListenFd::from_env();
        let mut listeners = Vec::new();
        for index in 0..passed.len() {
            let listener = match passed.take_unix_listener(index) {
                Ok(Some(unix)) => Self::Unix(unix, None),
                _ => match passed.take_tcp_listener(index)? {
                    Some(tcp) => Self::Tcp(tcp, false),
                    None => continue,
                },
            };
            listeners.push(listener.non_blocking()?);
        }
        Ok(listeners)
    }

    fn non_blocking(self) -> io::Result<Self> {
        match &self {
            Self::Tcp(tcp, _) => tcp.set_nonblocking(true)?,
            Self::Unix(unix, _) => unix.set_nonblocking(true)?,
        }
        Ok(self)
    }

    /// Takes one waiting connection; `None` when nobody waits (any more).
    pub fn accept(&self) -> io::Result<Option<Connection>> {
        let accepted = match self {
            Self::Tcp(tcp, _) => tcp.accept().and_then(|(stream, peer)| {
                Connection::tcp(stream, peer.ip().to_canonical().is_loopback())
            }),
            Self::Unix(unix, _) => unix.accept().map(|(stream, _)| Connection::unix(stream)),
        };
        match accepted {
            Ok(connection) => Ok(Some(connection)),
            // Gone again before we came: nothing to serve.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock
                        | io::ErrorKind::ConnectionAborted
                        | io::ErrorKind::ConnectionReset
                        | io::ErrorKind::Interrupted
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The address with the port the kernel chose.
    pub fn address(&self) -> io::Result<Address> {
        Ok(match self {
            Self::Tcp(tcp, _) => Address::Tcp(tcp.local_addr()?),
            Self::Unix(unix, _) => Address::Unix(
                unix.local_addr()?.as_pathname().map(Path::to_owned).unwrap_or_default(),
            ),
        })
    }

    /// Whether what waits in it when we end is lost: nobody else listens there.
    pub fn ends_with_us(&self) -> bool {
        matches!(self, Self::Tcp(_, true) | Self::Unix(_, Some(_)))
    }

    /// Removes the socket file that [`Listener::bind`] made.
    pub fn clean_up(&self) {
        if let Self::Unix(_, Some(path)) = self {
            let _ = std::fs::remove_file(path);
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(tcp, _) => tcp.as_fd(),
            Self::Unix(unix, _) => unix.as_fd(),
        }
    }
}

/// Removes a socket file whose server is gone. Never removes anything but a dead socket.
fn remove_stale(path: &Path) -> io::Result<()> {
    let Ok(found) = std::fs::symlink_metadata(path) else { return Ok(()) };
    let dead = found.file_type().is_socket()
        && UnixStream::connect(path)
            .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
    if dead { std::fs::remove_file(path) } else { Ok(()) }
}

/// A connection to a client; reading and writing need no `&mut`, so that another thread can
/// shut it down meanwhile.
#[derive(Debug)]
pub struct Connection {
    /// TCP or Unix: the system calls made from here on are the same for both, so one type of std
    /// stands for either.
    stream: UnixStream,
    local: bool,
}

impl Connection {
    /// A connection over TCP, without Nagle's delay; `local` when the peer is on this machine.
    pub fn tcp(stream: TcpStream, local: bool) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream: OwnedFd::from(stream).into(), local })
    }

    /// A connection over a Unix socket.
    pub fn unix(stream: UnixStream) -> Self {
        Self { stream, local: true }
    }

    /// Whether the peer is on this machine.
    pub fn is_local(&self) -> bool {
        self.local
    }

    /// How long one read may wait; at least a millisecond, since zero would mean "for ever".
    pub fn read_timeout(&self, wait: Duration) -> io::Result<()> {
        self.stream.set_read_timeout(Some(wait.max(Duration::from_millis(1))))
    }

    /// How long one write may wait.
    pub fn write_timeout(&self, wait: Duration) -> io::Result<()> {
        self.stream.set_write_timeout(Some(wait))
    }

    /// Sends as much of `bytes` as goes without waiting; returns how much that was.
    pub fn send_now(&self, bytes: &[u8]) -> io::Result<usize> {
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
        match send(self.stream.as_raw_fd(), bytes, flags) {
            Ok(sent) => Ok(sent),
            Err(nix::errno::Errno::EAGAIN | nix::errno::Errno::EINTR) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    /// Ends one or both directions; errors mean it is over already.
    pub fn shutdown(&self, how: Shutdown) {
        let _ = self.stream.shutdown(how);
    }

    /// Says `bytes` without waiting for anything, and takes in what has come, so that closing
    /// does not destroy what was said.
    pub fn say_and_go(&self, bytes: &[u8]) {
        if self.stream.set_nonblocking(true).is_ok() {
            let _ = (&self.stream).read(&mut [0; 4096]);
            let _ = (&self.stream).write(bytes);
        }
        self.shutdown(Shutdown::Write);
    }
}

impl Read for &Connection {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        (&self.stream).read(buf)
    }
}

impl Write for &Connection {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        (&self.stream).write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// SIGTERM, SIGINT and SIGHUP as something to wait for.
pub struct Signals(SignalFd);

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// To stop.
    Stop,
    /// To read files again.
    Reload,
}

impl Signals {
    /// Blocks these signals for this thread and all it starts later: call it before any other
    /// thread exists. SIGHUP only for what reads its files again then; it ends others.
    pub fn new(reloads: bool) -> io::Result<Self> {
        let mut set = SigSet::empty();
        set.add(Signal::SIGTERM);
        set.add(Signal::SIGINT);
        if reloads {
            set.add(Signal::SIGHUP);
        }
        set.thread_block()?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        Ok(Self(SignalFd::with_flags(&set, flags)?))
    }

    /// What the next signal that has come asks for; `None` when none has.
    pub fn take(&self) -> io::Result<Option<Asked>> {
        let signal = self.0.read_signal()?;
        Ok(signal.map(|signal| match i32::try_from(signal.ssi_signo) {
            Ok(number) if number == Signal::SIGHUP as i32 => Asked::Reload,
            _ => Asked::Stop,
        }))
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Waits until one of `fds` has something, for as long as it takes; says which ones have.
pub fn wait(fds: &[BorrowedFd<'_>]) -> io::Result<Vec<bool>> {
    let mut polled: Vec<_> = fds.iter().map(|fd| PollFd::new(*fd, PollFlags::POLLIN)).collect();
    match poll(&mut polled, PollTimeout::NONE) {
        Ok(_) | Err(nix::errno::Errno::EINTR) => {
            Ok(polled.iter().map(|fd| fd.any().unwrap_or(false)).collect())
        }
        Err(error) => Err(error.into()),
    }
}

/// Asks another process of ours to read its files again.
///
/// # Errors
/// A sentence: it is seen to run another program, there is none, or it is not ours to signal.
pub fn hang_up(process: i32) -> Result<(), String> {
    // SIGHUP ends most programs. Under the unit the other process is there without being visible:
    // each command of a unit has a user namespace of its own.
    let name = |process: &str| std::fs::read_to_string(format!("/proc/{process}/comm")).ok();
    if let (Some(theirs), Some(ours)) = (name(&process.to_string()), name("self"))
        && theirs != ours
    {
        return Err(format!("process {process} is {:?} and not doumibook", theirs.trim_end()));
    }
    let sent = kill(Pid::from_raw(process), Signal::SIGHUP);
    sent.map_err(|error| format!("process {process}: {error}"))
}

/// How many files this process may have open, after raising the soft limit towards `wanted`
/// as far as the hard one allows.
pub fn open_files(wanted: u64) -> u64 {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return wanted };
    if soft >= wanted {
        return soft;
    }
    let raised = wanted.min(hard);
    match setrlimit(Resource::RLIMIT_NOFILE, raised, hard) {
        Ok(()) => raised,
        Err(_) => soft,
    }
}

/// Time since 1970; none on a machine whose clock is before that.
pub fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Seconds since 1970.
pub fn seconds() -> u64 {
    since_1970().as_secs()
}

/// Sixteen fresh random bytes from the kernel.
///
/// # Panics
/// When the kernel has none, which it only has not while a machine boots: a reply sealed with
/// guessable bytes must not go out.
pub fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    match getrandom::getrandom(&mut bytes) {
        Ok(()) => bytes,
        Err(error) => panic!("the kernel gives no random bytes: {error}"),
    }
}
