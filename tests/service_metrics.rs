//! `/metrics` of the real program after real pushes, read by Prometheus' own Python parser and
//! by a small checker of the format.

#[path = "support/program.rs"]
mod program;
#[path = "support/upstream.rs"]
mod upstream;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use program::{Folder, Server};
use upstream::{Reaction, Upstream};

/// Name with labels, as written, to value.
type Samples = BTreeMap<String, f64>;

/// A page after: a list from Douban, the same from memory, a delivery again, help, a bad
/// signature, no HTTP at all, and a question nobody can answer.
fn page() -> String {
    let folder = Folder::new("metrics");
    let douban = Upstream::start(|request| match request.param("q").as_deref() {
        Some("活着") => Reaction::json(r#"{"books":[{"id":"1","title":"活着"}]}"#),
        _ => Reaction::status(500, ""),
    });
    let shelf = folder.0.join("books.csv");
    std::fs::write(&shelf, "书名\n别的书\n").unwrap();
    let server = Server::start(&[
        ("DOUMIBOOK_DOUBAN_URL", douban.url()),
        ("DOUMIBOOK_SHELF", shelf.to_str().unwrap()),
    ]);
    for (reader, id, text) in
        [("o1", 1, "活着"), ("o2", 2, "活着"), ("o1", 1, "活着"), ("o1", 3, "?"), ("o1", 4, "无处")]
    {
        server.say(reader, id, text);
    }
    assert_eq!(server.get("/weixin?signature=0&timestamp=1&nonce=2&echostr=3").0, 403);
    assert_eq!(server.request("nonsense\r\n\r\n").0, 400);
    let (status, page) = server.get("/metrics");
    assert_eq!(status, 200);
    let forwarded =
        "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n";
    assert_eq!(server.request(forwarded).0, 404, "not for those a proxy speaks for");
    page
}

/// What the pushes of [`page`] must have left.
fn expect(samples: &Samples) {
    #[rustfmt::skip]
    let expected = [
        (r#"doumibook_pushes_total{kind="text",outcome="found"}"#,                2.0),
        (r#"doumibook_pushes_total{kind="text",outcome="said"}"#,                 1.0),
        (r#"doumibook_pushes_total{kind="text",outcome="trouble"}"#,              1.0),
        (r#"doumibook_pushes_total{kind="text",outcome="busy"}"#,                 0.0),
        (r#"doumibook_deliveries_repeated_total{met="answered"}"#,                1.0),
        (r#"doumibook_answer_seconds_bucket{le="5"}"#,                            4.0),
        (r#"doumibook_answer_seconds_bucket{le="+Inf"}"#,                         4.0),
        (r#"doumibook_answer_seconds_count"#,                                     4.0),
        (r#"doumibook_lookups_total"#,                                            2.0),
        (r#"doumibook_memory_hits_total"#,                                        1.0),
        (r#"doumibook_silences_total"#,                                           0.0),
        (r#"doumibook_pick_ups_total{what="offered"}"#,                           0.0),
        (r#"doumibook_pick_ups_total{what="taken"}"#,                             0.0),
        (r#"doumibook_memory_answers"#,                                           1.0),
        (r#"doumibook_source_lookups_total{source="shelf",outcome="not_found"}"#, 2.0),
        (r#"doumibook_source_lookups_total{source="douban",outcome="found"}"#,    1.0),
        (r#"doumibook_source_lookups_total{source="douban",outcome="down"}"#,     1.0),
        (r#"doumibook_source_lookups_total{source="douban",outcome="limited"}"#,  0.0),
        (r#"doumibook_source_lookups_total{source="douban",outcome="operator"}"#, 0.0),
        (r#"doumibook_source_lookups_total{source="douban",outcome="resting"}"#,  0.0),
        (r#"doumibook_source_state{source="douban",state="closed"}"#,             1.0),
        (r#"doumibook_source_state{source="douban",state="resting"}"#,            0.0),
        (r#"doumibook_parked"#,                                                   0.0),
        (r#"doumibook_refused_total{reason="signature"}"#,                        1.0),
        (r#"doumibook_refused_total{reason="not_a_push"}"#,                       0.0),
        (r#"doumibook_refused_total{reason="malformed"}"#,                        1.0),
        (r#"doumibook_refused_total{reason="full"}"#,                             0.0),
        (r#"doumibook_connections_limit"#,                                        256.0),
        (r#"doumibook_connections_accepted_total"#,                               8.0),
    ];
    for (name, value) in expected {
        assert_eq!(samples.get(name), Some(&value), "{name}");
    }
    let build = format!(r#"doumibook_build_info{{version="{}"}}"#, env!("CARGO_PKG_VERSION"));
    assert_eq!(samples.get(&build), Some(&1.0));
    for (name, least, most) in [
        ("process_resident_memory_bytes", 1e6, 1e9),
        ("doumibook_connections", 1.0, 8.0),
        ("doumibook_memory_bytes", 100.0, 1e5),
        ("doumibook_answer_seconds_sum", 0.0, 100.0),
    ] {
        let value = samples.get(name).copied().unwrap_or(-1.0);
        assert!(value >= least && value <= most, "{name} {value}");
    }
}

#[test]
fn a_small_checker_reads_the_page() {
    expect(&read(&page()).unwrap());
}

/// The samples of a page, or the line that is wrong: every sample follows the HELP and TYPE of
/// its family, no family comes twice, no sample comes twice, buckets grow.
fn read(page: &str) -> Result<Samples, String> {
    let (mut samples, mut families) = (Samples::new(), BTreeSet::new());
    let (mut family, mut kind, mut bucket) = (String::new(), "", 0.0);
    for line in page.lines() {
        let wrong = || Err(format!("wrong: {line}"));
        let words: Vec<&str> = line.splitn(4, ' ').collect();
        match words.as_slice() {
            ["#", "HELP", name, help] if !help.is_empty() && families.insert(name.to_string()) => {
                (family, kind, bucket) = (name.to_string(), "", 0.0);
            }
            ["#", "TYPE", name, is @ ("counter" | "gauge" | "histogram")] if *name == family => {
                kind = is;
            }
            ["#", ..] => return wrong(),
            _ => {
                let Some((name, value)) = line.rsplit_once(' ') else { return wrong() };
                let Ok(value) = value.parse::<f64>() else { return wrong() };
                let bare = name.split('{').next().unwrap_or_default();
                let suffix = bare.strip_prefix(family.as_str());
                let fits = match (kind, suffix) {
                    ("histogram", Some("_bucket")) => {
                        value >= std::mem::replace(&mut bucket, value) && name.contains("le=")
                    }
                    ("histogram", Some("_sum" | "_count")) => true,
                    ("counter", Some("")) => bare.ends_with("_total") && value >= 0.0,
                    ("gauge", Some("")) => true,
                    _ => false,
                };
                if !fits || samples.insert(name.to_owned(), value).is_some() {
                    return wrong();
                }
            }
        }
    }
    if page.ends_with('\n') { Ok(samples) } else { Err("no end of line".into()) }
}

#[test]
#[rustfmt::skip]
fn the_checker_can_say_no() {
    for (page, right) in [
        ("# HELP a_total A.\n# TYPE a_total counter\na_total 1\n",              true),
        ("# HELP a_total A.\n# TYPE a_total counter\na_total 1",                false),
        ("# HELP a_total A.\n# TYPE a_total counter\na_total 1\na_total 1\n",   false),
        ("# HELP a A.\n# TYPE a counter\na 1\n",                                false),
        ("# HELP a A.\n# TYPE a gauge\na x\n",                                  false),
        ("# HELP a A.\n# TYPE b gauge\nb 1\n",                                  false),
        ("a 1\n",                                                               false),
        ("# HELP a A.\n# TYPE a histogram\na_bucket{le=\"1\"} 2\na_bucket{le=\"+Inf\"} 1\n", false),
    ] {
        assert_eq!(read(page).is_ok(), right, "{page}");
    }
}

const PARSER: &str = r#"
import sys
from prometheus_client.parser import text_string_to_metric_families as parse
for family in parse(sys.stdin.read()):
    assert family.type != "unknown" and family.documentation, family.name
    for s in family.samples:
        labels = ",".join(f'{k}="{v}"' for k, v in s.labels.items())
        print(s.name + ("{" + labels + "}" if labels else ""), s.value)
"#;

#[test]
fn prometheus_own_parser_reads_the_page() {
    let Some(python) = python() else {
        let missing = "prometheus_client cannot be installed with python3 -m venv and pip";
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{missing}");
        eprintln!("SKIPPED prometheus_own_parser_reads_the_page: {missing}");
        return;
    };
    let mut parser = Command::new(python)
        .args(["-c", PARSER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    parser.stdin.take().unwrap().write_all(page().as_bytes()).unwrap();
    let output = parser.wait_with_output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let sample = |line: &str| {
        let (name, value) = line.rsplit_once(' ')?;
        Some((name.to_owned(), value.parse().ok()?))
    };
    expect(&text.lines().filter_map(sample).collect());
}

/// A Python that has Prometheus' client library; made once, kept among the build's own files.
fn python() -> Option<PathBuf> {
    let venv = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("prometheus");
    let python = venv.join("bin/python");
    let works =
        |python: &PathBuf| runs(Command::new(python).args(["-c", "import prometheus_client"]));
    if !works(&python) {
        runs(Command::new("python3").args(["-m", "venv"]).arg(&venv));
        runs(Command::new(&python).args([
            "-m",
            "pip",
            "install",
            "-q",
            "prometheus_client==0.23.1",
        ]));
    }
    works(&python).then_some(python)
}

fn runs(command: &mut Command) -> bool {
    command.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
