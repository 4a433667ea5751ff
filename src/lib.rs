//! doumibook answers readers of a WeChat Official Account who look for a book.
//!
//! # The rooms
//!
//! | room | what it does | never |
//! |---|---|---|
//! | [`cli`] | what the operator types and reads; puts the parts together | imported by anything but `main` |
//! | [`server`] | the wire: bytes of clients to complete requests, answers to bytes | knows XML, books or phrases |
//! | [`service`] | one request, one answer: the order of the steps, dedup, lookups, metrics | knows HTTP's bytes or a source's JSON |
//! | [`chat`] | what a reader means, and what a reader is told | knows sockets, clocks, threads |
//! | [`catalogue`] | what a book is, and where books come from | imports `wechat`; says anything to readers |
//! | [`wechat`] | the protocol: signature, envelope, push, reply | does I/O |
//! | [`sys`] | the machine below: sockets, the log, threads, the HTTP client | knows what the program is for |
//!
//! Imports go downwards in this table: `cli` may import any room, `server` only `service` and `sys`,
//! `service` all that are below it, `chat` the three below it, `catalogue` and `wechat` only `sys`. No
//! two files import each other. `tests/whole_rooms.rs` holds that.
//!
//! # The way of one push
//!
//! A client connects. [`server::listener`] gives it a slot in the [`server::table`] and a thread,
//! on which [`server::connection`] reads bytes until [`server::framing`] has cut one complete,
//! bounded request out of them. The slot numbers the request, [`server::inner`] hands it to
//! tiny_http, and the thread goes on reading, so that it notices when the client goes.
//!
//! One of the [`server::workers`] takes the request from tiny_http and calls
//! [`service::Service::handle`]. [`wechat::credentials`] verifies the query ([`wechat::signature`]),
//! opens the body if it is sealed ([`wechat::envelope`]) and parses it ([`wechat::push`]).
//! [`service::deliveries`] knows whether the push was delivered before: then it gets the same
//! reply, or waits for it. [`chat::conversation`] tells what the reader wants ([`chat::question`]):
//! a sentence ([`chat::phrases`]), and the worker has the answer; or a [`catalogue::Query`].
//!
//! A query whose remembered answer ([`catalogue::memory`]) still holds, copies included, is
//! answered at once. Otherwise the request is parked
//! at its slot until a deadline, and [`service::lookups`] gives the worker the lookup to do,
//! unless somebody does the same one already. The worker sees to it that another is left to take
//! requests, and asks [`catalogue::library`], which asks the sources in their order
//! ([`catalogue::shelf`], [`catalogue::interlib`], [`catalogue::douban`], [`catalogue::neodb`]),
//! each that is over the network behind a budget and a breaker ([`catalogue::guarded`],
//! [`catalogue::guard`]). A photo is read first ([`catalogue::photo::fetch`]), and then asked for by
//! the number in it.
//!
//! What was found becomes a reply ([`chat::shown`], [`chat::card`], [`wechat::reply`]), the reply a
//! [`service::response::Response`], and that goes through the [`service::ticket`] to the slot,
//! which writes it ([`server::wire`]) and sends it to the client, on whichever thread has the answer.
//! From the first byte to the last a help text wakes three threads, a lookup four.
//!
//! # To change …
//!
//! | to change | open | what hangs together with it |
//! |---|---|---|
//! | a sentence for readers | [`chat::phrases`] | `tests/chat_conversation.txt`, `chat_evening.txt` |
//! | which texts are a number picked from a list | [`chat::numerals`] | tests beside it; quotation marks are gone already ([`catalogue::fold`]) |
//! | how any other message is understood | [`chat::question`], for ISBNs [`catalogue::isbn`] | the conversation file |
//! | which books a message finds on the shelf, and how sure that is | [`catalogue::shelf::search`], for talk around a title [`catalogue::reading`] | `tests/catalogue_search.rs` |
//! | what a card or list shows | [`chat::card`] | five entries of a page have to fit 2048 bytes: a page, [`catalogue::HITS`] and an entry's length |
//! | a new event or kind of message | [`wechat::push`], then `listen` in [`chat::conversation`] | the compiler leads; `tests/service_answers.rs` |
//! | a new source | a file in [`catalogue`] (over JSON as [`catalogue::neodb`], with `web.rs` and `record.rs`), [`catalogue::book::Source`], [`cli::setup`] (`catalogues`, `origin`) | `Source::ALL`; its settings; its name in [`chat::phrases`]; the READMEs |
//! | the operator's own answers | [`chat::replies`] | `tests/chat_evening.txt` |
//! | what is noted as a wish, and how many a day ([`chat::wish::PER_DAY`]) | [`chat::wish`], [`service::wishes`] | the file of [`service::wishbook`], [`cli::wishes`] |
//! | what a SIGHUP reads again | [`cli::reload`], [`catalogue::library`]'s `reload` | `ExecReload=`, `doumibook-shelf.path` |
//! | what a column of a shelf file may be called | `catalogue/shelf/names.rs` | what its cells mean is in `shelf/values.rs` |
//! | what else a shelf file may look like | [`catalogue::shelf`] and the files below it | `check` shows what was understood |
//! | how often a source is asked, how long it is left alone | [`catalogue::guard`] | the alert on its state in the README |
//! | what leaves for a source | [`catalogue::sent`] | every source over the network |
//! | what is shown of text from outside | [`wechat::reply_text`] for readers, [`sys::visible`] | terminals, the log and addresses go through the latter |
//! | a bound of a request | [`server::limits`] | nginx' `client_max_body_size`; `UNFINISHED`; "64 KiB" in [`service::refusal`] |
//! | who is cut off when it is full | [`server::slot`], [`server::table`] | tests beside them, `tests/server_attack.rs` |
//! | a refusal | [`service::refusal`] | the alert on refusals in the README |
//! | how long readers wait | [`service::Patience`], [`service::silences`] | [`service::lookups::LOOKUP`] |
//! | how many lookups a reader may begin or wait for | [`service::quota`] | the sentence for who asks too much |
//! | which hosts photos may come from; how they are fetched | [`catalogue::photo::address`]; [`catalogue::photo::fetch`] | `tests/service_photos.rs` |
//! | how a barcode is found and read | [`catalogue::photo`] and the files below it | `tests/catalogue_photo.rs` |
//! | how a push is sealed and opened | [`wechat::envelope`] | `tests/wechat_protocol.rs` |
//! | a setting | [`cli::settings`] (`names`, then the struct) | `--help`, both READMEs and the example file, held by `tests/cli_words.rs` |
//! | a command | [`cli::command`], `main` | `tests/cli_command.rs` |
//! | a counter; a gauge | [`service::metrics`], then `count` where it happens; `metrics_page` in [`service`] | the README's alerts |
//! | what outlives a restart | [`catalogue::statefile`], [`service::persistence`], [`service::wishbook`] | its format's version |
//! | the unit | `systemd/` | `tests/package.sh`, `.ci/run` |
//!
//! # Words
//!
//! - *push*: what WeChat posts when a reader does something. *delivery*: one try of it; WeChat
//!   makes up to three, five seconds apart, until it gets an answer.
//! - *openid*: a reader's id within this account. *echostr*: what the console wants echoed.
//! - *silence*: a delivery that passes unanswered, which WeChat counts as a failure. *pick-up*: an
//!   answer that came after its reader was told to come back for it.
//! - *parked*: a request that waits for its answer and holds no thread but its connection's own.
//! - *lookup*: asking the sources one question, once, however many readers wait for it.
//! - *source*: where books come from. *shelf*: the operator's own file. *holding*: the copies of
//!   a book in a library.
//! - *breaker*: leaves a source alone that failed. *budget*: how often one may be asked.
//! - *wish*: a book that a reader looked for in vain and wants. *order*: what the operator's command
//!   leaves for the service to do with wishes.
//! - *edition*: one ISBN; *copy*: one volume that can be borrowed.
#![forbid(unsafe_code)]

pub mod catalogue;
pub mod chat;
pub mod cli;
pub mod server;
pub mod service;
pub mod sys;
pub mod wechat;
