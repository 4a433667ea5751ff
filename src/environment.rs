//! The process's own environment: variables, credentials, the directory for what lasts.
//!
//! In: nothing. Out: [`Settings`], or the sentence why there are none. The only place that
//! reads the environment for them; nothing there is overlooked, unreadable or not UTF-8.

use std::cell::RefCell;
use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::PathBuf;

use crate::settings::{Settings, Wrong};

/// The settings as `serve` reads them.
pub fn settings() -> Result<Settings, Wrong> {
    // A value that is no UTF-8 is wrong, and must be refused rather than overlooked.
    let variables = std::env::vars_os().map(|(name, value)| (lossy(&name), lossy(&value)));
    let directory = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    let unreadable = RefCell::new(None);
    let credential = |name: &str| {
        let path = directory.as_ref()?.join(name);
        match std::fs::read(&path) {
            Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => {
                let sentence = format!("the credential {} cannot be read: {error}", path.display());
                unreadable.replace(Some(Wrong(sentence)));
                None
            }
        }
    };
    let settings = Settings::read(variables, &credential);
    // A key that is there but cannot be read must not mean that there is no key.
    unreadable.into_inner().map_or(settings, Err)
}

/// The first of the directories systemd made for what outlives a restart.
pub fn state_directory() -> Option<PathBuf> {
    let paths = std::env::var_os("STATE_DIRECTORY")?;
    std::env::split_paths(&paths).next().filter(|path| !path.as_os_str().is_empty())
}

fn lossy(text: &OsStr) -> String {
    text.to_string_lossy().into_owned()
}
