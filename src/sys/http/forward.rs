//! Plain HTTP through a proxy, as proxies expect it: the request line names the whole address
//! (RFC 9112, 3.2.2).
//!
//! In: connections that the resolver led to a proxy. Out: the same, with that request line. ureq
//! would ask every proxy for a tunnel instead, which most of them grant to port 443 alone.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ureq::Error;
use ureq::http::Uri;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, NextTimeout, Transport,
};

use super::proxy::Proxy;

/// Stands last in ureq's chain of connectors.
#[derive(Debug)]
pub(super) struct Forwarding(pub Arc<Proxy>);

impl<In: Transport> Connector<In> for Forwarding {
    type Out = Either<In, Forwarded<In>>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        let Some(inner) = chained else { return Ok(None) };
        Ok(Some(match self.0.forwards(details.uri) {
            Some(proxy) => Either::B(Forwarded::new(inner, details.uri, proxy)),
            None => Either::A(inner),
        }))
    }
}

/// A connection to a proxy.
pub(super) struct Forwarded<In> {
    inner: In,
    /// `http://host:port`.
    origin: String,
    /// `Proxy-Authorization: …` with its line's end, or empty.
    login: String,
}

impl<In> Forwarded<In> {
    fn new(inner: In, uri: &Uri, proxy: &ureq::Proxy) -> Self {
        let origin = format!("http://{}", uri.authority().map_or("", |place| place.as_str()));
        let login = proxy.username().map(|user| {
            let pair = format!("{user}:{}", proxy.password().unwrap_or_default());
            format!("Proxy-Authorization: Basic {}\r\n", STANDARD.encode(pair))
        });
        Self { inner, origin, login: login.unwrap_or_default() }
    }

    /// What is about to be sent, if it begins a request, as a proxy is to read it.
    fn rewritten(&self, output: &[u8]) -> Option<Vec<u8>> {
        let method = ["GET ", "POST "].into_iter().find(|word| output.starts_with(word.as_bytes()));
        let (method, rest) = output.split_at_checked(method?.len())?;
        let end = rest.windows(2).position(|two| two == b"\r\n")?;
        let (line, fields) = rest.split_at_checked(end + 2)?;
        Some([method, self.origin.as_bytes(), line, self.login.as_bytes(), fields].concat())
    }
}

impl<In: Transport> Transport for Forwarded<In> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let output = self.inner.buffers().output();
        let room = output.len().max(1);
        let output = output.get(..amount).unwrap_or_default().to_vec();
        let Some(rewritten) = self.rewritten(&output) else {
            return self.inner.transmit_output(amount, timeout);
        };
        for part in rewritten.chunks(room) {
            let output = self.inner.buffers().output();
            output.iter_mut().zip(part).for_each(|(to, from)| *to = *from);
            self.inner.transmit_output(part.len(), timeout)?;
        }
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.inner.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }
}

/// Without the login.
impl<In> fmt::Debug for Forwarded<In> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Forwarded")
    }
}
