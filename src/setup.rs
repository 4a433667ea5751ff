//! Settings become the parts that answer: sources, memory, desk, service.
//!
//! In: [`Settings`]. Out: a [`Service`], or one sentence why there is none. The only place
//! that knows which parts exist; `serve`, `demo`, `ask` and `check` all begin here.

use std::path::PathBuf;
use std::sync::Arc;

use crate::book::Source;
use crate::catalogue::douban::Douban;
use crate::catalogue::library::{Guarded, Library};
use crate::catalogue::memory::Memory;
use crate::catalogue::neodb::NeoDb;
use crate::catalogue::shelf::Shelf;
use crate::conversation::Conversation;
use crate::demo::Demo;
use crate::desk::Desk;
use crate::http::{Http, Proxy};
use crate::journal;
use crate::metrics::Metrics;
use crate::service::{Account, Service, World};
use crate::settings::Settings;
use crate::{server, unix};

/// Bad lines of a shelf file that are reported one by one; the rest is counted.
const REPORTED: usize = 20;

/// The sources of `settings`, with what they answered lately; `state` is where that is kept.
pub fn library(settings: &Settings, state: Option<&PathBuf>) -> Result<Library, String> {
    let http = Arc::new(http(settings)?);
    let mut sources = Vec::new();
    for source in &settings.sources {
        sources.push(match source {
            Source::Shelf => Guarded::new(Box::new(shelf(settings)?), None),
            Source::Douban => Guarded::new(
                Box::new(Douban::new(
                    http.clone(),
                    settings.douban_url.clone(),
                    settings.douban_key.clone(),
                )),
                std::num::NonZeroU32::new(settings.douban_per_minute),
            ),
            Source::NeoDb => Guarded::new(
                Box::new(NeoDb::new(http.clone(), settings.neodb_url.clone())),
                std::num::NonZeroU32::new(settings.neodb_per_minute),
            ),
        });
    }
    let _ = state;
    Ok(Library::new(sources, Memory::new(settings.memory, Vec::new())))
}

/// Who we say we are to sources.
pub fn http(settings: &Settings) -> Result<Http, String> {
    let proxy = Proxy::from_vars(|name| std::env::var(name).ok()).map_err(|bad| bad.to_string())?;
    let version = env!("CARGO_PKG_VERSION");
    let contact = settings.contact.as_ref().map(|contact| format!(" ({contact})"));
    Ok(Http::new(&format!("doumibook/{version}{}", contact.unwrap_or_default()), proxy))
}

fn shelf(settings: &Settings) -> Result<Shelf, String> {
    let Some(path) = &settings.shelf else { return Ok(Shelf::builtin()) };
    let (shelf, bad) = Shelf::open(path).map_err(|error| format!("DOUMIBOOK_SHELF: {error}"))?;
    for line in bad.iter().take(REPORTED) {
        journal::warning(format_args!("DOUMIBOOK_SHELF {}: {line}", path.display()));
    }
    if bad.len() > REPORTED {
        journal::warning(format_args!("DOUMIBOOK_SHELF: {} more bad lines", bad.len() - REPORTED));
    }
    journal::info(format_args!("the shelf {} has {} books", path.display(), shelf.len()));
    Ok(shelf)
}

/// Everything that answers requests. Takes the account's secrets out of `settings`; `demo` is the
/// page at `/` when there is to be one.
pub fn service(settings: Settings, library: Arc<Library>, demo: Option<Demo>) -> Arc<Service> {
    let metrics = Arc::new(Metrics::default());
    Arc::new(Service {
        desk: Desk::new(library, settings.lookups, metrics.clone()),
        conversation: Conversation::new(settings.name, settings.welcome),
        patience: settings.patience,
        metrics,
        world: World { clock: server::unix_seconds, random: unix::random },
        log_text: settings.log_text,
        demo,
        account: Account {
            tokens: settings.tokens,
            keys: settings.keys,
            app_id: settings.app_id,
            mode: settings.mode,
        },
    })
}
