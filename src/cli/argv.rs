//! The three ways to be called: as `stack`, as `docker-compose`, and as the docker plugin `compose`.
//!
//! The docker command runs a plugin with its own words: `docker-compose [DOCKER-FLAGS] compose [WORDS]`, and asks it what it is
//! with `docker-cli-plugin-metadata`. Alone, `docker-compose` takes the docker command's flags among its own.
//! <https://github.com/docker/cli/blob/master/docs/extend/cli_plugins.md>

use super::Failure;
use std::path::Path;

/// How the process was called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called {
    /// The words, without the program's name and what is the docker command's.
    pub words: Vec<String>,
    /// What the docker command's flags come to, as the variables that mean the same.
    pub variables: Vec<(&'static str, String)>,
    /// The name that help and usage show.
    pub name: &'static str,
    /// As `docker-compose`, in either way: version and words are those that tools look for.
    pub as_compose: bool,
    /// The docker command wants to know what the plugin is.
    pub asked_what_it_is: bool,
}

/// The flags of the docker command, before its own command.
#[derive(Debug, Clone, Copy)]
enum Docker {
    /// With a value, which a variable can say as well.
    Variable(&'static str),
    /// Without a value, which a variable can say as well.
    Switch(&'static str),
    /// With a value that means nothing here.
    Ignored,
    /// Without a value, and without meaning here.
    IgnoredSwitch,
}

fn docker_flag(name: &str) -> Option<Docker> {
    Some(match name {
        "-H" | "--host" => Docker::Variable("DOCKER_HOST"),
        "-c" | "--context" => Docker::Variable("DOCKER_CONTEXT"),
        "--config" => Docker::Variable("DOCKER_CONFIG"),
        "--tls" => Docker::Switch("DOCKER_TLS"),
        "--tlsverify" => Docker::Switch("DOCKER_TLS_VERIFY"),
        "-l" | "--log-level" | "--tlscacert" | "--tlscert" | "--tlskey" => Docker::Ignored,
        "-D" | "--debug" => Docker::IgnoredSwitch,
        _ => return None,
    })
}

/// Takes the command line apart. `program` is what the process was started as, `as_plugin` whether the docker command says so.
///
/// # Errors
/// A flag of the docker command without its value.
pub fn settle(program: &str, words: Vec<String>, as_plugin: bool) -> Result<Called, Failure> {
    let file = Path::new(program).file_name().unwrap_or_default().to_string_lossy();
    let as_compose = matches!(file.as_ref(), "docker-compose" | "docker-compose.exe");
    let name = match (as_compose, as_plugin) {
        (true, true) => "docker compose",
        (true, false) => "docker-compose",
        (false, _) => "stack",
    };
    let mut called =
        Called { words: Vec::new(), variables: Vec::new(), name, as_compose, asked_what_it_is: false };
    if !as_compose {
        called.words = words;
        return Ok(called);
    }
    // The docker command asks what could come next: `__complete compose up ""`.
    if let [complete, compose, rest @ ..] = words.as_slice()
        && complete == super::complete::WORD
        && compose == "compose"
    {
        called.words = std::iter::once(complete).chain(rest).cloned().collect();
        return Ok(called);
    }
    let mut words = words.into_iter().peekable();
    // `docker help compose` is passed on as it was typed.
    let mut wants_help = false;
    while let Some(word) = words.peek() {
        if word == "docker-cli-plugin-metadata" {
            called.asked_what_it_is = true;
            return Ok(called);
        }
        if word == "help" && !wants_help {
            wants_help = true;
        } else if let Some(found) = docker_word(word) {
            let (flag, name, value) = found;
            words.next();
            called.take(flag, &name, value.or_else(|| words.peek().cloned()), &mut words)?;
            continue;
        } else if as_plugin && word == "compose" {
            words.next();
            break;
        } else {
            break;
        }
        words.next();
    }
    // `-v` and `--version` are a command there.
    if words.peek().is_some_and(|word| matches!(word.as_str(), "-v" | "--version")) {
        words.next();
        called.words.push("version".to_owned());
    }
    called.words.extend(words);
    if wants_help {
        called.words.insert(0, "--help".to_owned());
    }
    Ok(called)
}

/// A flag of the docker command in a word: what it is, its name, and its value when that is in the same word.
fn docker_word(word: &str) -> Option<(Docker, String, Option<String>)> {
    if let Some((name, value)) = word.split_once('=') {
        return Some((docker_flag(name)?, name.to_owned(), Some(value.to_owned())));
    }
    if let Some(flag) = docker_flag(word) {
        return Some((flag, word.to_owned(), None));
    }
    // `-Htcp://…`
    let short = word.get(..2).filter(|short| word.len() > 2 && matches!(*short, "-H" | "-c" | "-l"))?;
    Some((docker_flag(short)?, short.to_owned(), word.get(2..).map(ToOwned::to_owned)))
}

impl Called {
    fn take(
        &mut self,
        flag: Docker,
        name: &str,
        value: Option<String>,
        words: &mut std::iter::Peekable<std::vec::IntoIter<String>>,
    ) -> Result<(), Failure> {
        let variable = match flag {
            Docker::IgnoredSwitch => return Ok(()),
            Docker::Switch(variable) => {
                self.variables.push((variable, "1".to_owned()));
                return Ok(());
            }
            Docker::Variable(variable) => Some(variable),
            Docker::Ignored => None,
        };
        let Some(value) = value else {
            return Err(Failure::message(format!("`{name}` needs a value")));
        };
        // A value in a word of its own is taken with it.
        if words.peek() == Some(&value) {
            words.next();
        }
        if variable == Some("DOCKER_HOST") {
            // A host named on the command line wins over a context in a variable.
            self.variables.push(("DOCKER_CONTEXT", String::new()));
        }
        if variable == Some("DOCKER_CONTEXT") {
            self.variables.push(("DOCKER_HOST", String::new()));
        }
        self.variables.extend(variable.map(|variable| (variable, value)));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(program: &str, words: &str, as_plugin: bool) -> Called {
        settle(program, words.split_whitespace().map(ToOwned::to_owned).collect(), as_plugin).unwrap()
    }

    #[test]
    fn as_a_plugin_the_docker_command_s_own_words_are_taken_out() {
        let found = called("/x/docker-compose", "compose up -d", true);
        assert_eq!((found.words.join(" ").as_str(), found.name), ("up -d", "docker compose"));
        let found =
            called("/x/docker-compose", "-H unix:///e.sock -D --log-level=info compose -p x ps", true);
        assert_eq!(found.words.join(" "), "-p x ps");
        assert!(found.variables.contains(&("DOCKER_HOST", "unix:///e.sock".to_owned())), "{found:?}");
        assert!(found.variables.contains(&("DOCKER_CONTEXT", String::new())), "{found:?}");
        let found = called("docker-compose", "--context there compose compose", true);
        assert_eq!(found.words, ["compose"], "only the first is the docker command's");
        assert!(found.variables.contains(&("DOCKER_CONTEXT", "there".to_owned())));
        assert_eq!(called("docker-compose", "help compose", true).words, ["--help"]);
        assert_eq!(called("docker-compose", "-v", false).words, ["version"]);
        assert_eq!(
            called("docker-compose", "__complete compose up w", true).words,
            ["__complete", "up", "w"]
        );
    }

    #[test]
    fn alone_it_takes_the_docker_command_s_flags_before_its_command_only() {
        let found = called("docker-compose", "-Htcp://h:1 --tlsverify -f x.yaml exec -c sh web", false);
        assert_eq!(
            (found.words.join(" ").as_str(), found.name),
            ("-f x.yaml exec -c sh web", "docker-compose")
        );
        assert!(found.variables.contains(&("DOCKER_HOST", "tcp://h:1".to_owned())), "{found:?}");
        assert!(settle("docker-compose", vec!["-H".to_owned()], false).is_err());
    }

    #[test]
    fn what_it_is_is_told_and_stack_takes_everything_as_it_is() {
        assert!(called("docker-compose", "docker-cli-plugin-metadata", false).asked_what_it_is);
        let found = called("/usr/bin/stack", "-H x compose", false);
        assert_eq!((found.words.join(" ").as_str(), found.as_compose), ("-H x compose", false));
    }
}
