//! Addresses of services: checked once, where they are set.
//!
//! In: what the operator wrote. Out: a [`BaseUrl`], from which only [`Url`]s of that service
//! can be made, or what would be right. Nothing here is looked up or connected to. A [`Url`]
//! prints without its query: keys travel there.

use std::fmt;
use std::net::IpAddr;

use ureq::http::Uri;

use crate::sys::percent::percent_encode;

/// Where a service is: `https://host[:port][/path]`, or `http://` to this machine or a private
/// network. No user name, no query, no slash at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    text: String,
    host: String,
}

/// No scheme, no host, or characters that no address has.
const FORM: &str = "an address such as https://example.org or http://127.0.0.1:8080";
/// To somewhere public keys and questions would be readable on the way.
const PLAIN: &str = "https://; plain http:// is only for localhost and private addresses \
    (127.0.0.1, 10.…, 172.16.… to 172.31.…, 192.168.…, 100.64.…, [::1], [fd…])";
const USER: &str = "an address without a user name or password before the host";
const QUERY: &str = "an address without ? or #: what follows is added to it";

impl BaseUrl {
    /// Reads an address as set by the operator; a slash at its end makes no difference.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let base = Self::anywhere(text)?;
        let safe = base.text.to_ascii_lowercase().starts_with("https:") || is_near(&base.host);
        if safe { Ok(base) } else { Err(PLAIN) }
    }

    /// The service at a host whose name is known to be right.
    pub(crate) fn https(host: &str) -> Self {
        Self { text: format!("https://{host}"), host: host.to_owned() }
    }

    /// As [`BaseUrl::parse`], and plain `http://` to anybody: for who sends nothing secret.
    pub fn anywhere(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        if text.contains(['?', '#']) {
            return Err(QUERY);
        }
        let uri: Uri = text.parse().map_err(|_| FORM)?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(FORM);
        };
        if authority.as_str().contains('@') {
            return Err(USER);
        }
        let host = authority.host();
        let whole = authority.as_str() == host || authority.port_u16().is_some_and(|p| p > 0);
        if host.is_empty() || !whole || !["http", "https"].contains(&scheme) {
            return Err(FORM);
        }
        let host = host.to_ascii_lowercase();
        Ok(Self { text: text.trim_end_matches('/').to_owned(), host })
    }

    /// The address, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The host, in lower case.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The address of `path` (which begins with a slash and needs no encoding) under this one,
    /// with these names and values as its query; values may hold anything.
    pub fn url(&self, path: &str, query: &[(&str, &str)]) -> Url {
        let mut text = format!("{}{path}", self.text);
        for (i, (name, value)) in query.iter().enumerate() {
            text.push(if i == 0 { '?' } else { '&' });
            text.push_str(name);
            text.push('=');
            text.push_str(&percent_encode(value));
        }
        Url(text)
    }
}

/// One address to ask. `Display` and `Debug` leave the query out.
#[derive(Clone, PartialEq, Eq)]
pub struct Url(String);

impl Url {
    pub(super) fn uri(&self) -> Option<Uri> {
        self.0.parse().ok()
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.split('?').next().unwrap_or_default())
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where `location`, found at `from`, leads (RFC 3986, 5.2; dots in a path are left to the server).
pub(super) fn resolve(from: &Uri, location: &str) -> String {
    let scheme = from.scheme_str().unwrap_or_default();
    let origin = format!("{scheme}://{}", from.authority().map_or("", |here| here.as_str()));
    let path = from.path();
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let before_query = location.split(['?', '#']).next().unwrap_or_default();
    match location.get(..1) {
        _ if location.starts_with("//") => format!("{scheme}:{location}"),
        _ if before_query.contains("://") => location.to_owned(),
        Some("/") => origin + location,
        Some("?") => origin + path + location,
        _ => format!("{origin}{folder}/{location}"),
    }
}

/// Host, in lower case, and port of an address.
pub(super) fn host_and_port(uri: &Uri) -> Option<(String, u16)> {
    let standard = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    Some((uri.host()?.to_ascii_lowercase(), uri.port_u16().unwrap_or(standard)))
}

/// The address inside `[…]`, or the host as it is.
pub(super) fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host)
}

/// Whether the host is this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || bare(host).parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Whether plain HTTP to this host stays on this machine or in a private network: RFC 1918,
/// RFC 6598 (100.64.0.0/10, used by overlay networks), RFC 4193 and link-local IPv6.
pub(super) fn is_near(host: &str) -> bool {
    is_loopback(host)
        || match bare(host).parse() {
            Ok(IpAddr::V4(ip)) => ip.is_private() || matches!(ip.octets(), [100, 64..=127, ..]),
            Ok(IpAddr::V6(ip)) => ip.is_unique_local() || ip.is_unicast_link_local(),
            Err(_) => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[rustfmt::skip]
    fn addresses_an_operator_may_set() {
        for (set, kept) in [
            ("https://api.douban.com",          "https://api.douban.com"),
            ("https://api.douban.com/",         "https://api.douban.com"),
            (" https://books.example:8443/x// ", "https://books.example:8443/x"),
            ("http://127.0.0.1:8080",           "http://127.0.0.1:8080"),
            ("http://localhost",                "http://localhost"),
            ("http://LOCALHOST:1",              "http://LOCALHOST:1"),
            ("http://[::1]:8080",               "http://[::1]:8080"),
            ("http://10.0.0.9",                 "http://10.0.0.9"),
            ("http://172.31.0.1",               "http://172.31.0.1"),
            ("http://192.168.1.2:8085/douban",  "http://192.168.1.2:8085/douban"),
            ("http://100.127.0.1",              "http://100.127.0.1"),
            ("http://[fd00::5]",                "http://[fd00::5]"),
            ("http://[fe80::5]",                "http://[fe80::5]"),
        ] {
            assert_eq!(BaseUrl::parse(set).as_ref().map(BaseUrl::as_str), Ok(kept), "{set}");
        }
    }

    #[test]
    #[rustfmt::skip]
    fn addresses_that_are_refused() {
        for (set, why) in [
            ("",                                FORM),
            ("api.douban.com",                  FORM),
            ("/v2/book",                        FORM),
            ("ftp://127.0.0.1",                 FORM),
            ("https://",                        FORM),
            ("https://豆瓣",                     FORM),
            ("https://a b",                     FORM),
            ("https://host:99999",              FORM),
            ("https://host:0",                  FORM),
            ("https://host:",                   FORM),
            ("http://api.douban.com",           PLAIN),
            ("http://172.32.0.1",               PLAIN),
            ("http://100.128.0.1",              PLAIN),
            ("http://127.0.0.1.example.org",    PLAIN),
            ("http://8.8.8.8",                  PLAIN),
            ("http://0x7f.1",                   PLAIN),
            ("https://me:secret@host",          USER),
            ("http://127.0.0.1@example.org",    USER),
            ("https://host/?apikey=secret",     QUERY),
            ("https://host/#top",               QUERY),
        ] {
            assert_eq!(BaseUrl::parse(set), Err(why), "{set}");
            assert_eq!(BaseUrl::anywhere(set).is_ok(), why == PLAIN, "{set}");
        }
    }

    #[test]
    #[rustfmt::skip]
    fn where_redirects_lead() {
        for (location, to) in [
            ("http://a/b",    "http://a/b"),
            ("//a/b",         "https://a/b"),
            ("/a?b=c",        "https://h:8/a?b=c"),
            ("?x=1",          "https://h:8/p/q?x=1"),
            ("?u=http://a/",  "https://h:8/p/q?u=http://a/"),
            ("other",         "https://h:8/p/other"),
            ("other/x?y=/z",  "https://h:8/p/other/x?y=/z"),
        ] {
            assert_eq!(resolve(&"https://h:8/p/q?k=1".parse().unwrap(), location), to);
        }
        assert_eq!(resolve(&"https://h".parse().unwrap(), "other"), "https://h/other");
    }

    #[test]
    fn queries_are_encoded_and_never_printed() {
        let url =
            BaseUrl::parse("https://h/p/").unwrap().url("/s", &[("q", "三 &=?#+体"), ("k", "~")]);
        assert_eq!(url.0, "https://h/p/s?q=%E4%B8%89%20%26%3D%3F%23%2B%E4%BD%93&k=~");
        assert_eq!(format!("{url} {url:?}"), "https://h/p/s https://h/p/s");
    }
}
