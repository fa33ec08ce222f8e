//! Words of a command line, as the parser will take them: which flag one is, and whether its value is in it.

use clap::{Arg, Command};

/// The command that the words have come to.
#[derive(Debug, Clone, Copy)]
pub struct At<'a> {
    root: &'a Command,
    /// That command.
    pub command: &'a Command,
}

impl<'a> At<'a> {
    /// The beginning.
    pub fn start(root: &'a Command) -> Self {
        Self { root, command: root }
    }

    /// Goes on to a command below, when a word is one's name.
    pub fn enter(&mut self, word: &str) -> bool {
        let below = self.command.find_subcommand(word);
        self.command = below.unwrap_or(self.command);
        below.is_some()
    }

    /// Whether another program's words begin behind the next word that is no flag: the service of `exec` and `run`.
    pub fn hands_over(&self) -> bool {
        self.command.get_positionals().any(Arg::is_trailing_var_arg_set)
    }

    /// The flag that a word is, or the last of several short ones, and whether its value is in the word. What is behind `=` does
    /// not belong to `name`.
    pub fn flag(&self, name: &str) -> Option<(&'a Arg, bool)> {
        match name.strip_prefix("--") {
            Some(long) => self.find(|arg| has_long(arg, long)).map(|arg| (arg, false)),
            None => self.last_of(name.strip_prefix('-')?),
        }
    }

    fn last_of(&self, shorts: &str) -> Option<(&'a Arg, bool)> {
        let mut last = None;
        let mut shorts = shorts.chars();
        while let Some(short) = shorts.next() {
            let is_it =
                |arg: &Arg| arg.get_short_and_visible_aliases().is_some_and(|all| all.contains(&short));
            let arg = self.find(is_it)?;
            last = Some((arg, false));
            if takes_value(arg) {
                last = Some((arg, !shorts.as_str().is_empty()));
                break;
            }
        }
        last
    }

    fn find(&self, is_it: impl Fn(&Arg) -> bool) -> Option<&'a Arg> {
        let own = self.command.get_arguments().find(|arg| is_it(arg));
        own.or_else(|| self.global().find(|arg| is_it(arg)))
    }

    /// The flags that may stand behind every command.
    pub fn global(&self) -> impl Iterator<Item = &'a Arg> + use<'a> {
        self.root.get_arguments().filter(|arg| arg.is_global_set())
    }
}

/// Whether a flag has this name.
pub fn has_long(arg: &Arg, long: &str) -> bool {
    arg.get_long() == Some(long) || arg.get_all_aliases().is_some_and(|all| all.contains(&long))
}

/// Whether a value has to follow: not where one can only stand behind `=`.
pub fn takes_value(arg: &Arg) -> bool {
    arg.get_action().takes_values() && !arg.is_require_equals_set()
}
