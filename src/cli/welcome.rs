//! `stack` without a word: what can be done next in this folder.

use super::{ProjectArgs, Surroundings};
use crate::load;
use crate::model::ServiceName;
use std::path::Path;

/// What to say.
pub fn text(surroundings: &Surroundings) -> String {
    let Ok(request) = ProjectArgs::default().request(surroundings) else { return nothing_here() };
    let Ok(located) = load::locate(&request) else { return nothing_here() };
    let shown = |path: &Path| {
        let near = path.strip_prefix(&surroundings.current_dir).unwrap_or(path);
        format!("`{}`", near.display())
    };
    let files = located.files.iter().map(|file| shown(file)).collect::<Vec<_>>().join(", ");
    let Ok(loaded) = load::load(&request) else {
        return format!(
            "Project `{}`, {files}: there are mistakes in it.\n\n  stack config -q   shows each of them, and how to mend it\n\n{MORE}",
            located.name
        );
    };
    let project = &loaded.project;
    let services: Vec<&str> = project.services.keys().map(ServiceName::as_str).collect();
    let off = project.disabled_services.len();
    let more = if off == 0 { String::new() } else { format!(" ({off} more with `--profile`)") };
    let mut steps = vec![
        ("stack plan", "what `up` would do, and why"),
        ("stack up", "bring it up and follow the logs; Ctrl-C stops it"),
        ("stack up -d --wait", "bring it up and return when it is ready"),
    ];
    if project.services.values().any(|service| service.build.is_some()) {
        steps.push(("stack watch", "follow the sources: what is saved is in the containers at once"));
    }
    steps.push(("stack test -- COMMAND", "run tests against a copy that leaves nothing behind"));
    steps.push(("stack ps", "what runs of it"));
    let width = steps.iter().map(|(words, _)| words.len()).max().unwrap_or(0);
    let steps: String = steps.iter().map(|(words, what)| format!("  {words:width$}   {what}\n")).collect();
    format!("Project `{}`, {files}: {}{more}\n\n{steps}\n{MORE}", project.name, services.join(", "))
}

const MORE: &str = "`stack --help` lists all commands, `stack COMMAND --help` has examples.\n";

fn nothing_here() -> String {
    format!(
        "There is no stack file in this folder or above it. One is as short as this, in `stack.yaml` or `compose.yaml`:\n\n\
         \u{20} services:\n    web:\n      image: nginx\n      ports: [\"8080:80\"]\n\n\
         and `stack up` brings it up. What runs elsewhere: `stack ls`.\n\n{MORE}"
    )
}
