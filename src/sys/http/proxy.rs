//! Whether a request goes through a proxy.
//!
//! In: the usual environment variables, handed over by a function so that this module reads
//! no environment itself. Out: for each request, a proxy or none. A proxy's address may hold a
//! password, so it is never shown.
//!
//! - `https_proxy`, else `HTTPS_PROXY`, else `all_proxy`, else `ALL_PROXY`: the proxy for all
//!   `https://` requests, as `http://[user:password@]host:port` (or `https://…`). SOCKS is not
//!   spoken.
//! - `http_proxy`, else `HTTP_PROXY`, else `all_proxy`, else `ALL_PROXY`: the proxy for `http://`
//!   requests to public hosts, as `http://[user:password@]host:port`.
//! - `no_proxy`, else `NO_PROXY`: hosts to reach directly, separated by commas. A name stands
//!   for itself and everything below it, `*` for everything.
//!
//! Loopback is never proxied, and plain HTTP to private networks is not, since those are inside of
//! any proxy.

use ureq::http::Uri;

use super::address::{is_loopback, is_near};

/// The operator's proxy, if any, and the hosts that are reached without it.
#[derive(Clone, Debug, Default)]
pub struct Proxy {
    through: Option<ureq::Proxy>,
    plain: Option<ureq::Proxy>,
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
        let named = |names, use_it: fn(&str) -> Option<ureq::Proxy>| {
            let named = first(names).map(|(name, value)| use_it(value.trim()).ok_or(bad(name)));
            named.transpose()
        };
        let through = named(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"], usable)?;
        let plain = named(&["http_proxy", "HTTP_PROXY"], |text| usable(text).filter(is_plain))?;
        let plain = plain.or(named(&["all_proxy", "ALL_PROXY"], usable)?.filter(is_plain));
        let except = first(&["no_proxy", "NO_PROXY"]).map(|(_, hosts)| hosts).unwrap_or_default();
        Ok(Self { through, plain, except: except.split(',').filter_map(pattern).collect() })
    }

    /// The proxy through which a request goes in a tunnel, if it does.
    pub(super) fn for_uri(&self, uri: &Uri) -> Option<ureq::Proxy> {
        let https = uri.scheme_str() == Some("https");
        let through =
            self.through.as_ref().filter(|_| https && !uri.host().is_none_or(is_loopback));
        through.filter(|_| !self.is_excepted(uri)).cloned()
    }

    /// The proxy to which a request goes in place of its host, if it does: plain HTTP has nothing
    /// that a tunnel would keep secret.
    pub(super) fn forwards(&self, uri: &Uri) -> Option<&ureq::Proxy> {
        let far = uri.scheme_str() == Some("http") && !is_near(uri.host()?);
        self.plain.as_ref().filter(|_| far && !self.is_excepted(uri))
    }

    fn is_excepted(&self, uri: &Uri) -> bool {
        let host = uri.host().unwrap_or_default().to_ascii_lowercase();
        self.except.iter().any(|p| p == "*" || is_at_or_below(&host, p))
    }
}

/// ureq parses SOCKS addresses even when it is built without SOCKS, and would then connect
/// directly.
fn usable(text: &str) -> Option<ureq::Proxy> {
    use ureq::ProxyProtocol::{Http, Https};
    ureq::Proxy::new(text).ok().filter(|p| matches!(p.protocol(), Http | Https))
}

/// A request is forwarded to a proxy in the clear only.
fn is_plain(proxy: &ureq::Proxy) -> bool {
    proxy.protocol() == ureq::ProxyProtocol::Http
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
            (&[p],                                          "http://h/",            None),
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
    #[rustfmt::skip]
    fn which_plain_requests_go_to_which_proxy() {
        let p = ("http_proxy", "http://p:3128");
        for (vars, url, through) in [
            (&[][..],                                     "http://h/",             None),
            (&[p],                                        "http://h/a?b",          Some("p")),
            (&[p],                                        "https://h/",            None),
            (&[p],                                        "http://localhost:8080/", None),
            (&[p],                                        "http://192.168.1.2/",   None),
            (&[("HTTP_PROXY", "p:3128")],                 "http://h/",             Some("p")),
            (&[("ALL_PROXY", "http://all:1"), p],         "http://h/",             Some("p")),
            (&[("all_proxy", "http://all:1")],            "http://h/",             Some("all")),
            (&[("https_proxy", "http://s:1")],            "http://h/",             None),
            (&[("all_proxy", "https://all:1")],           "http://h/",             None),
            (&[p, ("no_proxy", "example.org")],           "http://x.example.org/", None),
        ] {
            let proxy = proxy(vars).unwrap();
            let found = proxy.forwards(&url.parse().unwrap());
            assert_eq!(found.map(ureq::Proxy::host), through, "{vars:?} {url}");
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
