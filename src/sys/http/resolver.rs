//! Names of hosts become addresses.
//!
//! In: the address of a request. Out: socket addresses, of its host or of the proxy that it is
//! forwarded by. ureq's own resolver starts a thread for
//! every request, also for `127.0.0.1` and for a host whose connection is in the pool: 90 µs of a
//! lookup's 300. Here only a name that was not looked up within the last half minute takes one.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use super::address::{bare, host_and_port};
use super::proxy::Proxy;
use crate::sys::sync::lock;

/// How long an address is believed: hosts that move keep the old one answering for longer.
const KEPT: Duration = Duration::from_secs(30);
/// Hosts remembered: sources, proxies and WeChat's own are a handful.
const HOSTS: usize = 16;

/// Remembers addresses; all clones remember the same.
#[derive(Clone, Default)]
pub(super) struct CachingResolver {
    proxy: Arc<Proxy>,
    known: Arc<Mutex<HashMap<(String, u16), Known>>>,
}

struct Known {
    since: Instant,
    addresses: ResolvedSocketAddrs,
}

impl CachingResolver {
    /// One that leads plain HTTP to this proxy.
    pub fn new(proxy: Arc<Proxy>) -> Self {
        Self { proxy, known: Arc::default() }
    }

    /// Where a request goes: host, in lower case, and port.
    fn place(&self, uri: &Uri) -> Option<(String, u16)> {
        match self.proxy.forwards(uri) {
            Some(proxy) => Some((proxy.host().to_ascii_lowercase(), proxy.port())),
            None => host_and_port(uri),
        }
    }

    /// Forgets the host of `uri`: it could not be reached at its address.
    pub fn forget(&self, uri: &Uri) {
        if let Some(place) = self.place(uri) {
            lock(&self.known).remove(&place);
        }
    }
}

impl Resolver for CachingResolver {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let Some((host, port)) = self.place(uri) else {
            return DefaultResolver::default().resolve(uri, config, timeout);
        };
        if let Ok(ip) = bare(&host).parse::<IpAddr>() {
            let mut addresses = self.empty();
            addresses.push(SocketAddr::new(ip, port));
            return Ok(addresses);
        }
        let place = (host, port);
        if let Some(known) = lock(&self.known).get(&place)
            && known.since.elapsed() < KEPT
        {
            return Ok(known.addresses.clone());
        }
        let forwarding = self.proxy.forwards(uri).map(ureq::Proxy::uri);
        let uri = forwarding.unwrap_or(uri);
        let addresses = DefaultResolver::default().resolve(uri, config, timeout)?;
        let mut known = lock(&self.known);
        if known.len() >= HOSTS {
            known.clear();
        }
        known.insert(place, Known { since: Instant::now(), addresses: addresses.clone() });
        Ok(addresses)
    }
}

impl fmt::Debug for CachingResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CachingResolver")
    }
}
