//! Every command and flag of the reference is understood, with its type, default and short form.
//!
//! `flags.txt` beside this file says what there has to be, and what is left out, with the reason.

use clap::{Arg, ArgAction, ArgMatches, Command};
use std::collections::BTreeSet;

const TABLE: &str = include_str!("flags.txt");

/// A line of the table about a flag, or about a command without any (`long` is `-` then).
#[derive(Debug)]
struct Row {
    command: &'static str,
    long: &'static str,
    short: Option<&'static str>,
    kind: &'static str,
    default: &'static str,
    hidden: bool,
    values: Vec<&'static str>,
}

/// The words that a command does not go without.
const POSITIONALS: &[(&str, &[&str])] = &[
    ("attach", &["web"]),
    ("commit", &["web"]),
    ("cp", &["web:/a", "b"]),
    ("exec", &["web", "sh"]),
    ("export", &["web"]),
    ("port", &["web", "80"]),
    ("run", &["web"]),
    ("scale", &["web=2"]),
    ("wait", &["web"]),
    ("completion", &["bash"]),
];

fn lines() -> impl Iterator<Item = Vec<&'static str>> {
    let told = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    told.map(|line| line.split_whitespace().collect())
}

fn rows() -> Vec<Row> {
    let told = lines().filter(|line| !matches!(line[0], "absent" | "ineffective" | "settled"));
    let rows = told.map(|line| {
        let [command, long, short, kind, default, hidden, values] = line[..] else { panic!("{line:?}") };
        let short = (short != "-").then_some(short);
        Row {
            command,
            long,
            short,
            kind,
            default,
            hidden: hidden == "hidden",
            values: values.split('|').collect(),
        }
    });
    rows.collect()
}

/// What the lines that begin with `word` are about: command and flag. All but `absent` have a reason.
fn exceptions(word: &str) -> BTreeSet<(&'static str, &'static str)> {
    let told = lines().filter(|line| line[0] == word);
    told.map(|line| {
        assert!(word == "absent" || line.len() > 4, "no reason: {line:?}");
        (line[1], line.get(2).copied().unwrap_or_default())
    })
    .collect()
}

fn find<'a>(root: &'a Command, path: &str) -> Option<&'a Command> {
    let names = path.split('/').filter(|name| *name != "-");
    names.into_iter().try_fold(root, |at, name| at.find_subcommand(name))
}

/// The flag of a row. Flags for all commands are the first one's.
fn flag<'a>(root: &'a Command, row: &Row) -> Option<&'a Arg> {
    find(root, row.command)?.get_arguments().find(|arg| arg.get_long() == Some(row.long))
}

/// Parses a row's command with these words of a flag.
fn parse(row: &Row, words: &[&str]) -> Result<ArgMatches, String> {
    let own = |word: &&str| (*word).to_owned();
    let mut line: Vec<String> =
        row.command.split('/').filter(|name| *name != "-").map(|name| own(&name)).collect();
    line.extend(words.iter().map(own));
    if row.command == "-" {
        line.push("ls".to_owned());
    }
    let positionals = POSITIONALS.iter().find(|(command, _)| *command == row.command);
    line.extend(positionals.into_iter().flat_map(|(_, words)| *words).map(own));
    let told = line.join(" ");
    let matches = stack::cli::matches("stack", line);
    let matches = matches
        .map_err(|error| format!("`stack {told}`: {}", error.to_string().lines().next().unwrap_or_default()));
    matches.map(|matches| {
        row.command
            .split('/')
            .filter(|name| *name != "-")
            .fold(matches, |at, _| at.subcommand().expect("a command").1.clone())
    })
}

/// What a flag came to, whatever its type is.
fn answer(matches: &ArgMatches, arg: &Arg) -> String {
    let given = matches.get_raw(arg.get_id().as_str()).into_iter().flatten();
    let texts: Vec<_> = given.map(|text| text.to_string_lossy().into_owned()).collect();
    texts.join(" ")
}

#[test]
fn the_table_is_the_whole_reference() {
    let rows = rows();
    let flags = rows.iter().filter(|row| row.long != "-").count();
    let commands: BTreeSet<_> = rows.iter().map(|row| row.command).collect();
    assert!(flags > 200 && commands.len() > 33, "{flags} flags of {} commands", commands.len());
    let root = stack::cli::command();
    let missing: Vec<_> = commands.iter().filter(|command| find(&root, command).is_none()).collect();
    assert!(missing.is_empty(), "no such commands: {missing:?}");
    for (command, _) in exceptions("absent") {
        assert!(
            find(&root, command).is_none(),
            "`{command}` is there by now: say so in flags.txt, flag by flag"
        );
    }
}

#[test]
fn every_flag_has_its_short_form_type_and_default() {
    let root = stack::cli::command();
    let (settled, mut wrong) = (exceptions("settled"), Vec::new());
    for row in rows().iter().filter(|row| row.long != "-") {
        let Some(arg) = flag(&root, row) else {
            wrong.push(format!("no flag: {row:?}"));
            continue;
        };
        let short = arg.get_short().map(String::from);
        let shorts = arg.get_short_and_visible_aliases().unwrap_or_default();
        if row.short.is_some_and(|short| !shorts.iter().any(|one| short == one.to_string())) {
            wrong.push(format!("short form {short:?}: {row:?}"));
        }
        if arg.is_hide_set() && !row.hidden {
            wrong.push(format!("hidden: {row:?}"));
        }
        let is_switch = matches!(arg.get_action(), ArgAction::SetTrue | ArgAction::Version);
        let repeats = matches!(arg.get_action(), ArgAction::Append);
        let fits = match row.kind {
            "bool" => {
                is_switch || (!repeats && arg.get_num_args().is_some_and(|range| range.min_values() == 0))
            }
            "stringArray" | "list" | "filter" => repeats,
            "string" | "int" | "uint" | "bytes" => !is_switch && !repeats,
            other => panic!("{other}"),
        };
        if !fits {
            wrong.push(format!("{:?}: {row:?}", arg.get_action()));
        }
        let ours: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        let nothing = matches!(row.default, "-" | "false" | "[]" | "0");
        // Without an answer a form is the first of its forms.
        let first = matches!(ours.first().map(AsRef::as_ref), Some("" | "0")) || ours == row.values[..1];
        let same = if ours.is_empty() { nothing } else { ours == [row.default] || (nothing && first) };
        let excepted = row.hidden && exceptions("ineffective").contains(&(row.command, row.long));
        if !same && !excepted && !settled.contains(&(row.command, row.long)) {
            wrong.push(format!("default {ours:?}: {row:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_form_of_a_flag_is_understood_and_may_be_repeated() {
    let root = stack::cli::command();
    let mut wrong = Vec::new();
    for row in rows().iter().filter(|row| row.long != "-" && row.long != "version") {
        let arg = flag(&root, row).unwrap();
        let long = format!("--{}", row.long);
        let short = row.short.map(|short| format!("-{short}"));
        let names: Vec<&str> = std::iter::once(long.as_str()).chain(short.as_deref()).collect();
        let mut check = |words: &[&str], expected: Option<&str>| match parse(row, words) {
            Err(error) => wrong.push(error),
            Ok(matches) => {
                let got = answer(&matches, arg);
                if expected.is_some_and(|expected| got != expected) {
                    wrong.push(format!("{} {words:?} is `{got}`", row.command));
                }
            }
        };
        let optional = !matches!(arg.get_action(), ArgAction::SetTrue)
            && arg.get_num_args().is_some_and(|range| range.min_values() == 0);
        for name in names {
            if row.kind == "bool" {
                check(&[name, name], None);
                for (answer, ours) in [("true", true), ("false", false), ("1", true), ("F", false)] {
                    check(
                        &[&format!("{name}={answer}")],
                        optional.then_some(if ours { "true" } else { "false" }),
                    );
                }
                continue;
            }
            for value in &row.values {
                check(&[&format!("{name}={value}")], Some(value));
                if optional {
                    continue;
                }
                check(&[name, value], Some(value));
                let twice = format!("{value} {value}");
                let expected = if matches!(arg.get_action(), ArgAction::Append) { &twice } else { *value };
                check(&[name, value, name, value], Some(expected));
                if !name.starts_with("--") {
                    check(&[&format!("{name}{value}")], Some(value));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn numbers_are_checked_and_what_no_one_knows_is_refused() {
    for row in rows().iter().filter(|row| matches!(row.kind, "int" | "uint")) {
        let error = parse(row, &[&format!("--{}", row.long), "many"]).unwrap_err();
        assert!(error.contains("invalid value 'many'"), "{error}");
    }
    for row in rows() {
        let error = parse(&row, &["--no-such-flag-anywhere"]).unwrap_err();
        assert!(error.contains("unexpected argument"), "{error}");
    }
}

#[test]
fn flags_without_effect_are_hidden_and_few() {
    let root = stack::cli::command();
    let mut found = BTreeSet::new();
    let mut look = |path: &'static str, command: &Command| {
        for arg in command.get_arguments() {
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
            if help.starts_with("Without effect") {
                assert!(arg.is_hide_set(), "{path} {arg:?}");
                let known = rows()
                    .iter()
                    .find(|row| Some(row.long) == arg.get_long() && row.command == path)
                    .map(|row| row.long);
                found.insert((path, known.unwrap_or_else(|| panic!("the reference has no {path} {arg:?}"))));
            }
        }
    };
    let paths: BTreeSet<_> = rows().iter().map(|row| row.command).collect();
    for path in paths {
        look(path, find(&root, path).unwrap());
    }
    assert_eq!(found, exceptions("ineffective"));
}
