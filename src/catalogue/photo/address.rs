//! The address of a photo in a push.
//!
//! In: any text. Out: the same text, when it is one of WeChat's own picture hosts and nothing
//! else. Never: an address that a client could read as another host, or with credentials in it.

/// The host that has photos, and above all others that do.
const HOST: &str = "qpic.cn";
/// The longest address.
const LONGEST: usize = 1024;

/// An address below `qpic.cn`, `http` or `https`, at the scheme's own port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PhotoUrl(String);

impl PhotoUrl {
    /// The address, if it may be fetched.
    pub fn parse(text: &str) -> Option<Self> {
        // A backslash is a slash to some clients.
        let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
        if text.len() > LONGEST || !text.bytes().all(plain) {
            return None;
        }
        let (scheme, rest) = text.split_once("://")?;
        let port = match scheme.to_ascii_lowercase().as_str() {
            "http" => "80",
            "https" => "443",
            _ => return None,
        };
        let authority = rest.split(['/', '?', '#']).next()?;
        let host = match authority.split_once(':') {
            Some((host, given)) if given == port => host,
            Some(_) => return None,
            None => authority,
        };
        let host = host.to_ascii_lowercase();
        let ours = host == HOST || host.strip_suffix(HOST).is_some_and(is_above);
        ours.then(|| Self(text.to_owned()))
    }

    /// The address as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether labels with a dot behind each may stand before a host: no user, no empty label.
fn is_above(labels: &str) -> bool {
    let label = |label: &str| {
        let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        !label.is_empty() && label.len() <= 63 && label.bytes().all(good)
    };
    labels.strip_suffix('.').is_some_and(|labels| labels.split('.').all(label))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_below_qpic_only() {
        for good in [
            "http://mmbiz.qpic.cn/mmbiz_jpg/a/0",
            "https://mmbiz.qpic.cn/a?wx_fmt=jpeg#b",
            "http://qpic.cn",
            "HTTP://MMBIZ.QPIC.CN/A",
            "http://a.b.qpic.cn:80/",
            "https://a.qpic.cn:443/",
        ] {
            assert_eq!(PhotoUrl::parse(good).as_ref().map(PhotoUrl::as_str), Some(good));
        }
        for bad in [
            "",
            "mmbiz.qpic.cn/a",
            "ftp://mmbiz.qpic.cn/a",
            "http://evilqpic.cn/",
            "http://qpic.cn.example.org/",
            "http://example.org/?.qpic.cn",
            "http://example.org#.qpic.cn",
            "http://example.org\\.qpic.cn/",
            "http://a@mmbiz.qpic.cn/",
            "http://example.org:80@qpic.cn/",
            "http://.qpic.cn/",
            "http://a..qpic.cn/",
            "http://qpic.cn./",
            "http://mmbiz.qpic.cn:8080/",
            "http://mmbiz.qpic.cn:443/",
            "https://mmbiz.qpic.cn:80/",
            "http://mmbiz.qpic.cn:/",
            "http://mmbiz.qpic.cn/a b",
            "http://mmbiz.qpic.cn/a\r\nHost: b",
            "http://mmbiz.qpic.cn/图",
            "http://[::1].qpic.cn/",
            "http://%65.qpic.cn/",
        ] {
            assert_eq!(PhotoUrl::parse(bad), None, "{bad}");
        }
        let long = |length: usize| format!("{:a<length$}", "http://mmbiz.qpic.cn/");
        assert!(PhotoUrl::parse(&long(1024)).is_some());
        assert!(PhotoUrl::parse(&long(1025)).is_none());
    }
}
