//! The keys of an attached `up`, in a terminal.

use crate::support::scenario::{Scenario, on_the_real, scenario};
use rustix::process::Signal;

const FILE: &str = "\
services:
  web:
    image: busybox
    command: sh -c 'echo hello; sleep infinity'
    stop_signal: SIGKILL
";

const MENU: &str = "v Watch State   w Enable Watch   d Detach";

fn states(story: &Scenario<'_>) -> Vec<String> {
    story.look().of("web").iter().map(|seen| seen.state.clone()).collect()
}

#[test]
fn the_detach_key_leaves_everything_running_and_the_terminal_as_it_was() {
    scenario("`d` must end the logs with 0, and nothing else", |story| {
        story.step("up in a terminal, then d").file("compose.yaml", FILE);
        let mut terminal = story.types("up");
        terminal.shows("hello", 1).shows(MENU, 1);
        story.must(!terminal.is_as_before(), "keys are told one by one");
        terminal.press("d");
        let code = terminal.ends();
        story.must(code == Some(0), &format!("it ends with 0: {code:?}\n{}", terminal.screen()));
        story.must(terminal.is_as_before(), "the terminal is as it was");
        let states = states(story);
        story.must(states == ["running"], &format!("it runs on: {states:?}"));
    });
}

#[test]
fn an_interrupt_key_stops_the_project_and_leaves_the_terminal_as_it_was() {
    scenario("Ctrl-C must be what it is without a menu", |story| {
        story.step("up in a terminal, then Ctrl-C").file("compose.yaml", FILE);
        let mut terminal = story.types("up");
        terminal.shows(MENU, 1);
        terminal.press("\u{3}").shows("Gracefully Stopping", 1);
        let code = terminal.ends();
        story.must(code == Some(130), &format!("it ends with 130: {code:?}\n{}", terminal.screen()));
        story.must(terminal.is_as_before(), "the terminal is as it was");
        let states = states(story);
        story.must(states == ["exited"], &format!("it was stopped: {states:?}"));
    });
}

#[test]
fn a_signal_that_ends_it_at_once_leaves_the_terminal_as_it_was() {
    scenario("a terminal must never be left without echo", |story| {
        for (signal, code) in [(Signal::QUIT, 131), (Signal::HUP, 129)] {
            story.step("up in a terminal, then a signal").file("compose.yaml", FILE);
            let mut terminal = story.types("up");
            terminal.shows(MENU, 1).signal(signal);
            let ended = terminal.ends();
            story.must(ended == Some(code), &format!("as the signal says: {ended:?}"));
            story.must(terminal.is_as_before(), "the terminal is as it was");
        }
    });
}

#[test]
fn a_suspend_key_gives_the_terminal_back_until_it_goes_on() {
    scenario("Ctrl-Z must leave a shell a terminal that echoes, and `fg` bring the keys back", |story| {
        story.step("up in a shell, then Ctrl-Z").file("compose.yaml", FILE);
        let mut terminal = story.types_in_a_shell("up");
        terminal.shows(MENU, 1);
        story.must(!terminal.is_as_before(), "keys are told one by one");
        terminal.press("\u{1a}").shows("Stopped", 1);
        story.must(terminal.is_as_before(), "the shell has the terminal as it was");
        story.must(states(story) == ["running"], "it runs on");
        story.step("fg, and a key");
        terminal.press("fg\n").press("v").shows("no files are followed; w follows them", 1);
        story.must(!terminal.is_as_before(), "keys are told one by one again");
        // What is typed before the shell asks for it would be keys.
        terminal.press("d").shows("sh$ ", 3);
        terminal.press("exit 7\n");
        let code = terminal.ends();
        story.must(code == Some(7), &format!("the shell goes on after it: {code:?}\n{}", terminal.screen()));
        story.must(terminal.is_as_before(), "the terminal is as it was");
    });
}

#[test]
fn the_menu_can_be_left_out() {
    scenario("without a menu keys must be left to the terminal", |story| {
        for (words, variable) in [("up --menu=false", ""), ("up", "false")] {
            story.step("up in a terminal").file("compose.yaml", FILE).environment("COMPOSE_MENU", variable);
            let mut terminal = story.types(words);
            terminal.shows("hello", 1);
            story.must(terminal.is_as_before(), "the terminal was not touched");
            terminal.press("\u{3}");
            let code = terminal.ends();
            story.must(code == Some(130), &format!("Ctrl-C stops it: {code:?}"));
            story.must(!terminal.screen().contains("Detach"), "there is no menu");
            story.runs("down").exits(0);
        }
    });
}

#[test]
fn a_key_turns_watching_on_and_off() {
    on_the_real("`w` must follow the files from now on, until it is pressed again", |story| {
        let file = format!(
            "{FILE}    develop:\n      watch:\n        - {{path: ./src, action: sync, target: /app}}\n"
        );
        story.step("up in a terminal").file("compose.yaml", &file).file("src/a", "1\n");
        let mut terminal = story.types("up");
        terminal.shows(MENU, 1);
        terminal.press("v").shows("no files are followed; w follows them", 1);
        story.step("w, and a file is saved");
        terminal.press("w").shows("for 1 rule; Ctrl-C ends it", 1).shows("w Disable Watch", 1);
        story.file("src/a", "2\n");
        terminal.shows("Synced", 1);
        story.runs("exec -T web cat /app/a").exits(0).prints("2");
        terminal.press("v").shows("for 1 rule", 2);
        story.step("w again, and a file is saved");
        terminal.press("w").shows("not followed any more", 1).shows(MENU, 2);
        story.file("src/a", "3\n");
        story.step("w once more: what was saved meanwhile arrives");
        terminal.press("w").shows("Ctrl-C ends it", 2).shows("Synced", 2);
        story.runs("exec -T web cat /app/a").exits(0).prints("3");
        terminal.press("\n");
        terminal.press("d");
        let code = terminal.ends();
        story.must(code == Some(0), &format!("it ends with 0: {code:?}\n{}", terminal.screen()));
        story.must(states(story) == ["running"], "it runs on");
    });
}

#[test]
fn while_files_are_followed_an_up_stays_when_everything_has_ended() {
    on_the_real("with `w` on, `up` must go on when nothing runs, and end with it off", |story| {
        let waits = "sh -c 'echo hello; until [ -e /go ]; do sleep 0.05; done; rm /go'";
        let file = format!(
            "{}    develop:\n      watch:\n        - {{path: ./src, action: sync, target: /app}}\n",
            FILE.replace("sh -c 'echo hello; sleep infinity'", waits)
        );
        story.must(file.contains(waits), "it can be ended");
        story.step("up in a terminal, and w").file("compose.yaml", &file).file("src/a", "1\n");
        let mut terminal = story.types("up");
        terminal.shows(MENU, 1);
        terminal.press("w").shows("for 1 rule; Ctrl-C ends it", 1);
        story.step("all containers exit").runs("exec -T web touch /go");
        terminal.shows("exited with code 0", 1);
        story.step("it is there still, and gives files to what somebody starts");
        terminal.press("v").shows("for 1 rule", 2);
        story.file("src/a", "2\n").runs("start web").exits(0);
        terminal.shows("Synced", 1);
        story.runs("exec -T web cat /app/a").exits(0).prints("2");
        story.runs("kill web").exits(0);
        terminal.shows("exited with code 137", 1);
        story.step("w again: nothing is left to stay for");
        terminal.press("w");
        let code = terminal.ends();
        story.must(code == Some(0), &format!("it ends with 0: {code:?}\n{}", terminal.screen()));
    });
}

/// The word by which this program knows that it is the child of the test below; no test has it for a name.
const CHILD: &str = "the-child-that-panics";

#[test]
fn a_bug_leaves_the_terminal_as_it_was_and_can_be_read() {
    // `stack` itself has no bug to call up: this program, which has the same guards, is what panics.
    if std::env::args().any(|word| word == CHILD) {
        stack::ui::bug::leave_terminals_alone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let keys = stack::ui::keys::Keys::open().expect("keys");
            stack::ui::stream::note("the menu");
            // Dropped last, as in an attached `up`.
            let _keys = keys;
            panic!("a planted bug");
        });
    }
    let mut command = std::process::Command::new(std::env::current_exe().expect("this program"));
    let name = "scenarios::menu::a_bug_leaves_the_terminal_as_it_was_and_can_be_read";
    command.args(["--exact", name, CHILD, "--nocapture"]).current_dir(std::env::temp_dir());
    let mut terminal = crate::support::terminal::Terminal::start(&command);
    terminal.shows("error: this is a bug in stack", 1);
    let code = terminal.ends();
    let screen = terminal.screen();
    assert_eq!(code, Some(101), "{screen}");
    assert!(terminal.is_as_before(), "{screen}");
    assert!(screen.contains("the menu\r\u{1b}[K"), "what was there made way: {screen:?}");
    assert!(screen.contains("a planted bug\r\n"), "the lines end as lines do: {screen:?}");
}
