//! Every change of a run goes wrong once, in every way: refused, cut off before and after, and the run killed before and
//! after. One plain command more, and everything is as if nothing had happened.

use crate::support::checks::Snapshot;
use crate::support::fake_engine::{FakeEngine, Fault};
use crate::support::scenario::{Scenario, on_the_fake};
use std::collections::BTreeMap;
use std::time::Duration;

/// What is done to a change.
#[derive(Clone, Copy, Debug)]
enum Mishap {
    Refused,
    CutBefore,
    CutAfter,
    KilledBefore,
    KilledAfter,
    /// And what it had asked for last is done when the next run has looked.
    KilledLate,
}

const MISHAPS: [Mishap; 6] = [
    Mishap::Refused,
    Mishap::CutBefore,
    Mishap::CutAfter,
    Mishap::KilledBefore,
    Mishap::KilledAfter,
    Mishap::KilledLate,
];

/// A way from one file to another.
struct Case {
    /// The file before; none when there is nothing.
    before: Option<String>,
    /// The file after.
    after: String,
    /// The command that goes wrong, and that puts it right.
    command: &'static str,
    /// The numbers of each service's containers in the end.
    expect: &'static [(&'static str, &'static [u32])],
    /// `web` has hooks: a run whose connection is cut in one fails, because nobody knows what the hook did.
    hooks: bool,
}

fn file(colour: &str, scale: u32, network: &str, order: &str) -> String {
    format!(
        "\
services:
  web:
    image: busybox
    command: sleep infinity
    scale: {scale}
    volumes: [/data]
    networks: [front]
    environment: {{COLOUR: {colour}}}
    deploy: {{update_config: {{order: {order}}}}}
  db:
    image: busybox
    command: sleep infinity
    volumes: [/data, \"kept:/kept\"]
    networks: [front]
networks:
  front: {{labels: {{is: {network}}}}}
volumes:
  kept:
"
    )
}

/// Returns whether the change came to be made at all.
fn run(story: &mut Scenario<'_>, fake: &FakeEngine, k: usize, mishap: Mishap, words: &str) -> bool {
    let fault = match mishap {
        Mishap::Refused => Fault::Refuse { status: 500, message: "out of order".to_owned() },
        Mishap::CutBefore => Fault::CutBefore,
        Mishap::CutAfter => Fault::CutAfter,
        Mishap::KilledBefore => Fault::Hang,
        Mishap::KilledAfter => Fault::HangAfter,
        Mishap::KilledLate => Fault::HangLate,
    };
    fake.trap(k, "CHANGE", "*", fault);
    match mishap {
        Mishap::Refused | Mishap::CutBefore | Mishap::CutAfter => {
            story.runs(words);
        }
        Mishap::KilledBefore | Mishap::KilledAfter | Mishap::KilledLate => {
            let mut running = story.begins(words);
            while !running.has_ended() && !fake.hangs_within(Duration::from_millis(10)) {}
            running.kill();
        }
    }
    fake.heal()
}

/// The volume of each container's `/data`.
fn volumes(snapshot: &Snapshot) -> BTreeMap<(String, u32), String> {
    let of = |one: &crate::support::checks::Seen| one.volumes.get("/data").cloned().unwrap_or_default();
    snapshot.0.iter().map(|one| ((one.service.clone(), one.number), of(one))).collect()
}

fn all_is_well(story: &mut Scenario<'_>, case: &Case, before: &BTreeMap<(String, u32), String>) {
    let now = story.look();
    for (service, numbers) in case.expect {
        let run: Vec<u32> =
            now.of(service).into_iter().filter(|one| one.state == "running").map(|one| one.number).collect();
        // A number that was lost on the way up is not used again: the next is above the highest.
        let same = if numbers.len() > 2 { run.len() == numbers.len() } else { run == *numbers };
        story.must(same, &format!("`{service}` runs with the numbers {numbers:?}, and not {run:?}"));
    }
    let wanted: usize = case.expect.iter().map(|(_, numbers)| numbers.len()).sum();
    story.must(now.0.len() == wanted, &format!("there are {wanted} containers and no more: {now:?}"));
    for one in &now.0 {
        let name = format!("{}-{}-{}", story.project(), one.service, one.number);
        story.must(one.name == name, &format!("`{}` has its own name", one.name));
        if let Some(volume) = before.get(&(one.service.clone(), one.number)) {
            let kept = one.volumes.get("/data") == Some(volume);
            story.must(kept, &format!("`{name}` has kept its volume {volume}: {:?}", one.volumes));
        }
    }
    if case.command.starts_with("down") {
        story.nothing_left();
    } else {
        story.step("nothing is left to do").runs("plan --detailed-exitcode").exits(0);
    }
}

/// Each container of `web` was told, and nothing that keeps the books of it is left.
fn hooks_have_run(story: &mut Scenario<'_>, fake: &FakeEngine) {
    let web: Vec<(String, bool)> = fake.with(|world| {
        let of_web = world.containers.iter().filter(|one| one.name.contains("-web-"));
        of_web.map(|one| (one.name.clone(), one.files.contains("/told"))).collect()
    });
    story.must(!web.is_empty() && web.iter().all(|(_, told)| *told), &format!("all were told: {web:?}"));
    let prepared = fake.with(|world| world.events.iter().any(|event| event["Action"] == "destroy"));
    story.must(prepared, "the container of the `pre_start` hook was there, and is gone");
    let books = story.labelled("networks", &format!("dev.stack.hooks={}", story.project()));
    story.must(books.is_empty(), &format!("no books are left: {books:?}"));
}

/// Lets the k-th change go wrong, for every k there is. Returns how many there were.
fn every_change_goes_wrong(what: &str, mishap: Mishap, case: &Case) -> usize {
    for k in 1.. {
        let met = on_the_fake(&format!("{what}: {mishap:?} at change {k}"), |story, fake| {
            let mut before = BTreeMap::new();
            if let Some(file) = &case.before {
                story.step("before").file("compose.yaml", file).runs("up -d").exits(0);
                before = volumes(&story.look());
            }
            story.step("what goes wrong").file("compose.yaml", &case.after);
            let met = run(story, fake, k, mishap, case.command);
            if matches!(mishap, Mishap::CutBefore | Mishap::CutAfter) && !case.hooks {
                // The engine answers again: the run itself puts it right.
                story.exits(0);
            }
            story.step("once more").runs(case.command).exits(0);
            if matches!(mishap, Mishap::KilledLate)
                && case.expect.iter().any(|(_, numbers)| numbers.len() > 2)
            {
                // A container that came late with a number of its own is in nobody's way: the run after sees it.
                story.runs(case.command).exits(0);
            }
            all_is_well(story, case, &before);
            if case.hooks {
                hooks_have_run(story, fake);
            }
            met
        });
        if !met {
            return k - 1;
        }
    }
    0
}

fn check(what: &str, least: usize, case: &Case) {
    for mishap in MISHAPS {
        let changes = every_change_goes_wrong(what, mishap, case);
        assert!(changes >= least, "{what}, {mishap:?}: only {changes} changes were made");
    }
}

const TWO: &[(&str, &[u32])] = &[("web", &[1]), ("db", &[1])];

#[test]
fn a_creation_that_goes_wrong_anywhere_is_put_right_by_the_next_up() {
    let case = Case {
        before: None,
        after: file("red", 1, "here", "stop-first"),
        command: "up -d",
        expect: TWO,
        hooks: false,
    };
    check("create", 6, &case);
}

#[test]
fn pain_5_a_replacement_that_goes_wrong_anywhere_is_put_right_by_the_next_up() {
    let before = Some(file("red", 1, "here", "stop-first"));
    let after = file("blue", 1, "here", "stop-first");
    check("replace", 5, &Case { before, after, command: "up -d", expect: TWO, hooks: false });
}

#[test]
fn a_replacement_that_starts_first_and_goes_wrong_anywhere_is_put_right_by_the_next_up() {
    let before = Some(file("red", 1, "here", "start-first"));
    let after = file("blue", 1, "here", "start-first");
    check("replace, start first", 5, &Case { before, after, command: "up -d", expect: TWO, hooks: false });
}

#[test]
fn a_network_that_is_replaced_and_goes_wrong_anywhere_is_put_right_by_the_next_up() {
    let before = Some(file("red", 1, "here", "stop-first"));
    let after = file("red", 1, "there", "stop-first");
    check("network", 5, &Case { before, after, command: "up -d", expect: TWO, hooks: false });
}

/// The same with hooks before and after the start.
fn hooked(file: &str) -> String {
    let hooks = "    pre_start: [{command: [sh, -c, \"exit 0\"]}]\n    post_start: [{command: [sh, -c, \"exit 0\"]}, {command: [touch, /told]}]\n";
    file.replacen("    command: sleep infinity\n", &format!("    command: sleep infinity\n{hooks}"), 1)
}

#[test]
fn hooks_of_a_run_that_goes_wrong_anywhere_are_run_by_the_next_up() {
    let [red, blue] = ["red", "blue"].map(|colour| hooked(&file(colour, 1, "here", "start-first")));
    let case = |before, after| Case { before, after, command: "up -d", expect: TWO, hooks: true };
    check("create with hooks", 12, &case(None, red.clone()));
    check("replace with hooks", 10, &case(Some(red), blue));
}

#[test]
fn scaling_that_goes_wrong_anywhere_is_put_right_by_the_next_up() {
    let (one, three) = (file("red", 1, "here", "stop-first"), file("red", 3, "here", "stop-first"));
    let expect: &[(&str, &[u32])] = &[("web", &[1, 2, 3]), ("db", &[1])];
    check(
        "scale up",
        4,
        &Case { before: Some(one.clone()), after: three.clone(), command: "up -d", expect, hooks: false },
    );
    check(
        "scale down",
        4,
        &Case { before: Some(three), after: one, command: "up -d", expect: TWO, hooks: false },
    );
}

#[test]
fn a_down_that_goes_wrong_anywhere_is_put_right_by_the_next_down() {
    let before = file("red", 2, "here", "stop-first");
    check(
        "down",
        5,
        &Case { before: Some(before.clone()), after: before, command: "down", expect: &[], hooks: false },
    );
}
