//! The process's own environment: variables, credentials, the directory for what lasts.
//!
//! In: nothing. Out: [`Settings`], and a sentence for each that is wrong. The only place that
//! reads the environment for them; nothing there is overlooked, unreadable or not UTF-8.

use std::io::ErrorKind;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use crate::cli::settings::{CREDENTIALS, Settings, variable};

/// The settings as `serve` reads them: those that are right, and what is wrong with the others.
pub fn settings() -> (Settings, Vec<String>) {
    let (mut variables, mut wrong) = (Vec::new(), Vec::new());
    if let Some(directory) = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from) {
        for name in CREDENTIALS {
            let path = directory.join(name);
            // A key that is there but cannot be read must not mean that there is no key.
            match std::fs::read_to_string(&path) {
                Ok(text) => variables.push((variable(name), text)),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => wrong.push(format!(
                    "{}: the credential {} cannot be read: {error}",
                    variable(name),
                    path.display()
                )),
            }
        }
    }
    for (name, value) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        match String::from_utf8(value.into_vec()) {
            Ok(value) => variables.push((name, value)),
            Err(_) if !name.starts_with("DOUMIBOOK_") => {}
            Err(_) => wrong.push(format!("{name} is not UTF-8; save the file as UTF-8")),
        }
    }
    let (settings, more) = Settings::look(variables);
    wrong.extend(more);
    (settings, wrong)
}

/// The first of the directories systemd made for what outlives a restart.
pub fn state_directory() -> Option<PathBuf> {
    let paths = std::env::var_os("STATE_DIRECTORY")?;
    std::env::split_paths(&paths).next().filter(|path| !path.as_os_str().is_empty())
}
