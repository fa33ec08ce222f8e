//! `develop.watch` rules as questions: does this path count, where does it go, must this folder be looked through.
//!
//! In: a service's rules. Out: [`Rule`]s. Patterns are those of `.dockerignore`, read by the matcher that builds use:
//! `ignore` and `include` against the rule's path, the build context's ignore file against the context.
//! <https://github.com/compose-spec/compose-spec/blob/main/develop.md>

use crate::apply::ignore;
use crate::model::{Project, Service, ServiceName, WatchAction, WatchExec};
use std::path::{Path, PathBuf};

/// What editors and version control leave lying about, which is never meant.
const TEMPORARY: &str = "\
**/.git
**/.hg
**/.svn
**/*~
**/.*.swp
**/.*.swpx
**/.*.swx
**/4913
**/.#*
**/#*#
**/*___jb_tmp___
**/*___jb_old___
**/.goutputstream-*
**/.DS_Store
";

/// One rule of one service.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// The service.
    pub service: ServiceName,
    /// The watched path, symbolic links resolved.
    pub root: PathBuf,
    /// What to do.
    pub action: WatchAction,
    /// Where files go in the container; absolute.
    pub target: String,
    /// What to run after a sync.
    pub exec: WatchExec,
    /// Everything goes at the start.
    pub initial_sync: bool,
    include: Option<ignore::Rules>,
    ignore: ignore::Rules,
    temporary: ignore::Rules,
    context: Option<(PathBuf, ignore::Rules)>,
}

/// What a rule makes of a path; a pattern is told as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict<'rule> {
    /// It counts: its place below the rule's path.
    Follows(PathBuf),
    /// It is not below the rule's path.
    Elsewhere,
    /// Editors and version control leave such files behind.
    Temporary(&'rule str),
    /// The rule's `ignore` leaves it out.
    Ignored(&'rule str),
    /// The ignore file of this build context leaves it out.
    IgnoredByBuild(&'rule str, &'rule Path),
    /// The rule has an `include`, and nothing in it matches.
    NotIncluded,
}

/// A rule that cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable {
    /// The service.
    pub service: ServiceName,
    /// Its place in the service's list.
    pub index: usize,
    /// Why.
    pub why: String,
}

impl std::fmt::Display for Unusable {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { service, index, why } = self;
        write!(formatter, "watch rule {} of `{service}` is left out: {why}", index + 1)
    }
}

/// What it does with a path that changes.
impl std::fmt::Display for Rule {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { service, target, .. } = self;
        match self.action {
            WatchAction::Sync => write!(formatter, "sync to `{target}` of {service}"),
            WatchAction::Rebuild => write!(formatter, "rebuild {service}"),
            WatchAction::Restart => write!(formatter, "restart {service}"),
            WatchAction::SyncRestart => write!(formatter, "sync to `{target}` of {service}, then restart it"),
            WatchAction::SyncExec => {
                write!(formatter, "sync to `{target}` of {service}, then run its command")
            }
        }
    }
}

/// All rules of a project's services, and those that cannot be followed.
pub fn of_project(project: &Project) -> (Vec<Rule>, Vec<Unusable>) {
    let mut rules = Vec::new();
    let mut unusable = Vec::new();
    for service in project.services.values() {
        let watched = service.develop.iter().flat_map(|develop| &develop.watch).enumerate();
        for (index, _) in watched {
            match Rule::of(service, index) {
                Ok(rule) => rules.push(rule),
                Err(why) => unusable.push(Unusable { service: service.name.clone(), index, why }),
            }
        }
    }
    (rules, unusable)
}

impl Rule {
    fn of(service: &Service, index: usize) -> Result<Self, String> {
        let wanted = service
            .develop
            .as_ref()
            .and_then(|develop| develop.watch.get(index))
            .ok_or_else(|| "there is no such rule".to_owned())?;
        let root =
            std::fs::canonicalize(&wanted.path).map_err(|error| format!("`{}`: {error}", wanted.path))?;
        if is_sync(wanted.action)
            && let Some(mount) = service.volumes.iter().find(|mount| {
                mount.kind == crate::model::MountType::Bind
                    && Path::new(&wanted.target).starts_with(&mount.target)
                    && root.starts_with(std::fs::canonicalize(&mount.source).unwrap_or_default())
            })
        {
            return Err(format!(
                "`{}` is mounted into the container already (`{}`)",
                wanted.path, mount.target
            ));
        }
        let include = (!wanted.include.is_empty()).then(|| ignore::Rules::parse(&wanted.include.join("\n")));
        Ok(Self {
            service: service.name.clone(),
            action: wanted.action,
            target: wanted.target.clone(),
            exec: wanted.exec.clone(),
            initial_sync: wanted.initial_sync,
            include,
            ignore: ignore::Rules::parse(&wanted.ignore.join("\n")),
            temporary: ignore::Rules::parse(TEMPORARY),
            context: context_rules(service, &root)?,
            root,
        })
    }

    /// Whether files are copied.
    pub fn syncs(&self) -> bool {
        is_sync(self.action)
    }

    /// A path relative to the rule's, when it counts: below it, not ignored, and included where that is asked for.
    /// The rule's own path is the empty one.
    pub fn relative(&self, path: &Path) -> Option<PathBuf> {
        match self.verdict(path) {
            Verdict::Follows(relative) => Some(relative),
            Verdict::Elsewhere
            | Verdict::Temporary(_)
            | Verdict::Ignored(_)
            | Verdict::IgnoredByBuild(..)
            | Verdict::NotIncluded => None,
        }
    }

    /// Whether a path counts, and what decides it.
    pub fn verdict(&self, path: &Path) -> Verdict<'_> {
        let Ok(relative) = path.strip_prefix(&self.root) else { return Verdict::Elsewhere };
        // The rule's own path was named by its writer.
        if relative.as_os_str().is_empty() {
            return Verdict::Follows(PathBuf::new());
        }
        if let Some(pattern) = self.temporary.shuts_out(relative) {
            return Verdict::Temporary(pattern);
        }
        if let Some(pattern) = self.ignore.shuts_out(relative) {
            return Verdict::Ignored(pattern);
        }
        if let Some((context, rules)) = &self.context
            && let Ok(relative) = path.strip_prefix(context)
            && let Some(pattern) = rules.shuts_out(relative)
        {
            return Verdict::IgnoredByBuild(pattern, context);
        }
        if self.include.as_ref().is_some_and(|rules| !rules.ignores(relative)) {
            return Verdict::NotIncluded;
        }
        Verdict::Follows(relative.to_owned())
    }

    /// Whether a folder must be watched and looked through: something in it may count.
    pub fn enters(&self, folder: &Path) -> bool {
        let Ok(relative) = folder.strip_prefix(&self.root) else { return false };
        if relative.as_os_str().is_empty() {
            return true;
        }
        let shut = |rules: &ignore::Rules, path: &Path| rules.ignores(path) && !rules.may_let_back_in(path);
        !shut(&self.temporary, relative)
            && !shut(&self.ignore, relative)
            && !self.context.as_ref().is_some_and(|(root, rules)| {
                folder.strip_prefix(root).is_ok_and(|relative| shut(rules, relative))
            })
    }

    /// Where a path, relative to the rule's, goes in the container: absolute.
    pub fn target_of(&self, relative: &Path) -> String {
        let target = self.target.trim_end_matches('/');
        if relative.as_os_str().is_empty() {
            return if target.is_empty() { "/".to_owned() } else { target.to_owned() };
        }
        format!("{target}/{}", relative.display())
    }
}

fn is_sync(action: WatchAction) -> bool {
    match action {
        WatchAction::Sync | WatchAction::SyncRestart | WatchAction::SyncExec => true,
        WatchAction::Rebuild | WatchAction::Restart => false,
    }
}

/// The build context's ignore file counts where the rule's path and the context meet.
fn context_rules(service: &Service, root: &Path) -> Result<Option<(PathBuf, ignore::Rules)>, String> {
    let Some(build) = &service.build else { return Ok(None) };
    // A context from elsewhere (a repository, an archive) has no folder here.
    let Ok(context) = std::fs::canonicalize(&build.context) else { return Ok(None) };
    if !root.starts_with(&context) && !context.starts_with(root) {
        return Ok(None);
    }
    ignore::Rules::read(&context, Path::new(build.dockerfile_path()))
        .map(|rules| Some((context.clone(), rules)))
        .map_err(|error| format!("the ignore file of `{}`: {error}", context.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::WatchRule;

    fn rule(root: &Path, change: impl FnOnce(&mut WatchRule)) -> Rule {
        let mut wanted =
            WatchRule { path: root.display().to_string(), target: "/app".to_owned(), ..WatchRule::default() };
        change(&mut wanted);
        let service = Service {
            develop: Some(crate::model::DevelopConfig { watch: vec![wanted], ..Default::default() }),
            ..Service::default()
        };
        Rule::of(&service, 0).unwrap()
    }

    fn root() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap();
        (folder, path)
    }

    #[test]
    fn a_path_below_the_rule_s_counts_and_lands_below_its_target() {
        let (_folder, root) = root();
        let rule = rule(&root, |_| {});
        let relative = rule.relative(&root.join("src/main.py")).unwrap();
        assert_eq!(rule.target_of(&relative), "/app/src/main.py");
        assert_eq!(rule.relative(Path::new("/elsewhere")), None);
        assert_eq!(rule.target_of(Path::new("")), "/app");
    }

    #[test]
    fn ignored_and_temporary_files_do_not_count_and_their_folders_are_not_entered() {
        let (_folder, root) = root();
        let rule = rule(&root, |rule| rule.ignore = vec!["node_modules".to_owned(), "*.log".to_owned()]);
        for path in ["node_modules/a.js", "x.log", ".git/HEAD", "a/.b.swp", "main.py~"] {
            assert_eq!(rule.relative(&root.join(path)), None, "{path}");
        }
        assert!(rule.relative(&root.join("a/x.log")).is_some(), "patterns are anchored");
        assert!(!rule.enters(&root.join("node_modules")));
        assert!(!rule.enters(&root.join(".git")));
        assert!(rule.enters(&root.join("a")));
    }

    #[test]
    fn only_what_is_included_counts_where_that_is_asked_for() {
        let (_folder, root) = root();
        let rule = rule(&root, |rule| rule.include = vec!["**/*.py".to_owned()]);
        assert!(rule.relative(&root.join("a/b.py")).is_some());
        assert_eq!(rule.relative(&root.join("a/b.js")), None);
        assert!(rule.enters(&root.join("a")), "an included file may be below");
    }
}
