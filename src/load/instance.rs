//! Which instance of a project is meant, and the project made one.

use super::session::Session;
use super::{InstanceRequest, LoadRequest};
use crate::model::instance::{self, isolate, normalize};
use crate::model::{Environment, Instance, Project, ProjectName};
use crate::source::{Diagnostic, Span};
use std::path::{Path, PathBuf};

/// The word that stands for the checkout's own name.
const AUTO: &str = "auto";

/// The instance that is asked for, by the request or by `STACK_INSTANCE`; `None` when none is. What cannot be one is reported.
pub fn asked(directory: &Path, variables: &Environment, session: &mut Session<'_>) -> Option<String> {
    let LoadRequest { instance, .. } = session.request;
    let written = match instance {
        Some(request) => request.name.as_str(),
        None => variables.get("STACK_INSTANCE").unwrap_or_default(),
    };
    match name(written, directory) {
        Ok(name) => name,
        Err((message, help)) => {
            let diagnostic = Diagnostic::error("invalid-instance", Span::NONE, message).help(help);
            session.diagnostics.push(diagnostic);
            session.accept();
            None
        }
    }
}

/// The name of an instance as it was asked for; `None` for an empty text.
///
/// # Errors
/// What is wrong, and what can be done.
pub fn name(written: &str, directory: &Path) -> Result<Option<String>, (String, String)> {
    if written.is_empty() {
        return Ok(None);
    }
    if written == AUTO {
        let name = checkout(directory).map(|name| normalize(&name)).filter(|name| !name.is_empty());
        return name.map(Some).ok_or_else(|| {
            let message = format!(
                "`{}` is in no git checkout that an instance could be called after",
                directory.display()
            );
            (message, "name it: `--instance NAME`".to_owned())
        });
    }
    let name = normalize(written);
    if name.is_empty() {
        let message = format!("`{written}` cannot be the name of an instance");
        return Err((message, "it needs a letter or a digit".to_owned()));
    }
    Ok(Some(name))
}

/// The project's name, and the one it would have without the instance.
pub fn names(given: String, instance: Option<&str>, session: &Session<'_>) -> (String, String) {
    let Some(instance) = instance else { return (given.clone(), given) };
    if session.request.instance.as_ref().is_some_and(|request| request.settled) {
        let origin = given.strip_suffix(&format!("-{instance}")).unwrap_or(&given).to_owned();
        return (given, origin);
    }
    (project_name(&given, instance), given)
}

/// The name of the project that an instance is.
pub fn project_name(origin: &str, instance: &str) -> String {
    format!("{origin}-{instance}")
}

/// What the checkout around a folder is called: a worktree that was added by the name of its folder, which stays when another
/// branch is checked out in it; the first one by its branch, or by its commit when it is on none.
fn checkout(directory: &Path) -> Option<String> {
    let (root, git) =
        directory.ancestors().map(|folder| (folder, folder.join(".git"))).find(|(_, git)| git.exists())?;
    if git.is_file() {
        let text = std::fs::read_to_string(&git).ok()?;
        // A submodule has such a file too, which leads to `modules` instead.
        let leads_to = PathBuf::from(text.trim().strip_prefix("gitdir:")?.trim());
        if leads_to.parent().is_some_and(|parent| parent.ends_with("worktrees")) {
            return Some(root.file_name()?.to_string_lossy().into_owned());
        }
        return head(&root.join(leads_to));
    }
    head(&git)
}

fn head(git: &Path) -> Option<String> {
    let text = std::fs::read_to_string(git.join("HEAD")).ok()?;
    let text = text.trim();
    match text.strip_prefix("ref:") {
        Some(reference) => {
            let reference = reference.trim();
            Some(reference.strip_prefix("refs/heads/").unwrap_or(reference).to_owned())
        }
        None => text.get(..12).map(ToOwned::to_owned),
    }
}

/// Makes a loaded project the instance. What cannot be had twice is reported at its place.
pub fn apply(project: &mut Project, name: String, origin: String, session: &mut Session<'_>) {
    let InstanceRequest { owner, settled, name: _ } = session.request.instance.clone().unwrap_or_default();
    let host = session.request.host.clone();
    let instance = Instance { name, origin: ProjectName::new(origin), host, owner, ..Instance::default() };
    if settled {
        project.instance = Some(Box::new(instance));
        return;
    }
    for instance::Clash { path, fatal, message, help } in isolate(project, instance) {
        let span = project.origins.span(&path);
        let diagnostic = if fatal {
            Diagnostic::error("not-twice", span, message)
        } else {
            Diagnostic::warning("shared-by-instances", span, message)
        };
        session.diagnostics.push(diagnostic.help(help));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkout_gives_its_branch_and_a_worktree_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let main = folder.path().join("main");
        std::fs::create_dir_all(main.join(".git/worktrees/review")).unwrap();
        std::fs::create_dir_all(main.join("deep/er")).unwrap();
        std::fs::write(main.join(".git/HEAD"), "ref: refs/heads/Feature/Login\n").unwrap();
        let auto = |folder: &Path| name(AUTO, folder).map(Option::unwrap_or_default);
        assert_eq!(auto(&main.join("deep/er")).as_deref(), Ok("feature-login"));
        std::fs::write(main.join(".git/HEAD"), "0123456789abcdef0123456789abcdef01234567\n").unwrap();
        assert_eq!(auto(&main).as_deref(), Ok("0123456789ab"));
        let other = folder.path().join("review-42");
        std::fs::create_dir_all(&other).unwrap();
        let leads_to = format!("gitdir: {}\n", main.join(".git/worktrees/review").display());
        std::fs::write(other.join(".git"), leads_to).unwrap();
        assert_eq!(auto(&other).as_deref(), Ok("review-42"));
    }

    #[test]
    fn what_cannot_be_a_name_is_refused_with_a_way_out() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(name("", folder.path()), Ok(None));
        assert_eq!(name("Fix/It", folder.path()), Ok(Some("fix-it".to_owned())));
        assert!(name("///", folder.path()).unwrap_err().0.contains("cannot be the name"));
        assert!(name(AUTO, folder.path()).unwrap_err().1.contains("--instance NAME"));
    }
}
