//! JSON from elsewhere, read within bounds.
//!
//! In: a body. Out: a [`Value`] with what may be of use in it, or why there is none. What no
//! source's reader looks at is passed over while reading, lists end after [`ITEMS`] elements, a
//! text after [`TEXT`] bytes, and what would take more than [`BYTES`] of memory is none of ours: of
//! 1 MiB of empty objects 87 MB of values were made. Together with the body itself that is three
//! times the largest body at most. Time is linear in the body.

use std::fmt;

use serde_core::de::{
    DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::{Map, Number, Value};

/// The longest list: 100 books are the most a service was seen to answer with.
const ITEMS: usize = 1000;
/// The longest text, in bytes: a summary is shown with 120 characters.
const TEXT: usize = 4096;
/// The most memory: 100 books take 0.5 MB, a library's copies in 1 500 rooms all of it.
const BYTES: usize = 7 << 18;
/// What a value takes in a list, which grows by doubling.
const SLOT: usize = 64;
/// What an object of up to eleven fields takes besides their names and texts, a leaf of a B-tree;
/// and each further field.
const LEAF: usize = 650;
const LEAF_FIELDS: usize = 11;
const FIELD: usize = 120;
/// What a text takes besides its bytes.
const HEAP: usize = 16;
/// Objects within objects: an answer of copies has five.
const DEPTH: usize = 16;
/// Long texts and lists that nobody looks at.
const UNUSED: [&str; 8] = [
    "author_intro",
    "catalog",
    "tags",
    "marcContent",
    "facet_counts",
    "highlighting",
    "rdid",
    "external_resources",
];

/// Why there is no value.
#[derive(Debug)]
pub enum JsonError {
    /// It ends too early, or there is nothing.
    CutShort,
    /// It is none.
    NotJson,
    /// It would take more memory, or is deeper, than any answer.
    TooMany,
}

/// The value that `body` holds.
///
/// # Errors
/// See [`JsonError`].
pub fn read(body: &[u8]) -> Result<Value, JsonError> {
    let mut left = BYTES;
    let mut reader = serde_json::Deserializer::from_slice(body);
    let read = Bounded { left: &mut left, depth: DEPTH }.deserialize(&mut reader);
    match read.and_then(|value| reader.end().map(|()| value)) {
        Ok(value) => Ok(value),
        Err(_) if left == 0 => Err(JsonError::TooMany),
        Err(error) if error.is_eof() => Err(JsonError::CutShort),
        Err(_) => Err(JsonError::NotJson),
    }
}

/// Reads one value, while there is memory `left`.
struct Bounded<'a> {
    left: &'a mut usize,
    depth: usize,
}

impl Bounded<'_> {
    fn inner(&mut self) -> Bounded<'_> {
        Bounded { left: self.left, depth: self.depth.saturating_sub(1) }
    }

    /// Takes so much of what is left.
    fn spend<E: Error>(&mut self, bytes: usize) -> Result<(), E> {
        let left = self.left.checked_sub(bytes).filter(|_| self.depth > 0);
        *self.left = left.unwrap_or_default();
        left.map(drop).ok_or_else(|| E::custom("too many values"))
    }
}

impl<'de> DeserializeSeed<'de> for Bounded<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(mut self, reader: D) -> Result<Value, D::Error> {
        self.spend(0)?;
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Bounded<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(mut self, text: &str) -> Result<Value, E> {
        let text = crate::sys::text::cut(text, TEXT);
        self.spend(HEAP + text.len())?;
        Ok(Value::String(text.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while values.len() < ITEMS {
            self.spend(SLOT)?;
            match list.next_element_seed(self.inner())? {
                Some(value) => values.push(value),
                None => return Ok(Value::Array(values)),
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut object: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = object.next_key::<String>()? {
            if UNUSED.contains(&name.as_str()) {
                object.next_value::<IgnoredAny>()?;
                continue;
            }
            let place = match fields.len() {
                0 => LEAF,
                LEAF_FIELDS.. => FIELD,
                _ => 0,
            };
            self.spend(place + HEAP + name.len())?;
            let value = object.next_value_seed(self.inner())?;
            fields.insert(name, value);
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_is_read_as_it_stands() {
        let text = r#"{"a": [1, -2, 3.5, true, null, "三体\n"], "b": {"c": {}}, "": []}"#;
        let plain: Value = serde_json::from_str(text).unwrap();
        assert_eq!(read(text.as_bytes()).unwrap(), plain);
        let with_more = r#"{"title": "t", "author_intro": {"x": [1, 2]}, "tags": [{"a": 1}]}"#;
        assert_eq!(read(with_more.as_bytes()).unwrap(), serde_json::json!({"title": "t"}));
    }

    #[test]
    fn what_is_none_says_why() {
        let fields: String = (0..20_000).map(|n| format!("\"{n}\":0,")).collect();
        for (body, why) in [
            ("", "CutShort"),
            ("{\"a\": ", "CutShort"),
            ("<html>", "NotJson"),
            ("{} {}", "NotJson"),
            (&"[".repeat(200_000), "TooMany"),
            (&format!("[{}0]", "[{},{}],".repeat(40_000)), "ok: 1000 lists"),
            (&format!("{{{}\"\":0}}", "\"a\":{},".repeat(40_000)), "ok: 0 lists"),
            (&format!("{{{fields}\"\":0}}"), "TooMany"),
        ] {
            let read = read(body.as_bytes()).map(|value| value.as_array().map_or(0, Vec::len));
            let told = match read {
                Ok(lists) => format!("ok: {lists} lists"),
                Err(error) => format!("{error:?}"),
            };
            assert_eq!(told, why, "{}", body.get(..20.min(body.len())).unwrap_or_default());
        }
    }

    #[test]
    fn lists_and_texts_end() {
        let list = format!("[{}0]", "{},".repeat(5_000));
        assert_eq!(read(list.as_bytes()).unwrap().as_array().map(Vec::len), Some(ITEMS));
        let text = format!("\"{}\"", "书".repeat(5_000));
        assert_eq!(read(text.as_bytes()).unwrap().as_str().map(str::len), Some(TEXT - 1));
    }
}
