//! Projects whose files lie elsewhere: what a person is told, and asked, before such a project runs.
//!
//! As the reference has it: a main file from elsewhere is told with its copy's place and with the variables that it
//! reads; further `-f` files from elsewhere are asked about on their own. No answer is a no; `--yes` answers.

use super::{Context, Failure};
use crate::env::template::Variable;
use crate::load::{self, Loaded};
use crate::observe::is_secret;
use crate::ui::{stream, table};
use std::io::BufRead;

/// Tells and asks. Nothing is said when the main file is a local one.
///
/// # Errors
/// The answer was no, or the files cannot be read a second time.
pub fn confirm(context: &Context, loaded: &Loaded, yes: bool) -> Result<(), Failure> {
    let mut files = context.project.file.iter().filter(|file| load::is_remote(file)).peekable();
    let main = context.project.file.first().filter(|file| load::is_remote(file));
    let Some(main) = main else { return Ok(()) };
    stream::note(&format!("The files of `{main}` are kept in {}\n", loaded.project.working_dir.display()));
    if yes {
        return Ok(());
    }
    let mut request = context.project.request(&context.surroundings)?;
    request.skip.interpolation = true;
    let tree = load::tree(&request)?;
    let variables = load::variables(&tree.tree);
    if !variables.is_empty() {
        let rows: Vec<Vec<String>> =
            variables.iter().map(|(name, variable)| row(context, loaded, name, variable)).collect();
        let header = ["VARIABLE", "VALUE", "SOURCE", "REQUIRED", "DEFAULT"];
        stream::note(&format!("\nIt reads these variables:\n{}\n", table(&header, &rows, 0)));
        if !ask("Do you want to proceed with these variables? [Y/n] ", true)? {
            return Err(cancelled());
        }
    }
    files.next();
    if files.peek().is_some() {
        let list: String = files.map(|file| format!("  {file}\n")).collect();
        stream::note(&format!(
            "warning: these files come from elsewhere too, and can do to this machine whatever the project can:\n{list}"
        ));
        if !ask("Do you want to proceed? [y/N] ", false)? {
            return Err(cancelled());
        }
    }
    Ok(())
}

fn row(context: &Context, loaded: &Loaded, name: &str, variable: &Variable) -> Vec<String> {
    let value = loaded.project.environment.get(name);
    let default = variable.default_value.as_str();
    let source = match value {
        Some(_) if context.surroundings.environment.get(name).is_some() => "environment",
        Some(_) => "env file",
        None if !default.is_empty() => "stack file",
        None => "none",
    };
    let shown = match value {
        Some(_) if is_secret(&format!("environment.{name}")) => "********",
        Some(value) => value,
        None if default.is_empty() => "<unset>",
        None => default,
    };
    let required = if variable.required { "yes" } else { "no" };
    [name, shown, source, required, default].map(ToOwned::to_owned).to_vec()
}

fn cancelled() -> Failure {
    Failure::message("cancelled: nothing was done").hint("`--yes` answers such questions")
}

/// Asks on standard error. An empty line is the answer that `otherwise` stands for; no line at all is a no.
pub(super) fn ask(question: &str, otherwise: bool) -> Result<bool, Failure> {
    Ok(match answer(question)?.as_deref() {
        Some("") => otherwise,
        Some("y" | "yes") => true,
        Some(_) | None => false,
    })
}

/// Asks on standard error: the line that was typed, in small letters; `None` when there is none.
pub(super) fn answer(question: &str) -> Result<Option<String>, Failure> {
    stream::note(question);
    let mut answer = String::new();
    if std::io::stdin().lock().read_line(&mut answer)? == 0 {
        stream::note("\n");
        return Ok(None);
    }
    Ok(Some(answer.trim().to_ascii_lowercase()))
}
