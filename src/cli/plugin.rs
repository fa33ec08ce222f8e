//! The docker plugin `compose`: what it says it is, and how this program becomes it.

use super::{Context, Failure};
use crate::model::label::COMPATIBLE_VERSION;
use crate::ui::stream;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The file that the docker command looks for.
const NAME: &str = "docker-compose";
/// Where a plugin that was there before is kept.
const KEPT: &str = "docker-compose.before-stack";

/// What the docker command asks of every plugin.
pub fn metadata() -> String {
    let told = serde_json::json!({
        "SchemaVersion": "0.1.0",
        "Vendor": "stack",
        "Version": format!("v{COMPATIBLE_VERSION}"),
        "ShortDescription": "Docker Compose, by stack",
    });
    format!("{told:#}\n")
}

/// Make `docker compose` this program.
///
/// A link to it is put where the docker command looks for plugins. What was there is kept beside it, and comes back with
/// --remove.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stack install-plugin           docker compose is stack from now on\n  stack install-plugin --remove  and what it was before"
)]
pub struct Args {
    /// Take it away again.
    #[arg(long)]
    remove: bool,

    /// Another folder than `cli-plugins` in the docker command's folder.
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// Runs the command.
pub fn run(context: &Context, args: &Args) -> Result<(), Failure> {
    let folder = match &args.folder {
        Some(folder) => context.surroundings.current_dir.join(folder),
        None => default_folder(context)?,
    };
    let program = std::env::current_exe()
        .and_then(|path| path.canonicalize())
        .map_err(|error| Failure::message(format!("cannot tell where this program is: {error}")))?;
    let told = if context.dry_run {
        let verb = if args.remove { "be removed" } else { "link to this program" };
        format!("`{}` would {verb}\n", folder.join(NAME).display())
    } else if args.remove {
        remove(&folder, &program)?
    } else {
        install(&folder, &program)?
    };
    stream::note(&told);
    Ok(())
}

/// `cli-plugins` in `DOCKER_CONFIG`, or in `~/.docker`.
fn default_folder(context: &Context) -> Result<PathBuf, Failure> {
    let variable = |name: &str| context.surroundings.environment.get(name).filter(|value| !value.is_empty());
    let own = variable("DOCKER_CONFIG").map(PathBuf::from);
    let own = own.or_else(|| Some(Path::new(variable("HOME")?).join(".docker")));
    own.map(|folder| folder.join("cli-plugins"))
        .ok_or_else(|| Failure::message("there is no home folder").hint("name a folder: `--folder DIR`"))
}

fn install(folder: &Path, program: &Path) -> Result<String, Failure> {
    let (link, kept) = (folder.join(NAME), folder.join(KEPT));
    let fail = |what: &str| {
        let what = what.to_owned();
        move |error: std::io::Error| Failure::message(format!("cannot {what}: {error}"))
    };
    std::fs::create_dir_all(folder).map_err(fail(&format!("make `{}`", folder.display())))?;
    if is_ours(&link, program) {
        return Ok(format!("`{}` is this program already\n", link.display()));
    }
    let mut told = String::new();
    if std::fs::symlink_metadata(&link).is_ok() {
        if std::fs::symlink_metadata(&kept).is_ok() {
            return Err(Failure::message(format!("both `{}` and `{KEPT}` are there", link.display()))
                .hint("one of them is from before: move it away"));
        }
        std::fs::rename(&link, &kept).map_err(fail(&format!("move `{}`", link.display())))?;
        told = format!("what was there is kept as `{}`\n", kept.display());
    }
    let linked = std::os::unix::fs::symlink(program, &link);
    if let Err(error) = linked {
        // As it was.
        drop(std::fs::rename(&kept, &link));
        return Err(Failure::message(format!("cannot make `{}`: {error}", link.display())));
    }
    told.push_str(&format!("`docker compose` is `{}` from now on\n", program.display()));
    Ok(told)
}

fn remove(folder: &Path, program: &Path) -> Result<String, Failure> {
    let (link, kept) = (folder.join(NAME), folder.join(KEPT));
    match std::fs::symlink_metadata(&link) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Ok(format!("`{}` is not there\n", link.display()));
        }
        _ if !is_ours(&link, program) => {
            return Err(Failure::message(format!("`{}` is not this program", link.display()))
                .hint("it was left as it is"));
        }
        _ => {}
    }
    let removed = std::fs::remove_file(&link);
    removed.map_err(|error| Failure::message(format!("cannot remove `{}`: {error}", link.display())))?;
    if std::fs::rename(&kept, &link).is_ok() {
        return Ok(format!("`{}` is what it was before\n", link.display()));
    }
    Ok(format!("removed `{}`\n", link.display()))
}

/// Whether a plugin is a link to this program, or to one of its name that is gone.
fn is_ours(link: &Path, program: &Path) -> bool {
    std::fs::read_link(link).is_ok_and(|target| {
        target == program || (target.file_name() == program.file_name() && !target.exists())
    })
}
