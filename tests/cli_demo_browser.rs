//! The page of `doumibook demo` in a real Chromium: `cli_demo_browser.py` uses it, this starts both.

mod support;

use std::io::Write;
use std::path::Path;
use std::process::Command;

use support::server::Server;

/// What has to be installed; Debian's packages are chromium, chromium-driver and python3.
const NEEDED: [&str; 3] = ["chromium", "chromedriver", "python3"];

fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

#[test]
fn the_page_works_in_chromium() {
    let absent: Vec<_> = NEEDED.into_iter().filter(|program| !is_installed(program)).collect();
    if !absent.is_empty() {
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "not installed: {absent:?}");
        // Written directly: the test runner hides what passing tests print.
        let _ = writeln!(std::io::stderr(), "SKIPPED: the page in a browser; install {absent:?}");
        return;
    }
    let screens = Path::new(env!("CARGO_TARGET_TMPDIR")).join("demo");
    std::fs::create_dir_all(&screens).unwrap();
    let demo = Server::demo();
    let output = Command::new("python3")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli_demo_browser.py"))
        .arg(format!("http://{}/", demo.address))
        .arg(&screens)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
