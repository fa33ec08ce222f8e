//! How a load goes on behind a mistake: what is broken is cut out of the tree, and later findings that may be its
//! consequences are dropped.
//!
//! In: the findings that a stage made, and the tree it worked on. Out: the tree without the values they point at, so
//! that every later stage may rely on what this one checked, and [`Gaps`] for checks that take offence at what is
//! missing. A load without errors never comes here. Deliberately absent: any decision whether a file is accepted; a
//! finding is only ever dropped when another one stays.

use crate::model::check::Gaps;
use crate::source::{Code, Diagnostic, Diagnostics, Severity, SourceId, Span};
use crate::yaml::{Data, Mapping, Node, NodePath, PathSegment};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Findings that a resource lacks something.
const LACKS: [&str; 3] = ["missing-attribute", "no-source", "incomplete"];

/// Findings that a name means nothing.
const UNKNOWN: [&str; 4] = ["unknown-base", "undefined-reference", "inactive-dependency", "unknown-service"];

/// Findings of which one place has at most one, however many services have the value from there.
const OF_A_PLACE: [&str; 10] = [
    "unknown-attribute",
    "wrong-kind",
    "wrong-value",
    "invalid-value",
    "invalid-name",
    "invalid-port",
    "invalid-volume",
    "invalid-device",
    "undefined-reference",
    "repeated-item",
];

/// How many places that no value has are looked up one by one.
const MAX_LOOK_UPS: usize = 200;

/// What was cut out so far.
#[derive(Debug, Default)]
pub struct Damage {
    pub gaps: Gaps,
    /// How many findings were looked through.
    handled: usize,
    /// The places of the errors among them.
    errors: Places,
    /// Code and place of errors that a place has once.
    told: HashSet<(Code, Span)>,
    /// How many places were looked up one by one.
    look_ups: usize,
    /// Values that hang on something that was lost, to be cut out without a word.
    lost: Vec<Span>,
}

impl Damage {
    /// Looks through the findings that were made since the last call: consequences of earlier ones go, and what the
    /// others point at is cut out of `tree`.
    pub fn settle(&mut self, tree: &mut Mapping, span: Span, diagnostics: &mut Diagnostics) {
        if diagnostics.len() == self.handled && self.lost.is_empty() {
            return;
        }
        let mut whole = Node::new(span, Data::Mapping(std::mem::take(tree)));
        let elsewhere = self.cut(&mut whole, diagnostics);
        for span in elsewhere {
            self.note(&whole, span);
        }
        if let Data::Mapping(mapping) = whole.data {
            *tree = mapping;
        }
    }

    /// The same, when findings about other texts mean nothing for the rest of this tree.
    pub fn settle_here(&mut self, tree: &mut Mapping, span: Span, diagnostics: &mut Diagnostics) {
        if diagnostics.len() == self.handled && self.lost.is_empty() {
            return;
        }
        let mut whole = Node::new(span, Data::Mapping(std::mem::take(tree)));
        drop(self.cut(&mut whole, diagnostics));
        if let Data::Mapping(mapping) = whole.data {
            *tree = mapping;
        }
    }

    /// Cuts what new findings point at out of a tree; the places that no value of it has.
    fn cut(&mut self, tree: &mut Node, diagnostics: &mut Diagnostics) -> Vec<Span> {
        let fresh = self.fresh(tree, diagnostics);
        self.lost.extend_from_slice(&fresh);
        let mut cut = Cut::new(&std::mem::take(&mut self.lost));
        cut.node(tree);
        for path in &cut.paths {
            self.gaps.note(path);
        }
        fresh.into_iter().filter(|span| !cut.met.contains(span)).collect()
    }

    /// The same for findings about what is in no tree: whatever else is missing may be their consequence.
    pub fn settle_all(&mut self, diagnostics: &mut Diagnostics) {
        if diagnostics.len() != self.handled {
            let nowhere = Node::synthetic(Data::Null);
            if !self.fresh(&nowhere, diagnostics).is_empty() {
                self.gaps.note_all();
            }
        }
    }

    /// The same for findings about a tree that stays as it is.
    pub fn settle_in(&mut self, tree: &Node, diagnostics: &mut Diagnostics) {
        if diagnostics.len() != self.handled {
            for span in self.fresh(tree, diagnostics) {
                self.note(tree, span);
            }
        }
    }

    /// Notes something that is in the tree no more, such as the second of two equal keys.
    fn note(&mut self, tree: &Node, span: Span) {
        self.look_ups += 1;
        match smallest(tree, span).filter(|_| self.look_ups < MAX_LOOK_UPS) {
            Some(path) => self.gaps.note(&path),
            None => self.gaps.note_all(),
        }
    }

    /// The value at a place hangs on something that was lost.
    pub fn lose(&mut self, span: Span) {
        self.lost.push(span);
    }

    /// The same for findings that leave nothing else missing.
    pub fn accept(&mut self, diagnostics: &mut Diagnostics) {
        drop(self.fresh(&Node::synthetic(Data::Null), diagnostics));
    }

    /// Drops consequences among the new findings; the places of the errors that stay.
    fn fresh(&mut self, tree: &Node, diagnostics: &mut Diagnostics) -> Vec<Span> {
        let mut places = Vec::new();
        for item in diagnostics.split_off(self.handled) {
            if item.severity == Severity::Error {
                if self.is_consequence(&item, tree) {
                    continue;
                }
                places.push(item.primary.span);
            }
            diagnostics.push(item);
        }
        for place in &places {
            self.errors.add(*place);
        }
        self.handled = diagnostics.len();
        places
    }

    fn is_consequence(&mut self, item: &Diagnostic, tree: &Node) -> bool {
        let span = item.primary.span;
        if UNKNOWN.contains(&item.code.0) && self.gaps.may_declare("services", "") {
            return true;
        }
        if LACKS.contains(&item.code.0) && !self.gaps.is_empty() {
            self.look_ups += 1;
            let path = smallest(tree, span).filter(|_| self.look_ups < MAX_LOOK_UPS).unwrap_or_default();
            if path.0.is_empty() || self.gaps.hides(&path) {
                return true;
            }
        }
        if !span.is_some() {
            return false;
        }
        let again = OF_A_PLACE.contains(&item.code.0) && !self.told.insert((item.code, span));
        again || self.errors.overlaps(span)
    }
}

/// Places in texts, those that overlap joined.
#[derive(Debug, Default)]
struct Places {
    /// End by start, for each text.
    ranges: HashMap<SourceId, BTreeMap<u32, u32>>,
}

impl Places {
    fn add(&mut self, span: Span) {
        if !span.is_some() {
            return;
        }
        let ranges = self.ranges.entry(span.source).or_default();
        let (mut start, mut end) = (span.start, span.end.max(span.start + 1));
        while let Some((known_start, known_end)) = ranges
            .range(..end)
            .next_back()
            .map(|(start, end)| (*start, *end))
            .filter(|(_, known)| *known > start)
        {
            ranges.remove(&known_start);
            start = start.min(known_start);
            end = end.max(known_end);
        }
        ranges.insert(start, end);
    }

    fn overlaps(&self, span: Span) -> bool {
        let end = span.end.max(span.start + 1);
        let before = self.ranges.get(&span.source).and_then(|ranges| ranges.range(..end).next_back());
        before.is_some_and(|(_, known)| *known > span.start)
    }
}

/// Takes the values at some places out of a tree.
struct Cut {
    exact: HashSet<Span>,
    /// Starts of the places, by text: a scalar around one is cut out as well.
    starts: HashMap<SourceId, BTreeMap<u32, u32>>,
    met: HashSet<Span>,
    paths: Vec<NodePath>,
    path: Vec<PathSegment>,
}

impl Cut {
    fn new(places: &[Span]) -> Self {
        let mut starts: HashMap<SourceId, BTreeMap<u32, u32>> = HashMap::new();
        for span in places {
            starts.entry(span.source).or_default().insert(span.start, span.end);
        }
        Self {
            exact: places.iter().copied().filter(|span| span.is_some()).collect(),
            starts,
            met: HashSet::new(),
            paths: Vec::new(),
            path: Vec::new(),
        }
    }

    fn node(&mut self, node: &mut Node) {
        match &mut node.data {
            Data::Mapping(mapping) => {
                let mut lost = HashSet::new();
                for (key, entry) in mapping.iter_mut() {
                    self.path.push(PathSegment::Key(key.to_owned()));
                    if self.hit(entry.key_span, false) | self.hit(entry.value.span, is_scalar(&entry.value)) {
                        self.paths.push(NodePath(self.path.clone()));
                        lost.insert(key.to_owned());
                    } else {
                        self.node(&mut entry.value);
                    }
                    self.path.pop();
                }
                if !lost.is_empty() {
                    mapping.retain(|key, _| !lost.contains(key));
                }
            }
            Data::Sequence(items) => {
                let mut index = 0;
                items.retain_mut(|item| {
                    self.path.push(PathSegment::Index(index));
                    index += 1;
                    let hit = self.hit(item.span, is_scalar(item));
                    let before = self.paths.len();
                    if hit {
                        self.paths.push(NodePath(self.path.clone()));
                    } else {
                        self.node(item);
                    }
                    self.path.pop();
                    // An item that lost a part would be another one: a mount without its type, say.
                    self.paths.len() == before
                });
            }
            Data::Null
            | Data::Bool(_)
            | Data::Int(_)
            | Data::UInt(_)
            | Data::Float(_)
            | Data::Timestamp(_)
            | Data::String(_) => {}
        }
    }

    /// Whether something is wrong at a place, or for a scalar in it.
    fn hit(&mut self, span: Span, around: bool) -> bool {
        if self.exact.contains(&span) {
            self.met.insert(span);
            return true;
        }
        let inside = || {
            let (start, end) = self.starts.get(&span.source)?.range(span.start..span.end).next()?;
            (*end <= span.end).then_some(Span { start: *start, end: *end, ..span })
        };
        match Some(()).filter(|()| around).and_then(|()| inside()) {
            Some(inner) => {
                self.met.insert(inner);
                true
            }
            None => false,
        }
    }
}

fn is_scalar(node: &Node) -> bool {
    !matches!(node.data, Data::Mapping(_) | Data::Sequence(_))
}

/// The address of the smallest value (or its key) that was written around a place.
pub fn smallest(tree: &Node, span: Span) -> Option<NodePath> {
    fn walk(node: &Node, span: Span, path: &mut Vec<PathSegment>, best: &mut Option<(u32, NodePath)>) {
        let mut look = |around: Span, path: &[PathSegment]| {
            let holds = around.source == span.source && around.start <= span.start && span.end <= around.end;
            let size = around.end.saturating_sub(around.start);
            if holds && best.as_ref().is_none_or(|(known, _)| size < *known) {
                *best = Some((size, NodePath(path.to_vec())));
            }
        };
        look(node.span, path);
        match &node.data {
            Data::Mapping(mapping) => {
                for (key, entry) in mapping.iter() {
                    path.push(PathSegment::Key(key.to_owned()));
                    look(entry.key_span, path);
                    path.pop();
                }
                for (key, entry) in mapping.iter() {
                    path.push(PathSegment::Key(key.to_owned()));
                    walk(&entry.value, span, path, best);
                    path.pop();
                }
            }
            Data::Sequence(items) => {
                for (index, item) in items.iter().enumerate() {
                    path.push(PathSegment::Index(index));
                    walk(item, span, path, best);
                    path.pop();
                }
            }
            Data::Null
            | Data::Bool(_)
            | Data::Int(_)
            | Data::UInt(_)
            | Data::Float(_)
            | Data::Timestamp(_)
            | Data::String(_) => {}
        }
    }
    if !span.is_some() {
        return None;
    }
    let mut best = None;
    walk(tree, span, &mut Vec::new(), &mut best);
    best.map(|(_, path)| path)
}
