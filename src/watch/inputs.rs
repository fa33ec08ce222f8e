//! Every file that the model was made of: when one changes, the stack file has to be read again.

use crate::load::Loaded;
use crate::source::SourceMap;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Names that are found without being named: where one appears, it is read.
const DISCOVERED: [&str; 9] = [
    "compose.override.yaml",
    "compose.override.yml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
    "compose.yaml",
    "compose.yml",
    "stack.yaml",
    "stack.override.yaml",
    ".env",
];

/// The files that were read, and those that would be if they were there.
pub fn of(loaded: &Loaded) -> BTreeSet<PathBuf> {
    let project = &loaded.project;
    let mut files = texts(&loaded.sources);
    files.extend(project.env_files.iter().map(PathBuf::from));
    for service in project.services.values() {
        files.extend(service.env_file.iter().map(|file| PathBuf::from(&file.path)));
        if let Some(build) = &service.build {
            let context = Path::new(&build.context);
            if context.is_dir() {
                let dockerfile = build.dockerfile_path();
                files.insert(context.join(dockerfile));
                files.insert(context.join(".dockerignore"));
                files.insert(context.join(format!("{dockerfile}.dockerignore")));
            }
        }
    }
    for object in project.configs.values().chain(project.secrets.values()) {
        if !object.file.is_empty() {
            files.insert(PathBuf::from(&object.file));
        }
    }
    files.extend(DISCOVERED.iter().map(|name| project.working_dir.join(name)));
    files.retain(|file| file.is_absolute());
    files
}

/// The files behind the texts of a load, also of one that failed.
pub fn texts(sources: &SourceMap) -> BTreeSet<PathBuf> {
    sources.iter().map(|source| source.path.clone()).filter(|path| path.is_absolute()).collect()
}

/// Whether a file is what images are built by, and not what the stack is made of.
pub fn is_build_file(loaded: &Loaded, path: &Path) -> bool {
    let builds = loaded.project.services.values().filter_map(|service| service.build.as_ref());
    builds.into_iter().any(|build| {
        let context = Path::new(&build.context);
        let dockerfile = build.dockerfile_path();
        path == context.join(dockerfile)
            || path == context.join(".dockerignore")
            || path == context.join(format!("{dockerfile}.dockerignore"))
    })
}
