//! Whether a request goes through a proxy.
//!
//! In: the usual environment variables, handed over by a function so that this module reads
//! no environment itself. Out: for each request, a proxy or none. A proxy's address may hold a
//! password, so it is never shown.
//!
//! - `https_proxy`, else `HTTPS_PROXY`, else `all_proxy`, else `ALL_PROXY`: the proxy for all
//!   `https://` requests, as `http://[user:password@]host:port` (or `https://…`). SOCKS is not
//!   spoken.
//! - `no_proxy`, else `NO_PROXY`: hosts to reach directly, separated by commas. A name stands
//!   for itself and everything below it, `*` for everything.
//!
//! `http_proxy` is not read: plain HTTP goes only to this machine and private networks (see
//! `BaseUrl`), and those are inside of any proxy. Loopback is never proxied.

use ureq::http::Uri;

use super::address::is_loopback;

/// The operator's proxy, if any, and the hosts that are reached without it.
#[derive(Clone, Debug, Default)]
pub struct Proxy {
    through: Option<ureq::Proxy>,
    except: Vec<String>,
}

impl Proxy {
    /// No proxy at all.
    pub fn none() -> Self {
        Self::default()
    }

    /// The proxy these variables name; an empty variable counts as not set, and lower-case
    /// names win, as with curl. The error is a sentence for the operator, without the value.
    pub fn from_vars(var: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let set = |name| Some((name, var(name).filter(|value| !value.trim().is_empty())?));
        let first = |names: &[&'static str]| names.iter().find_map(|&name| set(name));
        let bad =
            |name| format!("{name} is not a proxy that can be used; expected http://host:port");
        let through = first(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
            .map(|(name, value)| usable(value.trim()).ok_or_else(|| bad(name)))
            .transpose()?;
        let except = first(&["no_proxy", "NO_PROXY"]).map(|(_, hosts)| hosts).unwrap_or_default();
        Ok(Self { through, except: except.split(',').filter_map(pattern).collect() })
    }

    /// The proxy for a request, if it goes through one.
    pub(super) fn for_uri(&self, uri: &Uri) -> Option<ureq::Proxy> {
        let host = uri.host()?.to_ascii_lowercase();
        let direct = uri.scheme_str() != Some("https")
            || is_loopback(&host)
            || self.except.iter().any(|p| p == "*" || is_at_or_below(&host, p));
        self.through.clone().filter(|_| !direct)
    }
}

/// ureq parses SOCKS addresses even when it is built without SOCKS, and would then connect
/// directly.
fn usable(text: &str) -> Option<ureq::Proxy> {
    use ureq::ProxyProtocol::{Http, Https};
    ureq::Proxy::new(text).ok().filter(|p| matches!(p.protocol(), Http | Https))
}

/// `.example.org`, `*.example.org` and `example.org` mean the same.
fn pattern(text: &str) -> Option<String> {
    let text = text.trim().to_ascii_lowercase();
    let name = text.strip_prefix("*.").or_else(|| text.strip_prefix('.')).unwrap_or(&text);
    Some(name.to_owned()).filter(|name| !name.is_empty())
}

fn is_at_or_below(host: &str, name: &str) -> bool {
    host.strip_suffix(name).is_some_and(|above| above.is_empty() || above.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(vars: &[(&str, &str)]) -> Result<Proxy, String> {
        Proxy::from_vars(|name| {
            vars.iter().find(|(set, _)| *set == name).map(|(_, value)| value.to_string())
        })
    }

    #[test]
    #[rustfmt::skip]
    fn which_requests_go_through_which_proxy() {
        let p = ("https_proxy", "http://p:3128");
        for (vars, url, through) in [
            (&[][..],                                       "https://h/",           None),
            (&[p],                                          "https://h/",           Some("p")),
            (&[("HTTPS_PROXY", "p:3128")],                  "https://h/",           Some("p")),
            (&[("HTTPS_PROXY", "http://u:pw@p:3128")],      "https://h/",           Some("p")),
            (&[("ALL_PROXY", "http://all:1"), p],           "https://h/",           Some("p")),
            (&[("all_proxy", "http://all:1")],              "https://h/",           Some("all")),
            (&[("HTTPS_PROXY", "http://big:1"), p],         "https://h/",           Some("p")),
            (&[("https_proxy", " ")],                       "https://h/",           None),
            (&[("http_proxy", "http://p:1")],               "https://h/",           None),
            (&[p],                                          "http://10.0.0.1/",     None),
            (&[p],                                          "https://localhost/",   None),
            (&[p],                                          "https://127.0.0.9:1/", None),
            (&[p],                                          "https://[::1]/",       None),
            (&[p, ("no_proxy", "a.org, h")],                "https://h/",           None),
            (&[p, ("NO_PROXY", "h")],                       "https://H:8443/",      None),
            (&[p, ("no_proxy", "example.org")],             "https://x.example.org/", None),
            (&[p, ("no_proxy", ".example.org")],            "https://example.org/", None),
            (&[p, ("no_proxy", "*.example.org")],           "https://x.example.org/", None),
            (&[p, ("no_proxy", "example.org")],             "https://notexample.org/", Some("p")),
            (&[p, ("no_proxy", ",")],                       "https://h/",           Some("p")),
            (&[p, ("no_proxy", "*")],                       "https://h/",           None),
        ] {
            let found = proxy(vars).unwrap().for_uri(&url.parse().unwrap());
            assert_eq!(found.as_ref().map(ureq::Proxy::host), through, "{vars:?} {url}");
        }
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_refused_without_showing_it() {
        for value in ["socks5://u:secret@p:1080", "ftp://u:secret@p", "http://u:secret @p", "::"] {
            let refused = proxy(&[("HTTPS_PROXY", value)]).unwrap_err();
            let expected = "HTTPS_PROXY is not a proxy that can be used; expected http://host:port";
            assert_eq!(refused, expected, "{value}");
        }
    }
}
