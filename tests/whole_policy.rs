//! What the project promises about itself: few dependencies, each once, under licences that
//! allow what MIT allows, and code that stays small. Works without a network.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// In the tree of a normal build, doumibook itself included.
const CRATES: usize = 60;
/// Of code in src, without blank lines, comments and the modules' own tests. 12 000 was the aim for all
/// that is planned and was missed: search, files of libraries and photos took 5 300 alone.
const SOURCE_LINES: usize = 19_200;
/// Of code in one file.
const FILE_LINES: usize = 300;
/// Licences that ask for no more than a notice.
const LICENCES: &[&str] = &[
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "0BSD",
    "Unlicense",
    "CC0-1.0",
    "Unicode-3.0",
    // Mozilla's list of root certificates: data, not code.
    "CDLA-Permissive-2.0",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The packages of a normal build for Linux, by id.
fn packages() -> BTreeMap<String, Value> {
    let told = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .args(["--filter-platform", "x86_64-unknown-linux-gnu"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let metadata: Value = serde_json::from_slice(&told.stdout).unwrap();
    let edges: BTreeMap<&str, Vec<&str>> = list(&metadata["resolve"]["nodes"])
        .iter()
        .map(|node| {
            let normal = list(&node["deps"])
                .iter()
                .filter(|dep| list(&dep["dep_kinds"]).iter().any(|kind| kind["kind"].is_null()));
            (text(&node["id"]), normal.map(|dep| text(&dep["pkg"])).collect())
        })
        .collect();
    let mut found = BTreeSet::new();
    let mut open = vec![text(&metadata["resolve"]["root"])];
    while let Some(id) = open.pop() {
        if found.insert(id) {
            open.extend(&edges[id]);
        }
    }
    let packages = list(&metadata["packages"]).iter();
    packages
        .filter(|package| found.contains(text(&package["id"])))
        .map(|package| (text(&package["id"]).to_owned(), package.clone()))
        .collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Whether one choice of a licence expression has allowed parts only.
fn is_allowed(expression: &str) -> bool {
    // `/` is the old way to write OR. Parentheses in the tree's expressions only group an OR
    // inside an AND: there every choice must be allowed, which errs on the strict side.
    let expression = expression.replace('/', " OR ");
    if expression.contains('(') {
        let flat = expression.replace(['(', ')'], " ").replace(" OR ", " AND ");
        return flat.split(" AND ").all(|part| LICENCES.contains(&part.trim()));
    }
    let all = |choice: &str| choice.split(" AND ").all(|part| LICENCES.contains(&part.trim()));
    expression.split(" OR ").any(all)
}

#[test]
fn licence_expressions_are_understood() {
    #[rustfmt::skip]
    let table = [
        ("MIT",                         true),
        ("MIT OR GPL-3.0",              true),
        ("GPL-3.0 OR MIT",              true),
        ("Apache-2.0 AND ISC",          true),
        ("Apache-2.0 AND GPL-3.0",      false),
        ("MIT/Apache-2.0",              true),
        ("(MIT OR Apache-2.0) AND ISC", true),
        ("(MIT OR GPL-3.0) AND ISC",    false),
        ("AGPL-3.0",                    false),
        ("",                            false),
    ];
    for (expression, allowed) in table {
        assert_eq!(is_allowed(expression), allowed, "{expression:?}");
    }
}

#[test]
fn dependencies_are_few_single_and_free() {
    let packages = packages();
    assert!(packages.len() <= CRATES, "{} crates, at most {CRATES}", packages.len());
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in packages.values() {
        let (name, licence) = (text(&package["name"]), text(&package["license"]));
        versions.entry(name).or_default().push(text(&package["version"]));
        assert!(is_allowed(licence), "{name} has the licence {licence:?}");
        let source = &package["source"];
        let registry = text(source).starts_with("registry+https://github.com/rust-lang/crates.io");
        assert!(name == "doumibook" || registry, "{name} comes from {source}");
    }
    let twice: Vec<_> = versions.iter().filter(|(_, versions)| versions.len() > 1).collect();
    assert!(twice.is_empty(), "in more than one version: {twice:?}");
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Lines of code: no blank ones, no comments, no tests inside the module.
fn lines_of_code(text: &str) -> usize {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    code.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with("//")).count()
}

#[test]
fn the_code_stays_small() {
    let mut files = Vec::new();
    rust_files(&root().join("src"), &mut files);
    let mut total = 0;
    for path in &files {
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        let lines = lines_of_code(&fs::read_to_string(path).unwrap());
        total += lines;
        assert!(lines <= FILE_LINES, "{name} has {lines} lines of code, at most {FILE_LINES}");
    }
    assert!(total <= SOURCE_LINES, "src has {total} lines of code, at most {SOURCE_LINES}");
}
