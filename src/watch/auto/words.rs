//! What the names in a Dockerfile tell: programs that read sources as they are, files that say what to install, commands that
//! build.

/// Files that say what is to be installed: a change of them is worth a build.
pub(super) const MANIFESTS: [&str; 34] = [
    "package.json",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lockb",
    "bun.lock",
    "deno.lock",
    "requirements.txt",
    "pyproject.toml",
    "poetry.lock",
    "uv.lock",
    "Pipfile",
    "Pipfile.lock",
    "setup.py",
    "setup.cfg",
    "environment.yml",
    "Gemfile",
    "Gemfile.lock",
    "composer.json",
    "composer.lock",
    "Cargo.toml",
    "Cargo.lock",
    "go.mod",
    "go.sum",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "gradle.lockfile",
    "mix.exs",
    "mix.lock",
    "cpanfile",
    "Package.swift",
    "Package.resolved",
];

/// Programs that run sources as they are.
const INTERPRETERS: [&str; 36] = [
    "python",
    "node",
    "nodejs",
    "npm",
    "npx",
    "yarn",
    "pnpm",
    "bun",
    "deno",
    "tsx",
    "ts-node",
    "nodemon",
    "next",
    "vite",
    "ruby",
    "bundle",
    "rails",
    "rackup",
    "puma",
    "unicorn",
    "php",
    "php-fpm",
    "apache2-foreground",
    "perl",
    "flask",
    "gunicorn",
    "uvicorn",
    "hypercorn",
    "fastapi",
    "celery",
    "streamlit",
    "django-admin",
    "poetry",
    "pipenv",
    "uv",
    "lua",
];

/// Images whose programs do.
const INTERPRETED_IMAGES: [&str; 13] = [
    "python",
    "node",
    "ruby",
    "php",
    "perl",
    "bun",
    "deno",
    "pypy",
    "rails",
    "django",
    "wordpress",
    "nodejs",
    "jruby",
];

/// Images and programs that hand files out as they are on each request.
const SERVERS: [&str; 6] = ["nginx", "httpd", "caddy", "apache2", "lighttpd", "nginx-unprivileged"];

/// Words of a command that looks at its files itself, or reads them anew each time.
const RELOADERS: [&str; 16] = [
    "--reload",
    "--watch",
    "--hot",
    "--debug",
    "nodemon",
    "dev",
    "develop",
    "vite",
    "watch",
    "php-fpm",
    "apache2-foreground",
    "runserver",
    "streamlit",
    "start:dev",
    "serve",
    "--autoreload",
];

/// Words of a `RUN` that makes something else of the sources.
const BUILDERS: [&str; 23] = [
    "make",
    "cmake",
    "ninja",
    "tsc",
    "webpack",
    "esbuild",
    "gcc",
    "g++",
    "cc",
    "javac",
    "mvn",
    "gradle",
    "./gradlew",
    "./mvnw",
    "cargo",
    "go",
    "dotnet",
    "build",
    "compile",
    "assets:precompile",
    "collectstatic",
    "rustc",
    "zig",
];

/// The bare name of a program: without folders, versions, quotes.
fn program(word: &str) -> &str {
    let name = word.trim_matches(['"', '\'', '[', ']', ',']).rsplit('/').next().unwrap_or_default();
    name.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '.')
}

/// The bare name of an image: without registry, tag, digest.
fn image(reference: &str) -> &str {
    let name = reference.rsplit('/').next().unwrap_or_default();
    name.split([':', '@']).next().unwrap_or_default()
}

pub(super) fn is_manifest(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let by_pattern = |(before, after): (&str, &str)| {
        before.len() > 2 && MANIFESTS.iter().any(|one| one.starts_with(before) && one.ends_with(after))
    };
    MANIFESTS.contains(&name)
        || name.split_once('*').is_some_and(by_pattern)
        || name.strip_prefix("requirements").is_some_and(|rest| rest.strip_suffix(".txt").is_some())
        || name.ends_with(".csproj")
        || name.ends_with(".gemspec")
}

/// How what is copied is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Read anew whenever it is needed.
    Live,
    /// Read once, when the program starts.
    AtStart,
    /// Made into something else by a build.
    Compiled,
}

/// How an image with this base that runs this command uses its files.
pub(super) fn usage(base: &str, command: &[String]) -> Use {
    let words: Vec<&str> = command.iter().flat_map(|word| word.split_whitespace()).collect();
    // A shell in front, or a script of it, is no answer.
    let mut named = words.iter().map(|word| program(word));
    let is_script = words.iter().any(|word| {
        let word = word.trim_matches(['"', '\'']);
        [".py", ".js", ".mjs", ".cjs", ".ts", ".rb", ".php", ".pl", ".sh", ".lua"]
            .iter()
            .any(|end| word.ends_with(end))
    });
    let serves = SERVERS.contains(&image(base)) && named.clone().all(|word| !INTERPRETERS.contains(&word));
    if serves || named.clone().any(|word| SERVERS.contains(&word)) {
        return Use::Live;
    }
    let own = words.is_empty() || words.iter().all(|word| word.starts_with('-'));
    let by_image = INTERPRETED_IMAGES.contains(&image(base));
    let interpreted = named.any(|word| INTERPRETERS.contains(&word)) || is_script || by_image;
    if !interpreted {
        return Use::Compiled;
    }
    let reloads = words
        .iter()
        .any(|word| RELOADERS.contains(&word.trim_matches(['"', '\''])) || word.starts_with("--reload"));
    // The image's own command: PHP's reads its files with each request.
    if reloads || own && image(base) == "php" { Use::Live } else { Use::AtStart }
}

/// Whether a `RUN` makes something of the sources. Installing what manifests name does not.
pub(super) fn builds(run: &str) -> bool {
    run.split([';', '&', '|']).any(|part| {
        let words: Vec<&str> = part.split_whitespace().filter(|word| !word.starts_with("--")).collect();
        let installs = words.iter().any(|word| {
            ["install", "ci", "add", "sync", "download", "fetch", "update", "restore", "i"].contains(word)
        });
        !installs
            && words.iter().any(|word| BUILDERS.contains(&word.trim_matches(['"', '\'', '[', ']', ','])))
    })
}
