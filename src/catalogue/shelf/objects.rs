//! JSON Lines: one object a line.
//!
//! In: the text of a file, a block at a time. Out: what each object says of a book, or why it cannot
//! be served. No longer line is read than a book could need. No I/O.

use serde_json::{Map, Value};

use super::fields::Line;
use super::names::{Column, Known};
use super::report::{Met, Understood};
use super::table;

/// Bytes of the longest line: the values of an object may take ninety times as many.
const LONGEST: usize = 256 * 1024;

/// Reads objects; `meet` gets each line's number and what it is.
///
/// # Errors
/// What `meet` says.
pub(super) fn read<M: FnMut(&mut String) -> bool>(
    mut more: M,
    understood: &mut Understood,
    meet: &mut dyn FnMut(&mut Understood, usize, Met) -> Result<(), String>,
) -> Result<(), String> {
    let (mut text, mut number, mut ended) = (String::new(), 0, false);
    let mut known = Known::default();
    while !ended {
        ended = !more(&mut text);
        let mut from = 0;
        while let Some(rest) = text.get(from..).filter(|rest| !rest.is_empty()) {
            let Some(end) =
                rest.find('\n').or_else(|| (ended || rest.len() > LONGEST).then_some(rest.len()))
            else {
                break;
            };
            number += 1;
            let line = rest.get(..end).unwrap_or_default().trim();
            from += end + 1;
            if !line.is_empty() {
                let met = object(line, &mut known, understood.damages());
                meet(understood, number, met)?;
            }
        }
        text.drain(..from.min(text.len()));
    }
    let own = known.own;
    for (name, column) in known.met() {
        understood
            .column(name, table::column(column.map(|c| (c, usize::MAX)), own).map(|(c, _)| c));
    }
    Ok(())
}

fn object(line: &str, known: &mut Known, damages: bool) -> Met {
    let fields: Map<String, Value> = match serde_json::from_str(line) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) => {
            return Met::Bad(
                "not an object; each line is one, such as {\"title\": \"…\"}".to_owned(),
            );
        }
        Err(error) => {
            return Met::Bad(format!(
                "not JSON at column {}; each line is one object, such as {{\"title\": \"…\"}}",
                error.column()
            ));
        }
    };
    let mut texts: Vec<((Column, usize), String)> = Vec::with_capacity(fields.len());
    for (name, value) in &fields {
        let found = known.named(name);
        if let Some(found) = table::column(found, known.own) {
            texts.push((found, text(value)));
        }
    }
    texts.sort_by_key(|(found, _)| *found);
    let damaged = damages && table::leave_out_damaged(texts.iter_mut().map(|(_, text)| text));
    Met::of(Line::new(texts.iter().map(|((column, _), text)| (*column, &**text)), false), damaged)
}

/// A JSON value as a cell would have it.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Array(list) => list.iter().map(text).collect::<Vec<_>>().join("/"),
        // Douban's {"average": "8.9", "numRaters": 1234} and {"id": …, "title": "a series"}.
        Value::Object(map) => {
            let part = |name| map.get(name).map(text);
            match (part("title"), part("average")) {
                (Some(title), _) => title,
                (None, Some(average)) => {
                    format!("{average}:{}", part("numRaters").unwrap_or_default())
                }
                (None, None) => String::new(),
            }
        }
        Value::Null | Value::Bool(_) => String::new(),
    }
}
