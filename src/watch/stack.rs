//! What the stack files say at the moment, and what is on the disk for their rules.

use super::rules::{self, Rule};
use super::tree::{self, Kind, Tree};
use super::{auto, fs, inputs};
use crate::load::Loaded;
use crate::model::{Project, ServiceName, WatchAction};
use crate::ops::Session;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The stack as it was last read.
pub(super) struct Stack {
    pub(super) loaded: Loaded,
    pub(super) project: Arc<Project>,
    pub(super) rules: Vec<Rule>,
    pub(super) unusable: Vec<rules::Unusable>,
    /// Rules that were told from Dockerfiles, as text to paste; empty without any.
    pub(super) derived: String,
    /// What is below each rule's path.
    pub(super) trees: Vec<Tree>,
    /// What was seen to have changed by the way, before the batch that is about it.
    by_the_way: BTreeMap<usize, BTreeSet<PathBuf>>,
    /// Files that the model was made of.
    pub(super) inputs: BTreeSet<PathBuf>,
    /// What they held.
    contents: BTreeMap<PathBuf, Option<u64>>,
    /// Files that git has while it changes the work trees that rules look into.
    locks: BTreeSet<PathBuf>,
}

/// What a batch means to the rules: the paths of each that it touched.
#[derive(Debug, Default)]
pub(super) struct Touched {
    paths: BTreeMap<usize, BTreeSet<PathBuf>>,
    /// Everything was looked at again, and nothing is known to have been written.
    pub(super) overflow: bool,
}

impl Touched {
    pub(super) fn rules(&self) -> impl Iterator<Item = usize> {
        self.paths.keys().copied()
    }

    pub(super) fn within(&self, rule: usize) -> Option<&BTreeSet<PathBuf>> {
        self.paths.get(&rule)
    }
}

impl Stack {
    pub(super) fn new(loaded: Loaded, auto: bool) -> Self {
        let project = Arc::new(loaded.project.clone());
        // The project itself keeps what its files say: derived rules are no reason to replace anything.
        let ((rules, unusable), derived) = if auto {
            let (with_rules, services) = auto::with_rules(&project);
            let text = if services.is_empty() {
                String::new()
            } else {
                format!("# told from the Dockerfiles\n{}", auto::to_paste(&with_rules, &services))
            };
            (rules::of_project(&with_rules), text)
        } else {
            (rules::of_project(&project), String::new())
        };
        let trees = rules.iter().map(tree::scan).collect();
        let inputs = inputs::of(&loaded);
        let contents = inputs.iter().map(|file| (file.clone(), fingerprint(file))).collect();
        let locks = rules.iter().filter_map(|rule| index_lock(&rule.root)).collect();
        let by_the_way = BTreeMap::new();
        Self { loaded, project, rules, unusable, derived, trees, by_the_way, inputs, contents, locks }
    }

    /// Takes what the files say now. What changed on the disk since rules that stay as they are were last looked at belongs to
    /// the next batch.
    pub(super) fn read_anew(&mut self, loaded: Loaded, auto: bool) {
        let before = std::mem::replace(self, Self::new(loaded, auto));
        for (index, (rule, tree)) in self.rules.iter().zip(&self.trees).enumerate() {
            let Some(known) = before.rules.iter().position(|old| old == rule) else { continue };
            let mut seen = before.by_the_way.get(&known).cloned().unwrap_or_default();
            if let Some(old) = before.trees.get(known) {
                seen.extend(tree::changes(old, tree));
            }
            if !seen.is_empty() {
                self.by_the_way.insert(index, seen);
            }
        }
    }

    /// What would be followed, a line for each rule and for each file that is there and makes the stack.
    pub(super) fn text(&self) -> String {
        let mut text = self.rule_lines();
        for unusable in &self.unusable {
            text.push_str(&format!("{unusable}\n"));
        }
        // Override files that may appear are followed as well; naming them all would hide what is there.
        for file in self.inputs.iter().filter(|file| file.exists()) {
            text.push_str(&format!("follow `{}`: apply what changes\n", self.shown(file).display()));
        }
        text.push_str(&self.derived);
        text
    }

    /// What each rule follows and does, a line each.
    pub(super) fn rule_lines(&self) -> String {
        let lines =
            self.rules.iter().map(|rule| format!("watch `{}`: {rule}\n", self.shown(&rule.root).display()));
        lines.collect()
    }

    /// A path as people call it: from the project's folder.
    pub(super) fn shown(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.project.working_dir).unwrap_or(path).to_owned()
    }

    /// Whether git is changing a work tree: what it has written so far is half of a state that nobody means.
    pub(super) fn checkout_under_way(&self) -> bool {
        self.locks.iter().any(|lock| lock.exists())
    }

    /// Whether a watched path is where the system sends no events; says so.
    pub(super) fn needs_polling(&self, session: &Session) -> bool {
        let mut found = false;
        for rule in &self.rules {
            if let Some(kind) = fs::without_events(&rule.root) {
                found = true;
                session.warn(
                    self.project.name.as_str(),
                    format!(
                        "`{}` is on {kind}, which sends no events: it is looked at every second",
                        rule.root.display()
                    ),
                );
            }
        }
        found
    }

    /// The inputs among `paths` whose content is another one now; all of them are looked at when events were lost.
    pub(super) fn changed_inputs(&mut self, paths: &BTreeSet<PathBuf>, all: bool) -> BTreeSet<PathBuf> {
        let candidates: Vec<PathBuf> = if all {
            self.inputs.iter().cloned().collect()
        } else {
            // A folder that took another's place brings other files with it.
            self.inputs
                .iter()
                .filter(|file| paths.iter().any(|path| file.starts_with(path)))
                .cloned()
                .collect()
        };
        let mut changed = BTreeSet::new();
        for file in candidates {
            let now = fingerprint(&file);
            if self.contents.insert(file.clone(), now).flatten() != now {
                changed.insert(file);
            }
        }
        changed
    }

    /// The services whose image one of these files goes into by name.
    pub(super) fn built_by(&self, files: &BTreeSet<PathBuf>) -> BTreeSet<ServiceName> {
        let builds =
            self.project.services.values().filter_map(|service| Some((service, service.build.as_ref()?)));
        builds
            .filter(|(_, build)| files.iter().any(|file| file.starts_with(Path::new(&build.context))))
            .map(|(service, _)| service.name.clone())
            .collect()
    }

    /// Whether nothing but copying can follow from these paths: no file of the stack's own is among them, and no rule that
    /// restarts, runs or builds something looks at them.
    pub(super) fn only_copies(&self, paths: &BTreeSet<PathBuf>) -> bool {
        let meets = |one: &Path, other: &Path| one.starts_with(other) || other.starts_with(one);
        let others = self.rules.iter().filter(|rule| rule.action != WatchAction::Sync);
        let roots = others.map(|rule| rule.root.as_path());
        let mut decisive = roots.chain(self.inputs.iter().map(PathBuf::as_path));
        self.by_the_way.is_empty() && !decisive.any(|known| paths.iter().any(|path| meets(path, known)))
    }

    /// Looks at what was touched, and says which rules it concerns.
    pub(super) fn touch(&mut self, paths: &BTreeSet<PathBuf>) -> Touched {
        let mut touched = Touched { paths: std::mem::take(&mut self.by_the_way), overflow: false };
        for (index, (rule, tree)) in self.rules.iter().zip(&mut self.trees).enumerate() {
            for path in paths {
                // The rule's own folder, or one above it, may have been replaced.
                let at = if rule.root.starts_with(path) { rule.root.as_path() } else { path.as_path() };
                if !at.starts_with(&rule.root) {
                    continue;
                }
                let Ok(relative) = at.strip_prefix(&rule.root) else { continue };
                let replaced_above = at != path && rule.root != *path;
                let before: Tree =
                    tree::below(tree, relative).map(|(path, entry)| (path.clone(), entry.clone())).collect();
                tree::refresh(rule, at, tree);
                let is_folder = tree.get(relative).is_some_and(|entry| entry.kind == Kind::Folder);
                let same = tree::below(tree, relative).eq(before.iter());
                let nothing = before.is_empty() && tree::below(tree, relative).next().is_none();
                // A folder that is written to has had an event for what was written in it.
                if nothing
                    || (same
                        && (is_folder || replaced_above || relative.as_os_str().is_empty() && at.is_dir()))
                {
                    continue;
                }
                touched.paths.entry(index).or_default().insert(relative.to_owned());
            }
        }
        touched
    }

    /// Looks at all that a rule follows. What has changed is not lost on the next batch: its events are on their way, and would
    /// find nothing new.
    pub(super) fn look_at(&mut self, index: usize) {
        if let (Some(rule), Some(tree)) = (self.rules.get(index), self.trees.get_mut(index)) {
            let now = tree::scan(rule);
            let seen = tree::changes(tree, &now);
            *tree = now;
            if !seen.is_empty() {
                self.by_the_way.entry(index).or_default().extend(seen);
            }
        }
    }

    /// Looks at everything: events were lost.
    pub(super) fn look_again(&mut self) -> Touched {
        let mut touched = Touched { paths: std::mem::take(&mut self.by_the_way), overflow: true };
        for (index, (rule, tree)) in self.rules.iter().zip(&mut self.trees).enumerate() {
            let now = tree::scan(rule);
            if now != *tree {
                *tree = now;
                touched.paths.insert(index, BTreeSet::from([PathBuf::new()]));
            }
        }
        touched
    }
}

/// Where git keeps its lock for the work tree that a folder is in. A linked work tree has a file that says where.
fn index_lock(folder: &Path) -> Option<PathBuf> {
    let git = folder.ancestors().map(|above| above.join(".git")).find(|git| git.exists())?;
    if git.is_dir() {
        return Some(git.join("index.lock"));
    }
    let text = std::fs::read_to_string(&git).ok()?;
    let named = text.strip_prefix("gitdir:")?.trim();
    Some(git.parent()?.join(named).join("index.lock"))
}

/// What a file holds, as a number to compare; `None` when it is not there.
fn fingerprint(file: &Path) -> Option<u64> {
    let bytes = std::fs::read(file).ok()?;
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    Some(hasher.finish())
}
