//! Why a path is followed or not, rule by rule: for people who wonder where their file went.

use super::auto;
use super::rules::{self, Rule, Verdict};
use crate::load;
use crate::model::Project;
use std::path::{Path, PathBuf};

/// What each rule of a project makes of a path, a line each. `path` is taken from `folder` when it is not absolute, and need
/// not be there. With `derive`, services without rules get those that their Dockerfile tells.
pub fn explain(project: &Project, folder: &Path, path: &Path, derive: bool) -> String {
    let absolute = resolved(&folder.join(path));
    let (rules, unusable) =
        if derive { rules::of_project(&auto::with_rules(project).0) } else { rules::of_project(project) };
    let mut text = String::new();
    for rule in &rules {
        let root = rule.root.strip_prefix(&project.working_dir).unwrap_or(&rule.root);
        let root = if root.as_os_str().is_empty() { Path::new(".") } else { root };
        text.push_str(&format!("{}, `{}`: {}\n", rule.service, root.display(), verdict(rule, &absolute)));
    }
    for unusable in unusable {
        text.push_str(&format!("{unusable}\n"));
    }
    if text.is_empty() {
        text.push_str("no service has watch rules\n");
    }
    text
}

fn verdict(rule: &Rule, path: &Path) -> String {
    match rule.verdict(path) {
        Verdict::Elsewhere => "not below it".to_owned(),
        Verdict::Follows(relative) if rule.syncs() => {
            format!("followed: {rule}, as `{}`", rule.target_of(&relative))
        }
        Verdict::Follows(_) => format!("followed: {rule}"),
        Verdict::Temporary(pattern) => {
            format!("left out: editors and version control leave such files behind (`{pattern}`)")
        }
        Verdict::Ignored(pattern) => format!("left out by `{pattern}` of the rule's `ignore`"),
        Verdict::IgnoredByBuild(pattern, context) => {
            format!("left out by `{pattern}` of the ignore file of the build in `{}`", context.display())
        }
        Verdict::NotIncluded => "left out: no pattern of the rule's `include` matches it".to_owned(),
    }
}

/// A path as the rules have theirs: absolute, without `.`, `..` and links as far as it is there.
fn resolved(path: &Path) -> PathBuf {
    let plain = load::clean(path);
    // A link is followed as itself: only the folders around it are looked through.
    for above in plain.ancestors().skip(1) {
        if let (Ok(real), Ok(rest)) = (std::fs::canonicalize(above), plain.strip_prefix(above)) {
            return real.join(rest);
        }
    }
    plain
}
