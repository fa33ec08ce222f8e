//! Safe events over libyaml's parser, each with its byte range.
//!
//! In: text. Out: [`Event`]s, or the [`SyntaxError`] that ended them. This is the one file with `unsafe`: it owns the
//! C-style parser, copies every text out of an event before the event is freed, and hands out no pointer. Deliberately
//! absent: anchors, tags and values mean nothing here.

use super::Text;
use std::ffi::CStr;
use std::mem::MaybeUninit;
#[expect(
    clippy::unsafe_removed_from_name,
    reason = "the functions stay unsafe to call; a short name keeps lines short"
)]
use unsafe_libyaml as sys;

/// What the parser saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum EventKind {
    /// The end of the text.
    StreamEnd,
    /// A document begins.
    DocumentStart,
    /// A document ends.
    DocumentEnd,
    /// `*name`.
    Alias(String),
    /// A scalar.
    Scalar { properties: Properties, text: Text, plain: bool },
    /// A list begins.
    SequenceStart(Properties),
    /// A list ends.
    SequenceEnd,
    /// A mapping begins.
    MappingStart(Properties),
    /// A mapping ends.
    MappingEnd,
}

/// What may stand before a value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Properties {
    /// `&name`.
    pub anchor: Option<String>,
    /// `!tag`, resolved: `!!str` is `tag:yaml.org,2002:str`.
    pub tag: Option<String>,
}

/// One event and the bytes it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    pub kind: EventKind,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// Why the text is not YAML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SyntaxError {
    /// The parser's words.
    pub problem: String,
    /// The byte where it gave up.
    pub at: u32,
    /// What it was in the middle of, and where that began.
    pub context: Option<(String, u32)>,
}

/// The events of a text, one by one.
pub(super) struct Events<'text> {
    /// Boxed: the parser must not move while it holds pointers into itself.
    parser: Box<MaybeUninit<sys::yaml_parser_t>>,
    text: &'text str,
    done: bool,
}

impl<'text> Events<'text> {
    /// Starts on a text; `None` when the parser cannot be set up (out of memory).
    #[expect(
        unsafe_code,
        reason = "libyaml's parser is a C-style API; this wrapper owns it and keeps it in place"
    )]
    pub fn new(text: &'text str) -> Option<Self> {
        let mut parser = Box::new(MaybeUninit::<sys::yaml_parser_t>::uninit());
        // SAFETY: `parser` points to writable memory of the right layout; after `initialize` succeeds it is a valid
        // parser. The input outlives the parser, because `Self` borrows `text`.
        let ready = unsafe {
            if sys::yaml_parser_initialize(parser.as_mut_ptr()).fail {
                false
            } else {
                sys::yaml_parser_set_encoding(parser.as_mut_ptr(), sys::YAML_UTF8_ENCODING);
                let size = u64::try_from(text.len()).unwrap_or(0);
                sys::yaml_parser_set_input_string(parser.as_mut_ptr(), text.as_ptr(), size);
                true
            }
        };
        ready.then(|| Self { parser, text, done: false })
    }

    /// The next event. After [`EventKind::StreamEnd`] or an error there is nothing more: it says `StreamEnd` again.
    #[expect(
        unsafe_code,
        reason = "libyaml's events are tagged unions of pointers; texts are copied out, then freed"
    )]
    pub fn next(&mut self) -> Result<Event, SyntaxError> {
        loop {
            if self.done {
                let end = offset(self.text.len());
                return Ok(Event { kind: EventKind::StreamEnd, start: end, end });
            }
            let mut raw = MaybeUninit::<sys::yaml_event_t>::uninit();
            // SAFETY: `parser` was initialised in `new` and is not used after an error (`done`). On success `raw` is a
            // valid event: the union member read is the one that `type_` names, its pointers are null or
            // NUL-terminated (scalars: `length` bytes), and they are copied before `yaml_event_delete`.
            let read = unsafe {
                if sys::yaml_parser_parse(self.parser.as_mut_ptr(), raw.as_mut_ptr()).fail {
                    None
                } else {
                    let event = raw.assume_init_mut();
                    let kind = match event.type_ {
                        sys::YAML_DOCUMENT_START_EVENT => Some(EventKind::DocumentStart),
                        sys::YAML_DOCUMENT_END_EVENT => Some(EventKind::DocumentEnd),
                        sys::YAML_STREAM_END_EVENT => Some(EventKind::StreamEnd),
                        sys::YAML_SEQUENCE_END_EVENT => Some(EventKind::SequenceEnd),
                        sys::YAML_MAPPING_END_EVENT => Some(EventKind::MappingEnd),
                        sys::YAML_ALIAS_EVENT => {
                            Some(EventKind::Alias(copy(event.data.alias.anchor).unwrap_or_default()))
                        }
                        sys::YAML_SCALAR_EVENT => {
                            let data = event.data.scalar;
                            let length = usize::try_from(data.length).unwrap_or(0);
                            let bytes = std::slice::from_raw_parts(data.value.cast_const(), length);
                            Some(EventKind::Scalar {
                                properties: Properties { anchor: copy(data.anchor), tag: copy(data.tag) },
                                text: text_of(bytes),
                                plain: data.style == sys::YAML_PLAIN_SCALAR_STYLE,
                            })
                        }
                        sys::YAML_SEQUENCE_START_EVENT => {
                            let data = event.data.sequence_start;
                            Some(EventKind::SequenceStart(Properties {
                                anchor: copy(data.anchor),
                                tag: copy(data.tag),
                            }))
                        }
                        sys::YAML_MAPPING_START_EVENT => {
                            let data = event.data.mapping_start;
                            Some(EventKind::MappingStart(Properties {
                                anchor: copy(data.anchor),
                                tag: copy(data.tag),
                            }))
                        }
                        // Stream start, and "no event": nothing to tell.
                        sys::YAML_NO_EVENT | sys::YAML_STREAM_START_EVENT | _ => None,
                    };
                    let marks = (event.start_mark.index, event.end_mark.index);
                    sys::yaml_event_delete(event);
                    Some((kind, marks))
                }
            };
            let Some((kind, (start, end))) = read else {
                self.done = true;
                return Err(self.error());
            };
            self.done = kind == Some(EventKind::StreamEnd);
            if let Some(kind) = kind {
                return Ok(Event { kind, start: self.byte(start), end: self.byte(end) });
            }
        }
    }

    /// Marks are byte offsets in this port of libyaml (the C original counts characters).
    fn byte(&self, index: u64) -> u32 {
        u32::try_from(index).unwrap_or(u32::MAX).min(offset(self.text.len()))
    }

    #[expect(
        unsafe_code,
        reason = "reads the parser's error fields, which libyaml fills before it reports a failure"
    )]
    fn error(&self) -> SyntaxError {
        // SAFETY: the parser is initialised; `problem` and `context` are null or static NUL-terminated texts.
        unsafe {
            let parser = self.parser.assume_init_ref();
            let problem = copy(parser.problem.cast::<u8>().cast_mut());
            let context = copy(parser.context.cast::<u8>().cast_mut());
            let at = if parser.error == sys::YAML_READER_ERROR {
                self.byte(parser.problem_offset)
            } else {
                self.byte(parser.problem_mark.index)
            };
            SyntaxError {
                problem: problem.unwrap_or_else(|| "the text ends too early".to_owned()),
                at,
                context: context.map(|context| (context, self.byte(parser.context_mark.index))),
            }
        }
    }
}

impl Drop for Events<'_> {
    #[expect(unsafe_code, reason = "frees what `new` made")]
    fn drop(&mut self) {
        // SAFETY: `Self` only exists with an initialised parser, and this is the one place that frees it.
        unsafe { sys::yaml_parser_delete(self.parser.as_mut_ptr()) }
    }
}

/// Copies a NUL-terminated text; `None` for a null pointer.
#[expect(unsafe_code, reason = "the one reader of libyaml's C strings")]
unsafe fn copy(text: *mut u8) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: the caller says that `text` is NUL-terminated and alive for the length of this call.
    let text = unsafe { CStr::from_ptr(text.cast_const().cast()) };
    Some(text.to_string_lossy().into_owned())
}

/// Scalars are UTF-8, because the parser's input is; checking that is quicker than replacing what is not.
fn text_of(bytes: &[u8]) -> Text {
    std::str::from_utf8(bytes).map_or_else(|_error| String::from_utf8_lossy(bytes).into(), Text::from)
}

fn offset(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::{EventKind, Events};

    fn scalars(text: &str) -> Vec<(String, String)> {
        let mut events = Events::new(text).unwrap();
        let mut found = Vec::new();
        loop {
            let event = events.next().unwrap();
            if event.kind == EventKind::StreamEnd {
                return found;
            }
            if let EventKind::Scalar { text: value, .. } = event.kind {
                let range = usize::try_from(event.start).unwrap()..usize::try_from(event.end).unwrap();
                found.push((value.to_string(), text.get(range).unwrap().to_owned()));
            }
        }
    }

    #[test]
    fn spans_are_bytes_even_after_wide_characters() {
        let found = scalars("é: \"ü\"\nk: 'v'\n");
        let expected = [("é", "é"), ("ü", "\"ü\""), ("k", "k"), ("v", "'v'")];
        assert_eq!(found, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    }

    #[test]
    fn a_mistake_says_where() {
        let mut events = Events::new("a: [1, 2\nb: 3\n").unwrap();
        let error = loop {
            match events.next() {
                Ok(event) => assert_ne!(event.kind, EventKind::StreamEnd),
                Err(error) => break error,
            }
        };
        assert_eq!(error.problem, "did not find expected ',' or ']'");
        assert_eq!(events.next().unwrap().kind, EventKind::StreamEnd);
    }
}
