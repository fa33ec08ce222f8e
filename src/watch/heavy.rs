//! Rules that follow very many files, and what to leave out.

use super::rules::Rule;
use super::tree::{Kind, Tree};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// From how many files on a rule is worth a word: more are seldom sources.
const MANY: usize = 10_000;

/// How many folders are named at most.
const NAMED: usize = 3;

/// What to say about a rule that follows more than [`MANY`] files: which folders hold most of them.
pub(super) fn advice(rule: &Rule, tree: &Tree) -> Option<String> {
    // After each batch: nearly all trees are told by their size.
    if tree.len() < MANY {
        return None;
    }
    let files = tree.values().filter(|entry| entry.kind != Kind::Folder).count();
    if files < MANY {
        return None;
    }
    let mut text = format!("{}: {files} files are followed in `{}`", rule.service, rule.root.display());
    let heaviest = heaviest(tree, files);
    if !heaviest.is_empty() {
        let counted: Vec<String> = heaviest
            .iter()
            .map(|(folder, count)| format!("{count} of them in `{}`", folder.display()))
            .collect();
        let ignore: Vec<String> =
            heaviest.iter().map(|(folder, _)| format!("\"{}/\"", folder.display())).collect();
        text.push_str(&format!(
            ", {}; what its container does not need can be left out: `ignore: [{}]`",
            counted.join(", "),
            ignore.join(", ")
        ));
    }
    Some(text)
}

/// The folders that hold more than a tenth of the files each, the fullest first; of nested ones the innermost that holds
/// nearly all of it.
fn heaviest(tree: &Tree, files: usize) -> Vec<(PathBuf, usize)> {
    let mut counts: BTreeMap<&Path, usize> = BTreeMap::new();
    for (path, _) in tree.iter().filter(|(_, entry)| entry.kind != Kind::Folder) {
        for folder in path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty()) {
            *counts.entry(folder).or_default() += 1;
        }
    }
    let is_heavy = |count: usize| count * 10 > files;
    let mut heavy: Vec<(&Path, usize)> = counts
        .iter()
        .filter(|(_, count)| is_heavy(**count))
        .map(|(folder, count)| (*folder, *count))
        .collect();
    let all = heavy.clone();
    // A folder goes where one inside has nearly all of it, and where one around it stays.
    heavy.retain(|(folder, count)| {
        !all.iter()
            .any(|(inner, held)| inner != folder && inner.starts_with(folder) && held * 10 >= count * 9)
    });
    let kept = heavy.clone();
    heavy
        .retain(|(folder, _)| !kept.iter().any(|(around, _)| around != folder && folder.starts_with(around)));
    heavy.sort_by(|(_, one), (_, other)| other.cmp(one));
    heavy.into_iter().take(NAMED).map(|(folder, count)| (folder.to_owned(), count)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::tree::Entry;

    fn tree(folders: &[(&str, usize)]) -> Tree {
        let entry = |kind| Entry { kind, size: 1, mode: 0o644, modified_nano: 0 };
        let mut tree = Tree::new();
        for (folder, count) in folders {
            tree.insert(PathBuf::from(folder), entry(Kind::Folder));
            tree.extend(
                (0..*count).map(|number| (Path::new(folder).join(format!("f{number}")), entry(Kind::File))),
            );
        }
        tree
    }

    #[test]
    fn the_folder_that_holds_nearly_all_is_named_and_not_those_around_or_inside() {
        let tree = tree(&[
            ("web/node_modules/a", 5_000),
            ("web/node_modules/b", 6_000),
            ("web/src", 100),
            ("doc", 50),
        ]);
        assert_eq!(heaviest(&tree, 11_150), [(PathBuf::from("web/node_modules"), 11_000)]);
    }

    #[test]
    fn several_heavy_folders_are_named_the_fullest_first() {
        let tree = tree(&[("a", 4_000), ("b", 7_000), ("c", 200)]);
        assert_eq!(heaviest(&tree, 11_200), [(PathBuf::from("b"), 7_000), (PathBuf::from("a"), 4_000)]);
    }
}
