//! What is below a rule's path, as values that can be compared: the sync is the difference of two trees.

use super::rules::Rule;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// What a path is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link and where it points.
    Link(PathBuf),
}

/// Something below a rule's path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// Bytes; 0 for what is no file.
    pub size: u64,
    /// Permission bits.
    pub mode: u32,
    /// When it was last written, in nanoseconds since 1970.
    pub modified_nano: i128,
}

/// Everything that counts below a rule's path, by relative path.
pub type Tree = BTreeMap<PathBuf, Entry>;

/// What turns one tree into another: the deletions come first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// Paths to take away, with all below them.
    pub delete: Vec<PathBuf>,
    /// Paths to bring, folders before what is in them.
    pub put: Vec<PathBuf>,
}

impl Difference {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.delete.is_empty() && self.put.is_empty()
    }

    /// How many paths it is about.
    pub fn len(&self) -> usize {
        self.delete.len() + self.put.len()
    }
}

/// Reads what a path is; `None` when it is gone, or nothing that travels (a socket, a device).
pub fn entry(path: &Path) -> Option<Entry> {
    let metadata = std::fs::symlink_metadata(path).ok()?;
    let kind = if metadata.is_symlink() {
        Kind::Link(std::fs::read_link(path).ok()?)
    } else if metadata.is_dir() {
        Kind::Folder
    } else if metadata.is_file() {
        Kind::File
    } else {
        return None;
    };
    Some(Entry {
        size: if kind == Kind::File { metadata.len() } else { 0 },
        mode: metadata.permissions().mode() & 0o7777,
        modified_nano: i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec()),
        kind,
    })
}

/// Everything that counts under a rule.
pub fn scan(rule: &Rule) -> Tree {
    let mut tree = Tree::new();
    add(rule, &rule.root, &mut tree);
    tree
}

/// Looks again at one path and all below it.
pub fn refresh(rule: &Rule, path: &Path, tree: &mut Tree) {
    let Ok(relative) = path.strip_prefix(&rule.root) else { return };
    let old: Vec<PathBuf> = below(tree, relative).map(|(path, _)| path.clone()).collect();
    for path in old {
        tree.remove(&path);
    }
    add(rule, path, tree);
}

fn add(rule: &Rule, path: &Path, tree: &mut Tree) {
    let Some(entry) = entry(path) else { return };
    let is_folder = entry.kind == Kind::Folder;
    if let Some(relative) = rule.relative(path) {
        tree.insert(relative, entry);
    }
    if is_folder && rule.enters(path) {
        // A folder that vanishes while it is read is empty; its event is on the way.
        for child in std::fs::read_dir(path).into_iter().flatten().flatten() {
            add(rule, &child.path(), tree);
        }
    }
}

/// A path and everything below it.
pub fn below<'tree>(
    tree: &'tree Tree,
    path: &'tree Path,
) -> impl Iterator<Item = (&'tree PathBuf, &'tree Entry)> {
    tree.range(path.to_owned()..).take_while(move |(found, _)| found.starts_with(path))
}

/// Paths that are not the same in both.
pub fn changes(before: &Tree, after: &Tree) -> BTreeSet<PathBuf> {
    let gone = before.keys().filter(|path| !after.contains_key(*path));
    let other = after.iter().filter(|(path, entry)| before.get(*path) != Some(entry)).map(|(path, _)| path);
    gone.chain(other).cloned().collect()
}

/// What has to be done to a place that has `delivered` so that it has `wanted`, below the given paths. What was `touched` goes
/// again even when it looks the same: two writes may fall into one tick of the file system's clock.
pub fn difference(delivered: &Tree, wanted: &Tree, within: &BTreeSet<PathBuf>, touched: bool) -> Difference {
    let mut difference = Difference::default();
    for prefix in within {
        let mut last_deleted: Option<&PathBuf> = None;
        let mut swapped: BTreeSet<&PathBuf> = BTreeSet::new();
        for (path, old) in below(delivered, prefix) {
            let inside = last_deleted.is_some_and(|folder| path.starts_with(folder));
            let new = wanted.get(path);
            if new.is_some_and(|new| may_become(&old.kind, &new.kind)) || inside {
                continue;
            }
            difference.delete.push(path.clone());
            last_deleted = Some(path);
            if new.is_some() {
                swapped.insert(path);
            }
        }
        for (path, new) in below(wanted, prefix) {
            let old = delivered.get(path).filter(|_| !swapped.contains(path));
            let differs = match (old, &new.kind) {
                (None, _) => true,
                (Some(old), Kind::Folder) => old.mode != new.mode,
                (Some(old), Kind::Link(_)) => old.kind != new.kind,
                (Some(old), Kind::File) => old != new || touched,
            };
            if differs {
                difference.put.push(path.clone());
            }
        }
    }
    difference.delete.sort();
    difference.delete.dedup();
    difference.put.sort();
    difference.put.dedup();
    difference
}

/// Whether one thing can be written over another: a folder and what is none exclude each other.
fn may_become(old: &Kind, new: &Kind) -> bool {
    (*old == Kind::Folder) == (*new == Kind::Folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(entries: &[(&str, Kind, u64)]) -> Tree {
        let entry = |kind: &Kind, size| Entry { kind: kind.clone(), size, mode: 0o644, modified_nano: 0 };
        entries.iter().map(|(path, kind, size)| (PathBuf::from(path), entry(kind, *size))).collect()
    }

    fn check(delivered: &[(&str, Kind, u64)], wanted: &[(&str, Kind, u64)], delete: &[&str], put: &[&str]) {
        let whole = BTreeSet::from([PathBuf::new()]);
        let found = difference(&tree(delivered), &tree(wanted), &whole, false);
        let paths = |list: &[&str]| list.iter().map(PathBuf::from).collect::<Vec<_>>();
        assert_eq!(found, Difference { delete: paths(delete), put: paths(put) });
    }

    #[test]
    fn what_is_new_or_differs_is_brought_and_what_is_gone_is_taken_away() {
        let before = [("a", Kind::File, 1), ("b", Kind::File, 1), ("c", Kind::File, 1)];
        check(&before, &before, &[], &[]);
        check(
            &before,
            &[("a", Kind::File, 1), ("b", Kind::File, 2), ("d", Kind::File, 1)],
            &["c"],
            &["b", "d"],
        );
    }

    #[test]
    fn a_folder_that_goes_is_one_deletion_and_a_swap_is_a_deletion_first() {
        let folder = [("d", Kind::Folder, 0), ("d/x", Kind::File, 1), ("d/y", Kind::File, 1)];
        check(&folder, &[], &["d"], &[]);
        check(&folder, &[("d", Kind::File, 3)], &["d"], &["d"]);
        check(&[("d", Kind::File, 3)], &folder, &["d"], &["d", "d/x", "d/y"]);
    }

    #[test]
    fn only_what_is_below_the_given_paths_is_looked_at() {
        let before = tree(&[("a/x", Kind::File, 1), ("ab", Kind::File, 1)]);
        let after = tree(&[("a/x", Kind::File, 2), ("ab", Kind::File, 2)]);
        let within = BTreeSet::from([PathBuf::from("a")]);
        assert_eq!(difference(&before, &after, &within, false).put, [PathBuf::from("a/x")]);
    }

    #[test]
    fn what_came_went_or_became_another_is_a_change() {
        let before = tree(&[("gone", Kind::File, 1), ("other", Kind::File, 1), ("same", Kind::Folder, 0)]);
        let after = tree(&[("new", Kind::Folder, 0), ("other", Kind::File, 2), ("same", Kind::Folder, 0)]);
        assert_eq!(changes(&before, &after), ["gone", "new", "other"].map(PathBuf::from).into());
    }

    #[test]
    fn what_was_touched_goes_again_even_when_it_looks_the_same() {
        let same = tree(&[("a", Kind::File, 1), ("f", Kind::Folder, 0)]);
        let within = BTreeSet::from([PathBuf::from("a"), PathBuf::from("f")]);
        assert_eq!(difference(&same, &same, &within, true).put, [PathBuf::from("a")]);
    }
}
