//! The real process under load, beside a bare tiny_http that returns fixed bytes.
//!
//! `cargo bench --bench server`; with `-- throughput`, `rest`, `new`, `library` or
//! `hung` a part of it.
//! Clients, the server and the bare one share this machine's cores, so rates are only good for
//! ratios within one run; of three pairs the one that was disturbed least, by its rates, is
//! shown. CPU is the server's own, user and system.

#[path = "server/load.rs"]
mod load;
#[path = "server/process.rs"]
mod process;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use load::{Load, Measured, answer, check, connect, next, push};
use process::Process;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(["bare", address, bytes]) =
        arguments.get(1..4).map(|a| [a[0].as_str(), a[1].as_str(), a[2].as_str()])
    {
        return process::be_bare(address, bytes.parse().expect("a number"));
    }
    let shelf = std::env::temp_dir().join(format!("doumibook-bench-{}.jsonl", std::process::id()));
    std::fs::write(&shelf, "{\"title\":\"三体\",\"author\":\"刘慈欣\"}\n").expect("a file");
    let settings = [("DOUMIBOOK_SHELF", shelf.to_str().expect("a path"))];
    // Cargo adds `--bench`.
    let named: Vec<&String> = arguments.iter().skip(1).filter(|a| !a.starts_with('-')).collect();
    let parts: [(&str, &dyn Fn()); 5] = [
        ("throughput", &|| throughput(&settings)),
        ("rest", &|| at_rest(&settings)),
        ("new", &new_questions),
        ("library", &library_questions),
        ("hung", &hung_source),
    ];
    for (name, run) in parts {
        if named.is_empty() || named.iter().any(|wanted| *wanted == name) {
            run();
        }
    }
    let _ = std::fs::remove_file(shelf);
}

/// Pushes that are answered from memory, beside the bare server.
fn throughput(settings: &[(&str, &str)]) {
    println!(
        "{:<11} {:<10} {:>4} {:>9} {:>7} {:>7} {:>7} {:>9} {:>9} {:>6}",
        "push",
        "connection",
        "",
        "req/s",
        "p50 µs",
        "p99 µs",
        "CPU µs",
        "bare /s",
        "bare CPU",
        "ratio"
    );
    type Make = fn(u64, bool) -> Vec<u8>;
    let kinds: [(&str, Make); 3] = [
        ("help", |n, keep| push("?", n, keep)),
        ("book", |n, keep| push("三体", n, keep)),
        ("replay", |_, keep| push("三体", 1, keep)),
    ];
    let ours = Process::doumibook(settings);
    for (kind, make) in kinds {
        let mut stream = connect(&ours.address);
        stream.write_all(&make(next(), true)).expect("the server reads");
        let bare = Process::bare(answer(&mut stream));
        for (keep_alive, connections) in [(true, 16), (true, 64), (false, 16), (false, 64)] {
            let load = Load { connections, keep_alive, during: Duration::from_millis(1500) };
            let request = |n| make(n, keep_alive);
            let pairs =
                (0..3).map(|_| [measure(load, &ours, request), measure(load, &bare, request)]);
            let sum = |pair: &[(Measured, f64); 2]| pair[0].0.rate + pair[1].0.rate;
            let best = pairs.max_by(|a, b| sum(a).total_cmp(&sum(b))).expect("three pairs");
            let [(ours, cpu), (bare, bare_cpu)] = best;
            println!(
                "{kind:<11} {:<10} {connections:>4} {:>9.0} {:>7} {:>7} {cpu:>7.1} {:>9.0} {bare_cpu:>9.1} {:>6.2}",
                if keep_alive { "kept alive" } else { "new" },
                ours.rate,
                ours.p50,
                ours.p99,
                bare.rate,
                ours.rate / bare.rate
            );
        }
    }
}

/// The load, and the CPU a request cost in microseconds.
fn measure(
    load: Load,
    server: &Process,
    request: impl Fn(u64) -> Vec<u8> + Sync,
) -> (Measured, f64) {
    let before = server.cpu();
    let measured = load.run(&server.address, request);
    let cpu = (server.cpu() - before) as f64 / measured.requests.max(1) as f64;
    (measured, cpu)
}

/// What the server takes when there is nothing to do, or nothing to do any more.
fn at_rest(settings: &[(&str, &str)]) {
    let mut starts: Vec<_> = (0..5).map(|_| Process::doumibook(settings).start).collect();
    starts.sort_unstable();
    println!("\nstart to first answer, median of 5: {:.1} ms", starts[2].as_secs_f64() * 1000.0);

    let server = Process::doumibook(&[settings, &[("DOUMIBOOK_CONNECTIONS", "1100")]].concat());
    // Longer than an idle client's thread lives: what ends meanwhile takes its count along.
    thread::sleep(Duration::from_secs(4));
    println!("idle: {} KiB, {} threads", server.rss(), server.threads());
    let before = server.sleeps();
    thread::sleep(Duration::from_secs(20));
    println!("idle: {} wake-ups a minute", (server.sleeps() - before) * 3);

    let connections: Vec<TcpStream> = (0..1000).map(|_| connect(&server.address)).collect();
    wait_until(|| server.threads() >= 1000);
    println!("1000 idle connections: {} KiB, {} threads", server.rss(), server.threads());
    drop(connections);

    let server = Process::doumibook(settings);
    let load = Load { connections: 16, keep_alive: true, during: Duration::from_secs(1) };
    let mut pushes = 0;
    while pushes < 100_000 {
        pushes += load.run(&server.address, |n| push("三体", n, true)).requests;
    }
    println!("after {pushes} pushes: {} KiB, {} threads", server.rss(), server.threads());
}

/// A source of 50 ms and nothing but new questions: the source is the limit.
fn new_questions() {
    let source = source(Some(Duration::from_millis(50)));
    let server = Process::doumibook(&[
        ("DOUMIBOOK_DOUBAN_URL", &source),
        ("DOUMIBOOK_DOUBAN_PER_MINUTE", "1000000"),
    ]);
    let idle = server.threads();
    let load = Load { connections: 64, keep_alive: true, during: Duration::from_secs(5) };
    let (measured, cpu) = measure(load, &server, |n| push(&format!("book {n}"), n, true));
    wait_until(|| server.threads() <= idle);
    println!(
        "\nsource of 50 ms, 64 connections kept alive, every question new: {:.0} req/s, p50 {} ms, \
         p99 {} ms, CPU {cpu:.1} µs, {} threads when it is over ({idle} before)",
        measured.rate,
        measured.p50 / 1000,
        measured.p99 / 1000,
        server.threads()
    );
}

/// As [`new_questions`], of a library's own system: a search with 20 books of three branches each,
/// then their copies, 50 ms each.
fn library_questions() {
    let source = answering(Some(Duration::from_millis(50)), library_answer);
    let server = Process::doumibook(&[
        ("DOUMIBOOK_INTERLIB_URL", &source),
        ("DOUMIBOOK_INTERLIB_PER_MINUTE", "6000"),
    ]);
    let mut stream = connect(&server.address);
    let mut once = |n: u64| {
        let began = Instant::now();
        stream.write_all(&push(&format!("book {n}"), next(), true)).expect("the server reads");
        let reply = answer(&mut stream);
        (began.elapsed(), reply)
    };
    let (before, count) = (server.cpu(), 200);
    let mut took: Vec<_> = (0..count).map(|n| once(n).0).collect();
    let cpu = (server.cpu() - before) as f64 / count as f64;
    took.sort_unstable();
    let (search, copies) = (library_answer("/api/search").len(), library_answer("/book/").len());
    println!(
        "\nlibrary's system of 50 ms a request, one reader, every question new, two requests \
         ({search} and {copies} bytes): p50 {:.1} ms, p99 {:.1} ms, CPU {cpu:.0} µs a question",
        took[count as usize / 2].as_secs_f64() * 1000.0,
        took[count as usize * 99 / 100].as_secs_f64() * 1000.0,
    );
}

/// What a library's system says of any question.
fn library_answer(path: &str) -> String {
    let each = |one: &dyn Fn(u64) -> String| (1..=20).map(one).collect::<Vec<_>>().join(",");
    if path.contains("/book/") {
        let row = |n: u64, branch: &str| {
            format!(
                r#"{{"bookrecno":{n},"callno":"I247.55/{n}","curlib":"A","curlibName":"{branch}","curlocal":"A_1","curlocalName":"一楼外借","copycount":3,"loanableCount":1,"shelfno":null,"barcode":"B{n}"}}"#
            )
        };
        let rows =
            |n: u64| ["中心馆", "城东分馆", "城西分馆"].map(|branch| row(n, branch)).join(",");
        return format!(r#"{{"previews":{{{}}}}}"#, each(&|n| format!(r#""{n}":[{}]"#, rows(n))));
    }
    let doc = |n: u64| {
        format!(
            r#"{{"callno_sort":"I247.55/{n}","hasholding":"y","id":"{n}","regdate":"1575373424000","loannum_sort":"00000069.00","author_meta":"作者{n}著","classno_meta":"I247.55","page_meta":"302页","price_meta":"CNY23.00","publisher_meta":"某某出版社","pubdate_meta":"2008","title_meta":"山河岁月{n}：珍藏版","subject_meta":"长篇小说","booktype_meta":"1","score":6.0}}"#
        )
    };
    format!(
        r#"{{"responseHeader":{{"status":0,"QTime":7}},"response":{{"numFound":20,"start":0,"maxScore":6.0,"docs":[{}]}}}}"#,
        each(&doc)
    )
}

/// 500 readers wait on a source that never answers; others are served meanwhile.
fn hung_source() {
    let source = source(None);
    let server = Process::doumibook(&[
        ("DOUMIBOOK_DOUBAN_URL", &source),
        ("DOUMIBOOK_DOUBAN_PER_MINUTE", "1000000"),
        ("DOUMIBOOK_CONNECTIONS", "1100"),
    ]);
    let (rss, threads) = (server.rss(), server.threads());
    // 250 questions: 64 lookups and the queue behind them take 320.
    let waiting: Vec<TcpStream> = (0..500)
        .map(|n| {
            let mut stream = connect(&server.address);
            stream.write_all(&push(&format!("book {}", n / 2), n, true)).expect("the server reads");
            stream
        })
        .collect();
    wait_until(|| server.threads() >= 500 + 64);
    let taken = server.rss() - rss;
    println!(
        "\n500 readers waiting on a hung source: {taken} KiB more with 64 lookups running, {:.1} \
         KiB a reader; {} threads ({threads} before, 64 lookups, one a connection)",
        taken as f64 / 500.0,
        server.threads()
    );
    // Few clients: a queue of our own making is not what is measured.
    let load = Load { connections: 4, keep_alive: false, during: Duration::from_secs(2) };
    type Make = fn(u64) -> Vec<u8>;
    let kinds: [(&str, Make); 2] =
        [("?", |n| push("?", n, false)), ("check of the URL", |_| check())];
    for (kind, make) in kinds {
        let measured = load.run(&server.address, make);
        println!(
            "meanwhile {kind}: {:.0} req/s, p50 {:.1} ms, p99 {:.1} ms",
            measured.rate,
            measured.p50 as f64 / 1000.0,
            measured.p99 as f64 / 1000.0
        );
    }
    drop(waiting);
}

/// Waits until it is so; reported by the caller's figures when it never is.
fn wait_until(so: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(10);
    while !so() && Instant::now() < until {
        thread::sleep(Duration::from_millis(20));
    }
}

/// A source that takes so long for each answer, or for ever; a thread for each connection.
/// Returns its URL.
fn source(delay: Option<Duration>) -> String {
    answering(delay, |_| {
        r#"{"total":1,"books":[{"id":"1","title":"三体","author":["刘慈欣"]}]}"#.to_owned()
    })
}

/// As [`source`], with these answers to paths.
fn answering(delay: Option<Duration>, says: fn(&str) -> String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("its number"));
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || serve_source(stream, delay, says));
        }
    });
    url
}

fn serve_source(mut stream: TcpStream, delay: Option<Duration>, says: fn(&str) -> String) {
    let mut received = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut chunk) {
        received.extend_from_slice(&chunk[..count]);
        if received.ends_with(b"\r\n\r\n") {
            let Some(delay) = delay else { continue };
            let request = String::from_utf8_lossy(&received).into_owned();
            let body = says(request.split(' ').nth(1).unwrap_or_default());
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            received.clear();
            thread::sleep(delay);
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }
}
