//! Settings become the parts that answer: sources, memory, conversation, service.
//!
//! In: [`Settings`]. Out: a [`Service`], or one sentence why there is none. The only place
//! that knows which parts exist; `serve`, `demo`, `ask` and `check` all begin here.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::catalogue::book::Source;
use crate::catalogue::douban::Douban;
use crate::catalogue::interlib::Interlib;
use crate::catalogue::library::{Guarded, Library};
use crate::catalogue::memory::{Memory, Origin};
use crate::catalogue::neodb::NeoDb;
use crate::catalogue::photo::fetch::Photos;
use crate::catalogue::shelf::reload::{self, ReloadableShelf, TOLD};
use crate::catalogue::shelf::{Shelf, encoding};
use crate::catalogue::{Catalogue, Served, statefile};
use crate::chat::conversation::{Conversation, Offers};
use crate::chat::replies::OwnReplies;
use crate::cli::settings::Settings;
use crate::service::deliveries::Deliveries;
use crate::service::lookups::LookupService;
use crate::service::metrics::Metrics;
use crate::service::persistence;
use crate::service::silences::Silences;
use crate::service::wishbook::WishBook;
use crate::service::{Patience, Service, World};
use crate::sys::http::{BaseUrl, Http, Proxy};
use crate::sys::journal;
use crate::sys::unix;
use crate::wechat::credentials::Credentials;
use crate::wechat::freshness::Freshness;

/// Bytes of a file of answers: 2000 keywords with long answers are 4 MB.
const LONGEST_REPLIES: u64 = 8 << 20;

/// A source, and how many lookups a minute it may be asked for.
pub type Budgeted = (Box<dyn Catalogue>, Option<NonZeroU32>);

/// The sources of `settings`, in their order.
pub fn catalogues(settings: &Settings) -> Result<Vec<Budgeted>, String> {
    let http = Arc::new(http(settings)?);
    let one = |source: &Source| -> Result<Budgeted, String> {
        Ok(match source {
            Source::Shelf => (shelf(settings)?, None),
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
    // Before the shelf's file is read: should it change meanwhile, the next start forgets what is
    // remembered of it.
    let origins = settings.sources.iter().map(|source| origin(settings, *source)).collect();
    let sources = catalogues(settings)?;
    let sources = sources.into_iter().map(|(source, most)| Guarded::new(source, most)).collect();
    let memory = match state {
        None => Memory::new(settings.memory, Vec::new()),
        Some(state) => {
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
        // A file that is gone by now is like no other, and its answers are asked for anew.
        (Source::Shelf, Some(path)) => Origin { source, print: reload::print(path).unwrap_or(0) },
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

fn shelf(settings: &Settings) -> Result<Box<dyn Catalogue>, String> {
    let Some(path) = &settings.shelf else { return Ok(Box::new(Shelf::builtin())) };
    let opened = ReloadableShelf::open(path);
    let (shelf, served) = opened
        .map_err(|error| format!("DOUMIBOOK_SHELF: {error}{}", right_file(path, "books.csv")))?;
    report_shelf(path, &served);
    Ok(Box::new(shelf))
}

/// What would be right where a path leads to no file that can be read.
fn right_file(path: &Path, name: &str) -> String {
    match std::fs::File::open(path).and_then(|file| file.metadata()) {
        Ok(about) if !about.is_dir() => String::new(),
        _ => format!("; expected a file that the service may read, such as /etc/doumibook/{name}"),
    }
}

/// Says what of a shelf's file is served, and how it was understood.
pub fn report_shelf(path: &Path, served: &Served) {
    report_lines("DOUMIBOOK_SHELF", path, served.bad, &served.first);
    journal::info(format_args!("the shelf {} has {} books", path.display(), served.books));
    for line in &served.understood {
        journal::info(format_args!("the shelf: {line}"));
    }
}

/// The operator's own answers; none where no file is set.
pub fn replies(settings: &Settings) -> Result<OwnReplies, String> {
    settings.replies.as_deref().map_or(Ok(OwnReplies::default()), read_replies)
}

/// Reads a file of answers, and says what of it is served.
pub fn read_replies(path: &Path) -> Result<OwnReplies, String> {
    let right = right_file(path, "replies.csv");
    let told = |why: String| format!("DOUMIBOOK_REPLIES: {}: {why}{right}", path.display());
    let text = read_text(path).map_err(told)?;
    let (replies, wrong) = OwnReplies::read(&text).map_err(told)?;
    let first: Vec<_> = wrong.iter().take(TOLD).map(ToString::to_string).collect();
    report_lines("DOUMIBOOK_REPLIES", path, wrong.len(), &first);
    journal::info(format_args!("{} has {} keywords", path.display(), replies.len()));
    Ok(replies)
}

/// The text of a file of answers, in UTF-8 or as Excel writes it.
fn read_text(path: &Path) -> Result<String, String> {
    let about = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if about.len() > LONGEST_REPLIES {
        return Err(format!("{} bytes; at most {LONGEST_REPLIES} are read", about.len()));
    }
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    encoding::text(&bytes).map_err(|error| error.to_string())
}

fn report_lines(name: &str, path: &Path, bad: usize, first: &[String]) {
    for line in first {
        journal::warning(format_args!("{name} {}: {line}", path.display()));
    }
    if bad > first.len() {
        journal::warning(format_args!("{name}: {} more bad lines", bad - first.len()));
    }
}

/// Everything that answers requests. Takes the account's secrets out of `settings`.
pub fn service(settings: Settings, library: Arc<Library>) -> Arc<Service> {
    service_with(settings, library, OwnReplies::default(), None)
}

/// As [`service`], with answers of the operator's own, and where wishes are noted.
pub fn service_with(
    settings: Settings,
    library: Arc<Library>,
    replies: OwnReplies,
    wishes: Option<Arc<WishBook>>,
) -> Arc<Service> {
    let metrics = Arc::new(Metrics::default());
    let offers = Offers {
        wishes: wishes.is_some(),
        own_first: settings.sources.first().is_some_and(|source| *source == Source::Shelf),
        links: settings.links,
    };
    let conversation = Conversation::new(settings.name, settings.welcome).offering(offers);
    conversation.answer_with(replies);
    Arc::new(Service {
        lookups: LookupService::new(library, settings.lookups, metrics.clone()),
        deliveries: Deliveries::default(),
        conversation,
        wishes,
        patience: Patience { deliveries: settings.deliveries, deadline: settings.deadline },
        silences: Arc::new(Mutex::new(Silences::new(settings.silences))),
        since: Instant::now(),
        metrics,
        world: World { clock: unix::seconds, random: unix::random },
        log_text: settings.log_text,
        credentials: Credentials {
            tokens: settings.tokens,
            keys: settings.keys,
            app_id: settings.app_id,
            mode: settings.mode,
            freshness: Freshness::default(),
        },
    })
}
