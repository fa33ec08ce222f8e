//! How much following a project's files takes, told before anything is followed.

use super::rules::{self, Rule};
use crate::model::Project;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What would be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extent {
    /// Where it begins.
    pub roots: Vec<PathBuf>,
    /// How many folders: each takes one of the system's watches.
    pub folders: usize,
    /// By the rules of the stack file; else it is the whole project folder, the most that rules told from Dockerfiles come to.
    pub by_rules: bool,
}

/// Counts the folders, `most` at the most.
pub fn extent(project: &Project, most: usize) -> Extent {
    let (rules, _) = rules::of_project(project);
    let by_rules = !rules.is_empty();
    let roots: BTreeSet<PathBuf> = if by_rules {
        rules.iter().map(|rule| rule.root.clone()).collect()
    } else {
        BTreeSet::from([project.working_dir.clone()])
    };
    let mut seen = BTreeSet::new();
    let mut open: Vec<PathBuf> = roots.iter().cloned().collect();
    while let Some(folder) = open.pop() {
        if seen.len() >= most {
            break;
        }
        if !enters(&rules, &folder) || !seen.insert(folder.clone()) {
            continue;
        }
        // What cannot be read cannot be followed either; `watch` tells of it.
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        open.extend(folders.map(|entry| entry.path()));
    }
    Extent { roots: roots.into_iter().collect(), folders: seen.len(), by_rules }
}

fn enters(rules: &[Rule], folder: &Path) -> bool {
    if rules.is_empty() {
        return folder.file_name().is_none_or(|name| name != ".git");
    }
    rules.iter().any(|rule| rule.enters(folder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{LoadRequest, load};

    fn check(stack: &str, folders: usize, by_rules: bool) {
        let place = tempfile::Builder::new().prefix("extent").tempdir().unwrap();
        for folder in ["src/a/b", "src/node_modules/x/y", ".git/objects", "data"] {
            std::fs::create_dir_all(place.path().join(folder)).unwrap();
        }
        std::fs::write(place.path().join("compose.yaml"), stack).unwrap();
        let request =
            LoadRequest { current_dir: place.path().canonicalize().unwrap(), ..LoadRequest::default() };
        let found = extent(&load(&request).unwrap().project, 100);
        assert_eq!((found.folders, found.by_rules), (folders, by_rules), "{found:?}");
    }

    #[test]
    fn folders_that_a_rule_leaves_out_do_not_count_and_without_rules_all_do() {
        let rule = "develop: {watch: [{path: ./src, action: sync, target: /x, ignore: [node_modules/]}]}";
        check(&format!("services: {{a: {{image: x, {rule}}}}}"), 3, true);
        check("services: {a: {image: x}}", 8, false);
    }
}
