//! The real binary behind a real nginx that is set up as systemd/nginx.conf.example shows.
//! Where nginx is absent the tests say so and pass; in CI (CI=true) its absence is a failure.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use doumibook::wechat::signature::{Token, sign};

const EXAMPLE: &str = include_str!("../systemd/nginx.conf.example");
/// Generous: a loaded machine takes its time.
const LIMIT: Duration = Duration::from_secs(30);

/// Whether there is an nginx; tells the person when there is none.
fn nginx_is_here(test: &str) -> bool {
    if Command::new("nginx").arg("-v").stderr(Stdio::null()).status().is_ok() {
        return true;
    }
    assert!(std::env::var_os("CI").is_none(), "{test}: CI must have nginx");
    // Not eprintln!, which the test harness keeps to itself.
    let _ = writeln!(io::stderr(), "SKIPPED {test}: no nginx on this machine");
    false
}

/// A directory that goes with the test.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("doumibook-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Writes a complete configuration around `site`; gives its path. One process, so that
    /// ending it leaves nothing behind.
    fn configure(&self, site: &str) -> PathBuf {
        let here = self.0.display();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {here}/{kind};\n"))
            .concat();
        let whole = format!(
            "daemon off;\nmaster_process off;\npid {here}/pid;\nerror_log {here}/error.log info;\n\
             events {{ worker_connections 512; }}\n\
             http {{\naccess_log off;\n{temporary}{site}\n}}\n"
        );
        let path = self.0.join("nginx.conf");
        fs::write(&path, whole).unwrap();
        path
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A program of ours that ends with the test.
struct Running {
    child: Child,
    address: SocketAddr,
}

impl Running {
    /// doumibook with the built-in shelf and the token `demo`.
    fn doumibook() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_doumibook"))
            .args(["demo", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = lines
            .find_map(|line| line.unwrap().split_once("listening on ")?.1.parse().ok())
            .expect("doumibook did not start");
        thread::spawn(move || lines.for_each(drop));
        Self { child, address }
    }

    /// The example's site without TLS, passing to `backends`: to the upstream of one host, or
    /// to that of several.
    fn nginx(place: &Place, backends: &[SocketAddr]) -> Self {
        Self::nginx_with(place, backends, |site| site)
    }

    /// The same, its site changed once more.
    fn nginx_with(
        place: &Place,
        backends: &[SocketAddr],
        change: impl Fn(String) -> String,
    ) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (first, last) = (backends.first().unwrap(), backends.last().unwrap());
        let upstream = if first == last { "doumibook" } else { "doumibook_hosts" };
        let site: String = EXAMPLE
            .lines()
            .filter(|line| {
                !line.trim().starts_with("ssl_") && !line.trim().starts_with("listen [::]")
            })
            .flat_map(|line| [line, "\n"])
            .collect();
        let site = site
            .replace("listen 443 ssl;", &format!("listen {address};"))
            .replace("127.0.0.1:8080", &first.to_string())
            .replace("192.0.2.11:8080", &first.to_string())
            .replace("192.0.2.12:8080", &last.to_string())
            .replace(
                "proxy_pass http://doumibook;",
                &format!(
                    "add_header X-Backend $upstream_addr always; proxy_pass http://{upstream};"
                ),
            );
        let child = start_nginx(place, &change(site));
        let running = Self { child, address };
        let until = Instant::now() + LIMIT;
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < until, "nginx did not start");
            thread::yield_now();
        }
        running
    }

    /// Status, `X-Backend` and body of the answer to one request.
    fn request(&self, method: &str, target: &str, body: &[u8]) -> (u16, String, String) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let length = body.len();
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: books.example.org\r\nConnection: close\r\n\
             Content-Length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        // A server that refuses the length may close before the body is out.
        let _ = stream.write_all(body);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").expect("no complete answer");
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let backend = head.lines().find_map(|line| line.strip_prefix("X-Backend: "));
        // After a retry nginx names all it tried, the one that answered last.
        let backend = backend.and_then(|all| all.rsplit(", ").next()).unwrap_or_default();
        (status, backend.to_owned(), body.to_owned())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start_nginx(place: &Place, site: &str) -> Child {
    let configuration = place.configure(site);
    let errors = fs::File::create(place.0.join("stderr")).unwrap();
    let mut nginx = Command::new("nginx");
    nginx.arg("-p").arg(&place.0).arg("-c").arg(configuration).stderr(errors).spawn().unwrap()
}

/// The console's check of the URL, as if it came for `openid`.
fn signed(path: &str, openid: &str) -> String {
    let signature = sign(&Token::parse("demo").unwrap(), &["1790000000", "7"]);
    format!(
        "{path}?signature={signature}&timestamp=1790000000&nonce=7&echostr=4375&openid={openid}"
    )
}

fn certificate(place: &Path) {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=books.example.org"])
        .arg("-keyout")
        .arg(place.join("privkey.pem"))
        .arg("-out")
        .arg(place.join("fullchain.pem"))
        .output()
        .expect("openssl makes the certificate");
    assert!(made.status.success());
}

#[test]
fn nginx_takes_the_example_as_it_is() {
    if !nginx_is_here("nginx_takes_the_example_as_it_is") {
        return;
    }
    let place = Place::new("nginx-t");
    certificate(&place.0);
    let site =
        EXAMPLE.replace("/etc/letsencrypt/live/books.example.org", &place.0.display().to_string());
    let configuration = place.configure(&site);
    let tested = Command::new("nginx")
        .arg("-t")
        .arg("-p")
        .arg(&place.0)
        .arg("-c")
        .arg(configuration)
        // Before it has read a configuration it looks for a log of its own.
        .args(["-e", "stderr"])
        .output();
    let tested = tested.unwrap();
    let said = String::from_utf8_lossy(&tested.stderr);
    assert!(tested.status.success(), "{said}");
    assert!(!said.contains("[warn]") || said.contains("super-user"), "{said}");
}

#[test]
fn only_what_is_public_passes() {
    if !nginx_is_here("only_what_is_public_passes") {
        return;
    }
    let place = Place::new("nginx-public");
    let doumibook = Running::doumibook();
    let nginx = Running::nginx(&place, &[doumibook.address]);
    let (right, slash) = (signed("/weixin", ""), signed("/weixin/", ""));
    let large = vec![b' '; 70_000];
    #[rustfmt::skip]
    let table: &[(&str, &str, &[u8], u16)] = &[
        ("GET",  &right,               b"",    200),
        ("GET",  &slash,               b"",    200),
        ("GET",  "/weixin",            b"",    403),
        ("POST", "/weixin",            b"",    403),
        ("POST", &right,               &large, 413),
        ("GET",  "/",                  b"",    200),
        ("GET",  "/healthz",           b"",    404),
        ("GET",  "/metrics",           b"",    404),
        ("GET",  "/weixin/../metrics", b"",    404),
        ("GET",  "//healthz",          b"",    404),
    ];
    for (method, target, body, expected) in table {
        let (status, ..) = nginx.request(method, target, body);
        assert_eq!(status, *expected, "{method} {target}, {} bytes", body.len());
    }
    assert_eq!(nginx.request("GET", &right, b"").2, "4375");
}

#[test]
fn a_reader_is_answered_through_nginx() {
    if !nginx_is_here("a_reader_is_answered_through_nginx") {
        return;
    }
    let place = Place::new("nginx-answer");
    let doumibook = Running::doumibook();
    let nginx = Running::nginx(&place, &[doumibook.address]);
    let asked = Command::new(env!("CARGO_BIN_EXE_doumibook"))
        .args(["ask", "三体", "--url", &format!("http://{}/weixin", nginx.address)])
        .env("DOUMIBOOK_TOKEN", "demo")
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .unwrap();
    let reply = String::from_utf8(asked.stdout).unwrap();
    assert!(reply.contains("三体全集"), "{reply}{}", String::from_utf8_lossy(&asked.stderr));
}

#[test]
fn a_flood_of_one_reader_spares_the_others() {
    if !nginx_is_here("a_flood_of_one_reader_spares_the_others") {
        return;
    }
    let place = Place::new("nginx-flood");
    let doumibook = Running::doumibook();
    let nginx = Running::nginx(&place, &[doumibook.address]);
    let loud = signed("/weixin", "loud");
    let until = Instant::now() + LIMIT;
    while nginx.request("GET", &loud, b"").0 != 429 {
        assert!(Instant::now() < until, "a flood was never limited");
    }
    assert_eq!(nginx.request("GET", &signed("/weixin", "quiet"), b"").0, 200);
}

#[test]
fn a_reader_stays_with_one_of_two_hosts() {
    if !nginx_is_here("a_reader_stays_with_one_of_two_hosts") {
        return;
    }
    let place = Place::new("nginx-two");
    let (one, two) = (Running::doumibook(), Running::doumibook());
    let nginx = Running::nginx(&place, &[one.address, two.address]);
    let ask = |reader: usize| {
        let (status, backend, _) =
            nginx.request("GET", &signed("/weixin", &format!("reader{reader}")), b"");
        assert_eq!(status, 200, "reader {reader}");
        backend
    };
    let homes: Vec<String> = (0..60).map(ask).collect();
    let (first, second) = (one.address.to_string(), two.address.to_string());
    assert!(homes.contains(&first) && homes.contains(&second), "{homes:?}");
    let again: Vec<String> = (0..60).map(ask).collect();
    assert_eq!(again, homes, "readers moved between two hosts that are well");

    drop(two);
    let left: Vec<String> = (0..60).map(ask).collect();
    assert!(left.iter().all(|home| *home == first), "{left:?}");
}

/// What nginx has written into any log.
fn logged(place: &Place) -> String {
    ["error.log", "stderr"].map(|name| fs::read_to_string(place.0.join(name)).unwrap()).concat()
}

#[test]
fn neither_signature_nor_reader_stands_in_a_log() {
    if !nginx_is_here("neither_signature_nor_reader_stands_in_a_log") {
        return;
    }
    let wrong = |address: &str| {
        let server = format!("server {address} max_fails=0;");
        move |site: String| {
            let end = site.find("server 127.0.0.1:").unwrap();
            let rest = site[end..].split_once("}").unwrap().1.to_owned();
            // Short waits, since what comes of them is the same.
            format!("{}{server}}}{rest}", &site[..end])
                .replace("proxy_read_timeout 7s", "proxy_read_timeout 200ms")
        }
    };
    // Closes every connection without a word, as doumibook does with a delivery it lets go.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent_at = silent.local_addr().unwrap().to_string();
    thread::spawn(move || silent.incoming().for_each(drop));
    // Takes a request and never answers.
    let hanging = TcpListener::bind("127.0.0.1:0").unwrap();
    let hanging_at = hanging.local_addr().unwrap().to_string();
    // Answers with a head that is too long.
    let odd = TcpListener::bind("127.0.0.1:0").unwrap();
    let odd_at = odd.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for client in odd.incoming() {
            let mut client = client.unwrap();
            let _ = client.read(&mut [0; 4096]);
            let head = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(100_000));
            let _ = client.write_all(head.as_bytes());
        }
    });
    let here = SocketAddr::from(([127, 0, 0, 1], 9));
    for (name, backend) in [
        ("silent", silent_at.as_str()),
        ("hanging", &hanging_at),
        ("odd", &odd_at),
        ("closed", "127.0.0.1:1"),
        ("missing", "unix:/nonexistent/http.sock"),
    ] {
        let place = Place::new(&format!("nginx-log-{name}"));
        let nginx = Running::nginx_with(&place, &[here], wrong(backend));
        let target = signed("/weixin", "oSecretReader");
        for _ in 0..3 {
            let (status, ..) = nginx.request("POST", &target, b"<xml/>");
            assert!((500..=504).contains(&status), "{name}: {status}");
        }
        let mut limited = false;
        for _ in 0..40 {
            limited |= nginx.request("GET", &target, b"").0 == 429;
        }
        assert!(limited || name == "hanging", "{name}");
        drop(nginx);
        let log = logged(&place);
        assert!(!log.contains("signature") && !log.contains("oSecretReader"), "{name}: {log}");
    }
    drop(hanging);
}

#[test]
fn what_nginx_forwards_is_not_taken_for_this_machine() {
    if !nginx_is_here("what_nginx_forwards_is_not_taken_for_this_machine") {
        return;
    }
    let place = Place::new("nginx-forwards");
    let doumibook = Running::doumibook();
    // An operator who opens everything.
    let nginx = Running::nginx_with(&place, &[doumibook.address], |site| {
        site.replace("return 404;", "proxy_pass http://doumibook;")
    });
    for path in ["/healthz", "/metrics"] {
        let (status, _, body) = nginx.request("GET", path, b"");
        assert_eq!((status, body.as_str()), (404, "not found\n"), "{path}");
    }
    // Nor is the demo's page, whose key would let others write.
    assert!(!nginx.request("GET", "/", b"").2.contains("/demo/say"));
}
