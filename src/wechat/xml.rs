//! WeChat's XML: bodies to flat fields, fields to bodies.
//!
//! In: any bytes, of a length the server has already bounded. Out: [`Fields`], or the reason
//! there are none; and from [`Writer`] a document in which no text can end its own element.
//! Never: an entity of the sender's making, recursion, or work beyond what the limits allow.

use std::borrow::Cow;

use xml::Encoding;
use xml::reader::{ParserConfig, XmlEvent};

use super::cdata;

/// Four levels occur in real pushes, and xml-rs takes quadratic time over nested tags.
const DEEPEST: usize = 8;
/// Real pushes have about ten; lists (pictures, articles of a mass message) may have dozens.
const MOST_FIELDS: usize = 256;

/// The elements below `<xml>` with their text; those further down have a path as their name,
/// such as `ScanCodeInfo/ScanResult`.
#[derive(Debug)]
pub struct Fields(Vec<(String, String)>);

/// Why a body has no fields: a sentence for the log. To whoever sent it all are the same.
pub type NotXml = &'static str;

const NOT_WELL_FORMED: NotXml = "the body is not well-formed XML";

impl Fields {
    /// Reads a body. What XML 1.0 forbids (control bytes, U+FFFE, U+FFFF, invalid UTF-8) is
    /// taken out first: readers do send such bytes, and one of them would cost the whole push.
    pub fn read(body: &[u8]) -> Result<Self, NotXml> {
        let legal = legal(body);
        // xml-rs allows nothing before a declaration.
        let start = legal.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        // WeChat's own elements come once; where that leads to no document, readers wrote what
        // looks like the end of another element.
        let mut tried = Cow::Borrowed("");
        for once in [1, 2, 0] {
            let body = cdata::mend(start, once);
            if body == tried {
                continue;
            }
            match Self::parse(&body) {
                Err(NOT_WELL_FORMED) => tried = body,
                read => return read,
            }
        }
        Err(NOT_WELL_FORMED)
    }

    fn parse(body: &str) -> Result<Self, NotXml> {
        let mut fields = Self(Vec::new());
        let mut open: Vec<usize> = Vec::new();
        for event in config().create_reader(body.as_bytes()) {
            match event.map_err(|_| NOT_WELL_FORMED)? {
                // Only an attacker needs one.
                XmlEvent::Doctype { .. } => return Err("the body declares a document type"),
                XmlEvent::StartElement { name, .. } if open.len() < DEEPEST => {
                    open.push(fields.enter(open.last(), name.local_name)?);
                }
                XmlEvent::StartElement { .. } => {
                    return Err("the body is nested deeper than 8 elements");
                }
                XmlEvent::EndElement { .. } => drop(open.pop()),
                XmlEvent::Characters(text) => {
                    if let Some((_, value)) = open.last().and_then(|&at| fields.0.get_mut(at)) {
                        // What xml-rs puts for a forbidden character written by its number.
                        value.extend(text.split('\u{fffd}'));
                    }
                }
                _ => {}
            }
        }
        Ok(fields)
    }

    /// Adds an empty field below the one at `parent`; returns where it is.
    fn enter(&mut self, parent: Option<&usize>, name: String) -> Result<usize, NotXml> {
        let path = match parent.and_then(|&at| self.0.get(at)) {
            None if name == "xml" => String::new(),
            None => return Err("the outermost element is not <xml>"),
            Some((path, _)) if path.is_empty() => name,
            Some((path, _)) => format!("{path}/{name}"),
        };
        let at = self.0.len();
        if at > MOST_FIELDS {
            return Err("the body has more than 256 elements");
        }
        self.0.push((path, String::new()));
        Ok(at)
    }

    /// The text of a field as it was sent, text and CDATA joined. Of several with the same
    /// name the first counts: lists repeat their items, everything else comes once.
    pub fn get(&self, path: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == path).map(|(_, value)| value.as_str())
    }

    /// The text of an id, type, number or key: without blanks around it, empty when absent.
    pub fn word(&self, path: &str) -> &str {
        self.get(path).unwrap_or_default().trim()
    }
}

fn config() -> ParserConfig {
    ParserConfig::new()
        // It is UTF-8 by now, whatever the declaration says.
        .override_encoding(Some(Encoding::Utf8))
        .ignore_invalid_encoding_declarations(true)
        .cdata_to_characters(true)
        .replace_unknown_entity_references(true)
        .allow_multiple_root_elements(false)
        // WeChat sends no attributes; each costs time.
        .max_attributes(8)
        .max_name_length(128)
}

/// A body without what XML forbids; as it is, and not copied, when there is nothing of the kind.
fn legal(body: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(body) {
        Ok(text) if text.chars().all(is_legal) => text.into(),
        _ => {
            let valid = body.utf8_chunks().flat_map(|chunk| chunk.valid().chars());
            valid.filter(|&c| is_legal(c)).collect()
        }
    }
}

/// XML 1.0, production 2 (a `char` is no surrogate to begin with).
fn is_legal(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{fffd}' | '\u{10000}'..)
}

/// Text as it may stand in a reply: without control characters, lines ended by `\n` (an iPhone
/// shows `\r\n` as two breaks), and with `]]>` broken up, since it is unknown whether the
/// platform joins a split CDATA section.
pub fn clean(text: &str) -> Cow<'_, str> {
    let fits = |c: char| is_legal(c) && (!c.is_control() || c == '\n' || c == '\t');
    // Looking for one character is many times faster than looking for three.
    if text.chars().all(fits) && !(text.contains(']') && text.contains("]]>")) {
        return text.into();
    }
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    let clean: String = lines.chars().filter(|&c| fits(c)).collect();
    clean.replace("]]>", "]] >").into()
}

/// Writes one `<xml>` document without a declaration or blanks between elements, as WeChat's
/// own samples are. Elements are closed by construction; names are ours, never from outside.
pub struct Writer(String);

impl Writer {
    /// An empty document.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self("<xml>".to_owned())
    }

    /// An element with text, [cleaned](clean) and in CDATA.
    pub fn text(self, name: &'static str, text: &str) -> Self {
        self.raw(name, &["<![CDATA[", &clean(text), "]]>"])
    }

    /// An element with an id, which has to go back as it came: a `]]>` in it becomes two sections.
    pub fn id(self, name: &'static str, id: &str) -> Self {
        self.raw(name, &["<![CDATA[", &id.replace("]]>", "]]]]><![CDATA[>"), "]]>"])
    }

    /// An element with a bare number: WeChat refuses a CreateTime in any other form.
    pub fn number(self, name: &'static str, number: u64) -> Self {
        self.raw(name, &[&number.to_string()])
    }

    /// An element with elements in it.
    pub fn nest(mut self, name: &'static str, inside: impl FnOnce(Self) -> Self) -> Self {
        self.0.extend(["<", name, ">"]);
        let mut whole = inside(self);
        whole.0.extend(["</", name, ">"]);
        whole
    }

    /// The document.
    pub fn finish(mut self) -> String {
        self.0.push_str("</xml>");
        self.0
    }

    fn raw(self, name: &'static str, content: &[&str]) -> Self {
        self.nest(name, |mut w| {
            w.0.extend(content.iter().copied());
            w
        })
    }
}
