//! What is written for people says what the program does: the help, both READMEs and the
//! example of the settings are held to the settings themselves, and to the files there are.

use std::fs;
use std::path::Path;
use std::process::Command;

use doumibook::cli::{command, settings};

const README: &str = include_str!("../README.md");
const CHINESE: &str = include_str!("../README.zh-CN.md");
const EXAMPLE: &str = include_str!("../systemd/doumibook.env.example");

const SERVICE: &str = include_str!("../systemd/doumibook.service");
const CHECK: &str = include_str!("../systemd/doumibook-check.service");

/// How the Chinese README writes the defaults that are words.
const DEFAULTS_IN_CHINESE: [(&str, &str); 4] = [
    ("none", "无"),
    ("built in", "内置"),
    ("those set up", "已设好的"),
    ("secure with a key, else plain", "有密钥为 secure，否则 plain"),
];

/// Name, default and meaning of a setting, as some document has them.
type Row = [String; 3];

fn all() -> Vec<Row> {
    settings::ALL.iter().map(|(name, default, meaning)| row(name, default, meaning)).collect()
}

fn row(name: &str, default: &str, meaning: &str) -> Row {
    [name, default, meaning].map(str::to_owned)
}

/// A table's rows: `` | `DOUMIBOOK_…` | default | meaning | ``.
fn table(document: &str) -> Vec<Row> {
    let rows = document.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `DOUMIBOOK_")?.strip_suffix(" |")?.split(" | ");
        let name = format!("DOUMIBOOK_{}", cells.next()?.strip_suffix('`')?);
        Some(row(&name, cells.next()?.trim_matches('`'), cells.next()?))
    });
    rows.collect()
}

#[test]
fn the_readme_has_every_setting() {
    assert_eq!(table(README), all());
}

#[test]
fn the_chinese_readme_has_every_setting_with_its_default() {
    let chinese = |default: &str| {
        let word = DEFAULTS_IN_CHINESE.iter().find(|(english, _)| *english == default);
        word.map_or(default, |(_, chinese)| chinese).to_owned()
    };
    let expected = all().into_iter().map(|[name, default, _]| [name, chinese(&default)]);
    let found = table(CHINESE).into_iter().map(|[name, default, _]| [name, default]);
    assert_eq!(found.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}

/// `meaning (default: …)`.
fn meaning(line: &str) -> Option<(&str, &str)> {
    line.trim().strip_suffix(')')?.rsplit_once(" (default: ")
}

#[test]
fn the_help_has_every_setting() {
    let help = command::help();
    let lines: Vec<&str> = help.lines().map(str::trim).collect();
    let settings = lines.windows(2).filter_map(|pair| {
        let (text, default) = meaning(pair[1])?;
        pair[0].starts_with("DOUMIBOOK_").then(|| row(pair[0], default, text))
    });
    assert_eq!(settings.collect::<Vec<_>>(), all());
}

/// Each setting of the example is a comment `# meaning (default: …)` and a line `#NAME=…`.
#[test]
fn the_example_has_every_setting() {
    let lines: Vec<&str> = EXAMPLE.lines().collect();
    let settings = lines.windows(2).filter_map(|pair| {
        let (text, default) = meaning(pair[0].strip_prefix("# ")?)?;
        let (name, value) = pair[1].strip_prefix('#')?.split_once('=')?;
        assert!(value.is_empty() || value == default, "{name} shows {value}");
        Some(row(name, default, text))
    });
    assert_eq!(settings.collect::<Vec<_>>(), all());
}

/// Secrets that may be files: what the program reads is what the units pass and READMEs tell.
#[test]
fn every_list_of_credentials_is_the_same() {
    let loaded = |key: &str| -> Vec<String> {
        let lines = SERVICE.lines().filter_map(|line| line.strip_prefix(key)?.split_once(':'));
        lines.map(|(name, _)| name.to_owned()).collect()
    };
    assert_eq!(loaded("LoadCredential="), settings::CREDENTIALS);
    assert_eq!(loaded("SetCredential="), settings::CREDENTIALS);
    let names = settings::CREDENTIALS.map(|name| format!("`{name}`"));
    for (document, comma) in [(README, ", "), (CHINESE, "、")] {
        let unbroken = document.replace('\n', if comma == ", " { " " } else { "" });
        assert!(unbroken.contains(&names.join(comma)), "{}", names.join(comma));
    }
}

/// The check meets what the service will meet: but for how each is run, and a root of its own,
/// the two units are the same.
#[test]
fn the_unit_that_checks_is_confined_as_the_one_that_serves() {
    let shared = |unit: &'static str, own: &[&str]| -> Vec<&'static str> {
        let (_, service) = unit.split_once("[Service]\n").unwrap();
        let lines = service.split("\n[Install]").next().unwrap().lines();
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        let is_own = |line: &&str| own.contains(&line.split('=').next().unwrap());
        lines.filter(|line| !is_own(line)).collect()
    };
    let both = ["Type", "ExecStart", "TimeoutStartSec", "RuntimeDirectory", "RootDirectory"];
    let serves =
        ["ExecReload", "NotifyAccess", "Restart", "RestartSec", "WatchdogSec", "TimeoutStopSec"];
    let serve = shared(SERVICE, &[&both[..], &serves[..]].concat());
    assert_eq!(shared(CHECK, &[&both[..], &["SuccessExitStatus"]].concat()), serve);
    assert!(serve.contains(&"User=doumibook"), "else they are two users");
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

/// All code, with the texts that are broken over lines in one piece.
fn code() -> String {
    let mut code = String::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(path).unwrap();
                for line in text.lines().map(str::trim_start) {
                    code.push_str(line.strip_suffix('\\').unwrap_or(line));
                }
            }
        }
    }
    code
}

/// What the Chinese README explains of log and check are the program's own words.
#[test]
fn the_lines_that_are_explained_are_said() {
    let (_, table) = CHINESE.split_once("| 原文 | 意思 | 怎么办 |\n|---|---|---|\n").unwrap();
    let rows: Vec<_> = table.lines().map_while(|line| line.strip_prefix("| `")).collect();
    assert_eq!(rows.len(), 14);
    let code = code();
    // What stands in no text of the program as it is: parts put together, and the system's words.
    let made = ["push text found source=", "ms=", "WRONG sources DOUMIBOOK_SHELF:"];
    for row in rows {
        let said = row.split('`').next().unwrap();
        for part in said.split('…').map(str::trim).filter(|part| !part.is_empty()) {
            let part = part.strip_prefix("refused: ").unwrap_or(part);
            let known = made.contains(&part) || part == "No such file or directory";
            assert!(known || code.contains(part), "nobody says: {part}");
        }
    }
}

#[test]
fn every_unit_that_is_named_is_there() {
    for (name, document) in [("README.md", README), ("README.zh-CN.md", CHINESE)] {
        let word = |c: char| !(c.is_ascii_alphanumeric() || "-._".contains(c));
        let units = document.split(word).map(|word| word.trim_matches('.')).filter(|word| {
            let kinds = [".service", ".socket", ".path"];
            word.starts_with("doumibook") && kinds.iter().any(|kind| word.ends_with(kind))
        });
        for unit in units {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd").join(unit);
            assert!(path.exists(), "{name} names {unit}");
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

/// The console has moved: each document tells the way there is now, and may name the old page once.
#[test]
fn the_way_to_the_console_is_the_one_there_is() {
    let files = ["src/cli/menu.rs", "src/cli/check.rs", "src/cli/settings/names.rs"];
    let sources = files.map(|path| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        (path.display().to_string(), fs::read_to_string(path).unwrap())
    });
    let documents = [("README.md", README), ("README.zh-CN.md", CHINESE), ("example", EXAMPLE)];
    let documents = documents.map(|(name, text)| (name.to_owned(), text.to_owned()));
    for (name, text) in documents.iter().chain(&sources) {
        for old in ["设置与开发", "开发接口管理", "基本配置"] {
            assert!(!text.contains(old), "{name} leads to {old}, which is gone");
        }
        assert!(text.matches("服务器配置").count() <= 1, "{name} names the old page again");
        let told = name.ends_with("names.rs") || text.contains("微信开发者平台");
        assert!(told, "{name} does not say where the console is");
    }
    for (name, text) in documents {
        assert!(text.contains("域名与消息推送配置") && text.contains("开发密钥"), "{name}");
    }
    for (name, text) in [("README.md", README), ("README.zh-CN.md", CHINESE)] {
        for word in
            ["MarkFail", "接口告警", "DOUMIBOOK_DELIVERIES=1", "40243", "89503", "成为开发者"]
        {
            assert!(text.contains(word), "{name} does not speak of {word}");
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
