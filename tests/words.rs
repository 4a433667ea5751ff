//! What is written for people says what the program does: the help, both READMEs and the
//! example of the settings are held to the settings themselves, and to the files there are.

use std::fs;
use std::path::Path;
use std::process::Command;

use doumibook::{command, settings};

const README: &str = include_str!("../README.md");
const CHINESE: &str = include_str!("../README.zh-CN.md");
const EXAMPLE: &str = include_str!("../systemd/doumibook.env.example");

/// How the Chinese README writes the defaults that are words.
const DEFAULTS_IN_CHINESE: [(&str, &str); 3] = [
    ("none", "无"),
    ("built in", "内置"),
    ("secure with a key, else plain", "有密钥为 secure，否则 plain"),
];

fn all() -> Vec<(String, String)> {
    let all = settings::ALL.iter();
    all.map(|(name, default, _)| (name.to_string(), default.to_string())).collect()
}

/// Names and defaults of a table's rows: `` | `DOUMIBOOK_…` | default | meaning | ``.
fn table(document: &str) -> Vec<(String, String)> {
    let rows = document.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `DOUMIBOOK_")?.split(" | ");
        let name = cells.next()?.strip_suffix('`')?;
        Some((format!("DOUMIBOOK_{name}"), cells.next()?.trim_matches('`').to_owned()))
    });
    rows.collect()
}

#[test]
fn the_readme_has_every_setting_with_its_default() {
    assert_eq!(table(README), all());
}

#[test]
fn the_chinese_readme_has_every_setting_with_its_default() {
    let chinese = |default: String| {
        let word = DEFAULTS_IN_CHINESE.iter().find(|(english, _)| *english == default);
        word.map_or(default, |(_, chinese)| chinese.to_string())
    };
    let expected: Vec<_> =
        all().into_iter().map(|(name, default)| (name, chinese(default))).collect();
    assert_eq!(table(CHINESE), expected);
}

#[test]
fn the_help_has_every_setting_with_its_default() {
    let help = command::help();
    let lines: Vec<&str> = help.lines().map(str::trim).collect();
    let settings: Vec<_> = lines
        .windows(2)
        .filter_map(|pair| {
            let [name, meaning] = pair else { return None };
            let default = meaning.split_once("(default: ")?.1.strip_suffix(')')?;
            name.starts_with("DOUMIBOOK_").then(|| (name.to_string(), default.to_owned()))
        })
        .collect();
    assert_eq!(settings, all());
}

/// Each setting of the example is a comment `# meaning (default: …)` and a line `#NAME=…`.
#[test]
fn the_example_has_every_setting_with_its_default() {
    let lines: Vec<&str> = EXAMPLE.lines().collect();
    let settings: Vec<_> = lines
        .windows(2)
        .filter_map(|pair| {
            let [meaning, setting] = pair else { return None };
            let (name, value) = setting.strip_prefix('#')?.split_once('=')?;
            name.starts_with("DOUMIBOOK_").then_some(())?;
            let default = meaning.rsplit_once("(default: ")?.1.strip_suffix(')')?;
            let shown = default.replace("4 MiB", "4M");
            assert!(value.is_empty() || value == shown, "{name} shows {value}");
            Some((name.to_owned(), default.to_owned()))
        })
        .collect();
    assert_eq!(settings, all());
}

#[test]
fn nothing_is_set_by_the_example_itself() {
    let set: Vec<_> = EXAMPLE.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).collect();
    assert_eq!(set, [""; 0]);
}

#[test]
fn the_two_commands_stand_in_both_readmes() {
    for (name, document) in [("README.md", README), ("README.zh-CN.md", CHINESE)] {
        for command in ["cargo run --release -- demo", "cargo test"] {
            let there = document.lines().any(|line| line.trim().starts_with(command));
            assert!(there, "{name} lacks a line that begins with {command}");
        }
    }
}

/// What `ask` prints on the built-in shelf is what the first screen shows.
#[test]
fn the_readmes_show_what_ask_prints() {
    for text in ["三体", "9787536692930"] {
        let asked = Command::new(env!("CARGO_BIN_EXE_doumibook"))
            .args(["ask", text])
            .env_clear()
            .output()
            .unwrap();
        let printed = String::from_utf8(asked.stdout).unwrap();
        // The last line is the time it took.
        let (reply, _) = printed.trim_end().rsplit_once('\n').unwrap();
        for (name, document) in [("README.md", README), ("README.zh-CN.md", CHINESE)] {
            let block = reply.lines().flat_map(|line| ["    ", line, "\n"]).collect::<String>();
            let block = block.replace("    \n", "\n");
            assert!(document.contains(&block), "{name} does not show:\n{block}");
        }
    }
}

#[test]
fn every_relative_link_leads_somewhere() {
    for (name, document) in [("README.md", README), ("README.zh-CN.md", CHINESE)] {
        let links: Vec<_> = document
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split([')', '#', ' ']).next())
            .filter(|link| !link.is_empty() && !link.contains("://"))
            .collect();
        assert!(!links.is_empty(), "{name} links to nothing");
        for link in links {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(link);
            assert!(path.exists(), "{name} links to {link}, which is not there");
        }
    }
}

#[test]
fn no_document_knows_the_machine_it_was_written_on() {
    let mut documents = vec![("README.md".into(), README.to_owned())];
    documents.push(("README.zh-CN.md".into(), CHINESE.to_owned()));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            documents.push((path.display().to_string(), fs::read_to_string(path).unwrap()));
        }
    }
    for (name, document) in documents {
        for word in ["/tmp/", "/root/", "/home/", "C:\\"] {
            assert!(!document.contains(word), "{name} names {word}");
        }
    }
}
