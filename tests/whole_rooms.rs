//! The rooms of `src`: which may import which, and that no two files import each other.
//!
//! In: the `use` lines and paths of every file. Out: a failure that names file and line. What
//! points upwards would make it impossible to say which file a change belongs in.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Each room, and those below it that it may import; `chat` and `wechat` beside each other.
const ROOMS: [(&str, &[&str]); 7] = [
    ("cli", &["server", "service", "chat", "catalogue", "wechat", "sys"]),
    ("server", &["service", "sys"]),
    ("service", &["chat", "catalogue", "wechat", "sys"]),
    ("chat", &["catalogue", "wechat", "sys"]),
    ("catalogue", &["sys"]),
    ("wechat", &["sys"]),
    ("sys", &[]),
];

/// The home of each outside crate.
const HOMES: [(&str, &[&str]); 20] = [
    ("lexopt", &["cli"]),
    ("tiny_http", &["server"]),
    ("httparse", &["server"]),
    ("ureq", &["sys"]),
    ("nix", &["sys"]),
    ("listenfd", &["sys"]),
    ("sd_notify", &["sys"]),
    ("getrandom", &["sys"]),
    ("percent_encoding", &["sys"]),
    ("log", &["sys"]),
    ("xml", &["wechat"]),
    ("sha1_smol", &["wechat"]),
    ("subtle", &["wechat"]),
    ("aes", &["wechat"]),
    ("cbc", &["wechat"]),
    // Keys, and the login to a proxy.
    ("base64", &["wechat", "sys"]),
    // The menu and the demo's page are JSON as well, and so is what outlives a restart.
    ("serde_json", &["catalogue", "cli", "service"]),
    ("serde_core", &["catalogue"]),
    ("encoding_rs", &["catalogue"]),
    ("zune_jpeg", &["catalogue"]),
];

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every file of `src` by its module path, without the tests inside.
fn files() -> BTreeMap<Vec<String>, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![src()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(src()).unwrap().with_extension("");
                let mut module: Vec<String> =
                    name.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
                if module.last().is_some_and(|last| last == "mod") {
                    module.pop();
                }
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]\nmod ").next().unwrap().to_owned();
                found.insert(module, code);
            }
        }
    }
    found
}

/// The paths that a file imports, with the line: `use` items, `{…}` taken apart. A `pub use` of a
/// room's own is its front door and no import.
fn imports(code: &str) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    let mut item: Option<(usize, String)> = None;
    for (number, line) in (1..).zip(code.lines()) {
        let line = line.trim();
        match &mut item {
            Some((_, text)) => text.push_str(line),
            None if line.starts_with("use ") => item = Some((number, line.to_owned())),
            None => {}
        }
        if let Some((first, text)) = item.take_if(|(_, text)| text.ends_with(';')) {
            let text = text.trim_start_matches("use ").trim_end_matches(';').replace(' ', "");
            spread(&text, &mut Vec::new(), &mut |path| found.push((first, path)));
        }
    }
    found
}

/// Paths that stand within code, such as `crate::sys::unix::seconds()`, with their lines.
fn inline_paths(code: &str) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    for (number, line) in (1..).zip(code.lines()) {
        let line = line.trim_start();
        if line.starts_with("//") || line.starts_with("use ") || line.starts_with("pub use ") {
            continue;
        }
        for (at, _) in line.match_indices("crate::").chain(line.match_indices("super::")) {
            let path = line[at..].split(|c: char| !c.is_alphanumeric() && !"_:".contains(c));
            let path = path.into_iter().next().unwrap_or_default();
            found.push((number, path.split("::").map(str::to_owned).collect()));
        }
    }
    found
}

/// `a::{b, c::d}` are `a::b` and `a::c::d`.
fn spread(text: &str, before: &mut Vec<String>, found: &mut impl FnMut(Vec<String>)) {
    let (head, rest) = match text.split_once("::") {
        Some((head, rest)) if !head.contains('{') => (head, Some(rest)),
        _ => (text, None),
    };
    if let Some(list) = head.strip_prefix('{').and_then(|list| list.strip_suffix('}')) {
        let mut depth = 0;
        let parts = list.split(|c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            c == ',' && depth == 0
        });
        parts.filter(|part| !part.is_empty()).for_each(|part| spread(part, before, found));
        return;
    }
    before.push(head.to_owned());
    match rest {
        Some(rest) => spread(rest, before, found),
        None => found(before.clone()),
    }
    before.pop();
}

/// The module that an import of `module` leads to, if it is one of ours.
fn target(
    module: &[String],
    path: &[String],
    known: &BTreeSet<&Vec<String>>,
) -> Option<Vec<String>> {
    let mut here = module.to_vec();
    let mut rest = path;
    match path.first()?.as_str() {
        "crate" => (here, rest) = (Vec::new(), path.get(1..)?),
        "self" => rest = path.get(1..)?,
        "super" => {
            while rest.first().is_some_and(|part| part == "super") {
                here.pop();
                rest = rest.get(1..)?;
            }
        }
        // A module of this file's own, as `use framing::…` in a `mod.rs`.
        _ => {}
    }
    here.extend(rest.iter().filter(|part| *part != "self").cloned());
    // The longest beginning that is a file; what is left are names in it.
    while !here.is_empty() && !known.contains(&here) {
        here.pop();
    }
    (here != module && !here.is_empty()).then_some(here)
}

#[test]
fn rooms_import_downwards_only() {
    let files = files();
    let known: BTreeSet<_> = files.keys().collect();
    let mut wrong = Vec::new();
    for (module, code) in files.iter().filter(|(module, _)| module.len() > 1) {
        let (_, below) = ROOMS.iter().find(|(room, _)| *room == module[0]).unwrap();
        for (line, path) in imports(code).into_iter().chain(inline_paths(code)) {
            let Some(to) = target(module, &path, &known) else { continue };
            if to[0] != module[0] && !below.contains(&to[0].as_str()) {
                wrong.push(format!("{}:{line} imports {}", module.join("/"), path.join("::")));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that point up:\n{}", wrong.join("\n"));
}

#[test]
fn nothing_else_stands_on_the_ground_floor() {
    let mut names: Vec<_> = fs::read_dir(src())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let mut rooms: Vec<_> = ROOMS.iter().map(|(room, _)| (*room).to_owned()).collect();
    rooms.extend(["lib.rs", "main.rs"].map(str::to_owned));
    rooms.sort();
    assert_eq!(names, rooms);
}

#[test]
fn no_file_is_imported_by_what_it_imports() {
    let files = files();
    let known: BTreeSet<_> = files.keys().collect();
    let mut arrows: BTreeMap<&Vec<String>, BTreeMap<Vec<String>, usize>> = BTreeMap::new();
    for (module, code) in &files {
        for (line, path) in imports(code).into_iter().chain(inline_paths(code)) {
            if let Some(to) = target(module, &path, &known) {
                arrows.entry(module).or_default().entry(to).or_insert(line);
            }
        }
    }
    let mut circles = Vec::new();
    for (start, nexts) in &arrows {
        for (next, line) in nexts {
            if reaches(&arrows, next, start) {
                let (start, next) = (start.join("/"), next.join("/"));
                circles.push(format!("{start}:{line} imports {next}, which leads back"));
            }
        }
    }
    assert!(circles.is_empty(), "circles:\n{}", circles.join("\n"));
}

fn reaches(
    arrows: &BTreeMap<&Vec<String>, BTreeMap<Vec<String>, usize>>,
    from: &Vec<String>,
    to: &Vec<String>,
) -> bool {
    let (mut open, mut seen) = (vec![from], BTreeSet::new());
    while let Some(module) = open.pop() {
        if module == to {
            return true;
        }
        if seen.insert(module) {
            open.extend(arrows.get(module).into_iter().flat_map(|nexts| nexts.keys()));
        }
    }
    false
}

#[test]
fn each_outside_crate_has_its_home() {
    let mut wrong = Vec::new();
    for (module, code) in files() {
        let code: String =
            code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        for (name, homes) in HOMES {
            let used =
                code.contains(&format!("use {name}::")) || code.contains(&format!(" {name}::"));
            if used && !module.first().is_some_and(|room| homes.contains(&room.as_str())) {
                wrong.push(format!("{} uses {name}, whose home is {homes:?}", module.join("/")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
