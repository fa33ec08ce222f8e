//! The address of a node in a tree.

use std::fmt;

/// One step down a tree.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PathSegment {
    /// Into a mapping.
    Key(String),
    /// Into a list.
    Index(usize),
}

/// The address of a node: `services.web.ports[2]`. Keys keep their dots; only the text form is ambiguous.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodePath(pub Vec<PathSegment>);

impl NodePath {
    /// This address followed by a key.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        let mut path = self.clone();
        path.0.push(PathSegment::Key(key.to_owned()));
        path
    }

    /// This address followed by a list index.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        let mut path = self.clone();
        path.0.push(PathSegment::Index(index));
        path
    }

    /// An address of keys only.
    pub fn of(keys: &[&str]) -> Self {
        Self(keys.iter().map(|key| PathSegment::Key((*key).to_owned())).collect())
    }
}

impl fmt::Display for NodePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.0.iter().enumerate() {
            match segment {
                PathSegment::Key(key) if position == 0 => formatter.write_str(key)?,
                PathSegment::Key(key) => write!(formatter, ".{key}")?,
                PathSegment::Index(index) => write!(formatter, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// An address that is being walked: it lives on the stack and costs nothing until somebody wants it as a [`NodePath`].
#[derive(Debug, Clone, Copy, Default)]
pub struct Trail<'walk> {
    /// Where this one goes on from; nothing at the root.
    from: Option<(&'walk Self, Step<'walk>)>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'walk> {
    Key(&'walk str),
    Index(usize),
}

impl Trail<'_> {
    /// This address followed by a key.
    #[must_use]
    pub fn key<'walk>(&'walk self, key: &'walk str) -> Trail<'walk> {
        Trail { from: Some((self, Step::Key(key))) }
    }

    /// This address followed by a list index.
    #[must_use]
    pub fn index(&self, index: usize) -> Trail<'_> {
        Trail { from: Some((self, Step::Index(index))) }
    }

    /// Whether this is the root.
    pub fn is_root(&self) -> bool {
        self.from.is_none()
    }

    /// The address to keep.
    pub fn path(&self) -> NodePath {
        let mut path = self.from.map(|(around, _)| around.path()).unwrap_or_default();
        match self.from {
            Some((_, Step::Key(key))) => path.0.push(PathSegment::Key(key.to_owned())),
            Some((_, Step::Index(index))) => path.0.push(PathSegment::Index(index)),
            None => {}
        }
        path
    }
}

impl fmt::Display for Trail<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path().fmt(formatter)
    }
}

/// Rows addressed by path patterns such as `services.*.ports`: `*` stands for any key or list item, `[]` for a list item.
///
/// A trie that is walked alongside a tree, so that a look-up costs one step a level however many rows there are.
#[derive(Debug, Clone)]
pub struct PatternTable<T> {
    nodes: Vec<PatternNode<T>>,
}

#[derive(Debug, Clone)]
struct PatternNode<T> {
    /// Ordered by length, then text: most look-ups find nothing, and lengths tell that without comparing texts.
    children: Vec<(&'static str, usize)>,
    /// The child for any key or list item (`*`).
    any: Option<usize>,
    /// The child for list items only (`[]`).
    item: Option<usize>,
    row: Option<T>,
}

impl<T> PatternNode<T> {
    fn new() -> Self {
        Self { children: Vec::new(), any: None, item: None, row: None }
    }

    fn slot(&mut self, segment: &str) -> Option<&mut Option<usize>> {
        match segment {
            "*" => Some(&mut self.any),
            "[]" => Some(&mut self.item),
            _ => None,
        }
    }
}

impl<T> PatternTable<T> {
    /// A table of `(pattern, row)`. When a key is matched by a row that names it and by one with `*`, the named one wins.
    pub fn new(rows: impl IntoIterator<Item = (&'static str, T)>) -> Self {
        let mut table = Self { nodes: vec![PatternNode::new()] };
        for (pattern, row) in rows {
            let mut at = 0;
            for segment in pattern.split('.').filter(|segment| !segment.is_empty()) {
                at = table.child_or_new(at, segment);
            }
            if let Some(node) = table.nodes.get_mut(at) {
                node.row = Some(row);
            }
        }
        table
    }

    fn child_or_new(&mut self, at: usize, segment: &'static str) -> usize {
        let new = self.nodes.len();
        let Some(node) = self.nodes.get_mut(at) else { return at };
        let child = match node.slot(segment) {
            Some(slot) => *slot.get_or_insert(new),
            None => match node.children.binary_search_by(|(name, _)| order(name, segment)) {
                Ok(position) => node.children.get(position).map_or(at, |(_, index)| *index),
                Err(position) => {
                    node.children.insert(position, (segment, new));
                    new
                }
            },
        };
        if child == new {
            self.nodes.push(PatternNode::new());
        }
        child
    }

    /// The place of the tree's root.
    pub fn root(&self) -> Place<'_, T> {
        Place { table: self, at: Some(0) }
    }
}

fn order(one: &str, other: &str) -> std::cmp::Ordering {
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

/// Where a walk through a tree stands in a [`PatternTable`].
#[derive(Debug)]
pub struct Place<'table, T> {
    table: &'table PatternTable<T>,
    at: Option<usize>,
}

impl<T> Clone for Place<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Place<'_, T> {}

impl<'table, T> Place<'table, T> {
    /// One step into a mapping.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        let at = self.node().and_then(|node| {
            let named = node.children.binary_search_by(|(name, _)| order(name, key)).ok();
            named.and_then(|position| node.children.get(position)).map(|(_, index)| *index).or(node.any)
        });
        Self { at, ..self }
    }

    /// One step into a list.
    #[must_use]
    pub fn item(self) -> Self {
        let at = self.node().and_then(|node| node.item.or(node.any));
        Self { at, ..self }
    }

    fn node(self) -> Option<&'table PatternNode<T>> {
        self.table.nodes.get(self.at?)
    }

    /// The row of this very path.
    pub fn row(self) -> Option<&'table T> {
        self.node()?.row.as_ref()
    }

    /// Whether no row is here or below: a walk may turn back.
    pub fn is_end(self) -> bool {
        self.node().is_none_or(|node| node.children.is_empty() && node.any.is_none() && node.item.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::PatternTable;

    #[test]
    fn a_walk_finds_the_row_of_its_path() {
        let table = PatternTable::new([
            ("services.*.ports.[].target", 1),
            ("services.*.build", 2),
            ("services.*.build.args", 3),
        ]);
        let service = table.root().key("services").key("a.b");
        assert_eq!(service.key("ports").item().key("target").row(), Some(&1));
        assert_eq!(service.key("ports").key("0").key("target").row(), None);
        assert_eq!(service.key("build").row(), Some(&2));
        assert_eq!(service.key("build").key("args").row(), Some(&3));
        assert!(service.key("image").is_end());
        assert!(!service.key("build").is_end());
    }

    #[test]
    fn a_named_row_wins_over_a_star() {
        let table = PatternTable::new([("a.*", 1), ("a.b", 2)]);
        assert_eq!(table.root().key("a").key("b").row(), Some(&2));
        assert_eq!(table.root().key("a").key("c").row(), Some(&1));
    }
}
