//! Settings become the parts that answer: sources, memory, desk, service.
//!
//! In: [`Settings`]. Out: a [`Service`], or one sentence why there is none. The only place
//! that knows which parts exist; `serve`, `demo`, `ask` and `check` all begin here.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use crate::catalogue::book::Source;
use crate::catalogue::douban::Douban;
use crate::catalogue::interlib::Interlib;
use crate::catalogue::library::{Guarded, Library};
use crate::catalogue::memory::{Memory, Origin};
use crate::catalogue::neodb::NeoDb;
use crate::catalogue::photo::fetch::Photos;
use crate::catalogue::shelf::{Loaded, Shelf};
use crate::catalogue::{Catalogue, statefile};
use crate::chat::conversation::Conversation;
use crate::cli::settings::Settings;
use crate::service::deliveries::Deliveries;
use crate::service::lookups::LookupService;
use crate::service::metrics::Metrics;
use crate::service::persistence;
use crate::service::{Patience, Service, World};
use crate::sys::http::{BaseUrl, Http, Proxy};
use crate::sys::journal;
use crate::sys::unix;
use crate::wechat::credentials::Credentials;

/// Bad lines of a shelf file that are reported one by one; the rest is counted.
const REPORTED: usize = 20;

/// A source, and how many lookups a minute it may be asked for.
pub type Budgeted = (Box<dyn Catalogue>, Option<NonZeroU32>);

/// The sources of `settings`, in their order.
pub fn catalogues(settings: &Settings) -> Result<Vec<Budgeted>, String> {
    let http = Arc::new(http(settings)?);
    let one = |source: &Source| -> Result<Budgeted, String> {
        Ok(match source {
            Source::Shelf => (Box::new(shelf(settings)?), None),
            Source::Interlib => {
                let most = NonZeroU32::new(settings.interlib_per_minute);
                (Box::new(interlib(settings, http.clone())?), most)
            }
            Source::Douban => {
                let (base, key) = (settings.douban_url.clone(), settings.douban_key.clone());
                let douban = Douban::new(http.clone(), base, key);
                (Box::new(douban), NonZeroU32::new(settings.douban_per_minute))
            }
            Source::NeoDb => {
                let neodb = NeoDb::new(http.clone(), settings.neodb_url.clone());
                (Box::new(neodb), NonZeroU32::new(settings.neodb_per_minute))
            }
        })
    };
    settings.sources.iter().map(one).collect()
}

/// All sources, with what they answered lately; `state` is the directory where that is kept.
pub fn library(settings: &Settings, state: Option<&Path>) -> Result<Library, String> {
    let sources = catalogues(settings)?;
    let sources = sources.into_iter().map(|(source, most)| Guarded::new(source, most)).collect();
    let memory = match state {
        None => Memory::new(settings.memory, Vec::new()),
        Some(state) => {
            let origins = settings.sources.iter().map(|source| origin(settings, *source)).collect();
            let path = persistence::answers(state);
            let (memory, report) = statefile::load(&path, settings.memory, origins);
            if let Some(report) = report {
                journal::warning(format_args!("{report}"));
            }
            memory
        }
    };
    let photos = Photos::new(Arc::new(http(settings)?));
    Ok(Library::new(sources, memory).with_photos(photos))
}

/// What a source's answers depend on.
fn origin(settings: &Settings, source: Source) -> Origin {
    match (source, &settings.shelf) {
        (Source::Douban, _) => Origin::new(source, settings.douban_url.as_str()),
        (Source::NeoDb, _) => Origin::new(source, settings.neodb_url.as_str()),
        (Source::Interlib, _) => {
            let url = settings.interlib_url.as_ref().map(BaseUrl::as_str);
            Origin::new(source, (url, &settings.interlib_lib))
        }
        // Read once more, after the shelf has let go of it; a file that is gone by now has no
        // bytes, and its answers are asked for anew.
        (Source::Shelf, Some(path)) => Origin::new(source, std::fs::read(path).ok()),
        (Source::Shelf, None) => Origin::new(source, env!("CARGO_PKG_VERSION")),
    }
}

/// Who we say we are to sources.
pub fn http(settings: &Settings) -> Result<Http, String> {
    let proxy = Proxy::from_vars(|name| std::env::var(name).ok()).map_err(|bad| bad.to_string())?;
    let version = env!("CARGO_PKG_VERSION");
    let contact = settings.contact.as_ref().map(|contact| format!(" ({contact})"));
    Ok(Http::new(&format!("doumibook/{version}{}", contact.unwrap_or_default()), proxy))
}

/// The library's own catalogue.
pub fn interlib(settings: &Settings, http: Arc<Http>) -> Result<Interlib, String> {
    let url = settings.interlib_url.clone().ok_or("DOUMIBOOK_INTERLIB_URL is not set")?;
    Ok(Interlib::new(http, url, settings.interlib_lib.clone()))
}

fn shelf(settings: &Settings) -> Result<Shelf, String> {
    let Some(path) = &settings.shelf else { return Ok(Shelf::builtin()) };
    let loaded = Shelf::load(path).map_err(|error| format!("DOUMIBOOK_SHELF: {error}"))?;
    let Loaded { shelf, bad, understood } = loaded;
    for line in bad.iter().take(REPORTED) {
        journal::warning(format_args!("DOUMIBOOK_SHELF {}: {line}", path.display()));
    }
    if bad.len() > REPORTED {
        journal::warning(format_args!("DOUMIBOOK_SHELF: {} more bad lines", bad.len() - REPORTED));
    }
    journal::info(format_args!("the shelf {} has {} books", path.display(), shelf.len()));
    for line in understood.to_string().lines() {
        journal::info(format_args!("the shelf: {line}"));
    }
    Ok(shelf)
}

/// Everything that answers requests. Takes the account's secrets out of `settings`.
pub fn service(settings: Settings, library: Arc<Library>) -> Arc<Service> {
    let metrics = Arc::new(Metrics::default());
    Arc::new(Service {
        lookups: LookupService::new(library, settings.lookups, metrics.clone()),
        deliveries: Deliveries::default(),
        conversation: Conversation::new(settings.name, settings.welcome),
        patience: Patience { deliveries: settings.deliveries, deadline: settings.deadline },
        since: Instant::now(),
        metrics,
        world: World { clock: unix::seconds, random: unix::random },
        log_text: settings.log_text,
        credentials: Credentials {
            tokens: settings.tokens,
            keys: settings.keys,
            app_id: settings.app_id,
            mode: settings.mode,
        },
    })
}
