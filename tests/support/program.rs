//! The real program, on a port of its own, with a reader's hands to send pushes with.

// Each test file that includes this one uses a part of it.
#![allow(dead_code)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use doumibook::wechat::signature::{Token, sign};

/// Longer than any machine needs; reached only when a test has failed.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A directory of its own, gone when the test is over.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("doumibook-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The program with nothing of ours in its environment.
pub fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doumibook"));
    command.args(arguments).env_clear();
    command
}

/// A running server; killed when dropped.
pub struct Server {
    pub child: Child,
    pub address: SocketAddr,
    lines: Receiver<String>,
}

impl Server {
    /// `doumibook serve` with these variables, token `demo`, on a free port.
    pub fn start(variables: &[(&str, &str)]) -> Self {
        let mut command = program(&["serve"]);
        command.env("DOUMIBOOK_TOKEN", "demo").env("DOUMIBOOK_LISTEN", "127.0.0.1:0");
        command.envs(variables.iter().copied());
        Self::run(command)
    }

    /// A command that becomes a server and says where it listens.
    pub fn run(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let stderr = child.stderr.take().unwrap();
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let mut server = Self { child, address: ([127, 0, 0, 1], 0).into(), lines };
        let line = server.line("listening on ");
        let (_, address) = line.split_once("listening on ").unwrap();
        // A Unix socket has none; whoever uses one does not ask for it.
        server.address = address.parse().unwrap_or(server.address);
        server
    }

    /// The next line of the log that has this in it.
    pub fn line(&self, has: &str) -> String {
        let mut met = Vec::new();
        loop {
            let Ok(line) = self.lines.recv_timeout(PATIENCE) else {
                panic!("no {has:?}: {met:#?}")
            };
            if line.contains(has) {
                return line;
            }
            met.push(line);
        }
    }

    /// SIGTERM, and the exit code.
    pub fn stop(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").arg(pid).status().unwrap().success());
        self.child.wait().unwrap().code()
    }

    /// The status and body of a request.
    pub fn request(&self, request: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), body.to_owned())
    }

    pub fn get(&self, target: &str) -> (u16, String) {
        self.request(&format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
    }

    /// What a reader gets for a text.
    pub fn say(&self, reader: &str, id: u64, text: &str) -> String {
        let xml = format!(
            "<xml><ToUserName>gh_1</ToUserName><FromUserName>{reader}</FromUserName>\
             <CreateTime>1700000000</CreateTime><MsgType>text</MsgType>\
             <Content><![CDATA[{text}]]></Content><MsgId>{id}</MsgId></xml>"
        );
        let signature = sign(&Token::parse("demo").unwrap(), &["1700000000", "n"]);
        let (status, body) = self.request(&format!(
            "POST /weixin?signature={signature}&timestamp=1700000000&nonce=n HTTP/1.1\r\nHost: x\r\n\
             Connection: close\r\nContent-Length: {}\r\n\r\n{xml}",
            xml.len()
        ));
        assert_eq!(status, 200, "{body}");
        body
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A shelf file.
pub fn shelf(folder: &Path) -> String {
    let path = folder.join("books.csv");
    let books: String = (1..=8).map(|n| format!("活着第{n}版,余华\n")).collect();
    std::fs::write(&path, format!("书名,作者\n{books}")).unwrap();
    path.to_str().unwrap().to_owned()
}
