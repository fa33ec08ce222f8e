//! Commands that an engine lets down half way, and the next one that puts things right.

use crate::support::fake_engine::Fault;
use crate::support::scenario::{Scenario, on_the_fake};

const BEFORE: &str = "\
services:
  web:
    image: busybox
    command: sleep infinity
    networks: [front]
    environment:
      COLOUR: red
  db:
    image: redis:7
    volumes:
      - data:/extra
    networks: [front, back]
  old:
    image: busybox
    command: sleep infinity
    networks: [front]
networks:
  front:
  back:
volumes:
  data:
";

/// Another environment, a replica more, a service less.
fn after() -> String {
    let old = BEFORE.find("  old:").unwrap();
    let networks = BEFORE.find("networks:\n  front").unwrap();
    let web = format!("{}{}", &BEFORE[..old], &BEFORE[networks..]);
    web.replace("COLOUR: red", "COLOUR: blue").replacen(
        "    networks: [front]\n",
        "    networks: [front]\n    scale: 2\n",
        1,
    )
}

/// Lets the k-th change of an `up` fail, for every k there is; the next `up` must end as if nothing had happened.
#[track_caller]
fn any_broken_up_is_mended_by_the_next(obligation: &str, first: Option<&str>, fault: &Fault) {
    let last = after();
    for k in 1.. {
        let broken = on_the_fake(&format!("{obligation} (change {k})"), |story, fake| {
            if let Some(first) = first {
                story.step("up").file("compose.yaml", first).runs("up -d").exits(0);
            }
            let changes = fake.changes().len();
            fake.trap(k, "CHANGE", "*", fault.clone());
            story.step("an `up` that breaks").file("compose.yaml", &last).runs("up -d --remove-orphans");
            let broken = fake.changes().len() - changes >= k;
            fake.heal();
            if story.last_code() == Some(0) {
                // It may live with a fault, but must not say that all is well when it is not.
                all_is_well(story);
            }
            story.step("up again").runs("up -d --remove-orphans").exits(0);
            all_is_well(story);
            story.step("and once more").runs("up -d --remove-orphans").exits(0).changed_nothing();
            broken
        });
        if !broken {
            assert!(k > 5, "only {} changes were made at all", k - 1);
            return;
        }
    }
}

/// Two containers of web and one of db run, under names of their own, and nothing else is there. A number that was lost
/// is not used again: the next one is above the highest.
fn all_is_well(story: &mut Scenario<'_>) {
    story.running("db", &[1]).gone("old");
    let now = story.look();
    let web = now.of("web");
    let run = web.iter().filter(|one| one.state == "running").count();
    story.must((web.len(), run) == (2, 2), &format!("two containers of web run: {web:?}"));
    story.must(web[0].number != web[1].number, &format!("they have numbers of their own: {web:?}"));
    for one in &now.0 {
        let name = format!("{}-{}-{}", story.project(), one.service, one.number);
        story.must(one.name == name, &format!("{name} has its own name, and not {}", one.name));
    }
}

#[test]
fn a_first_up_that_is_refused_anywhere_is_mended_by_the_next() {
    let fault = Fault::Refuse { status: 500, message: "out of order".to_owned() };
    any_broken_up_is_mended_by_the_next("a first `up` that fails must be mended by the next", None, &fault);
}

#[test]
fn a_change_that_is_refused_anywhere_is_mended_by_the_next() {
    let fault = Fault::Refuse { status: 500, message: "out of order".to_owned() };
    any_broken_up_is_mended_by_the_next(
        "an `up` that fails must be mended by the next",
        Some(BEFORE),
        &fault,
    );
}

#[test]
fn a_change_whose_answer_is_lost_is_mended_by_the_next() {
    any_broken_up_is_mended_by_the_next(
        "an `up` that loses an answer must be mended by the next",
        Some(BEFORE),
        &Fault::CutAfter,
    );
}

#[test]
fn a_name_that_another_run_took_meanwhile_costs_a_new_look() {
    on_the_fake("a run that another one got ahead of must look again and go on", |story, fake| {
        let file = "services:\n  web:\n    image: busybox\n    command: sleep infinity\n";
        fake.fail(1, "POST", "/containers/create", 409, "Conflict. The container name is already in use");
        story.step("up").file("compose.yaml", file).runs("up -d").exits(0).running("web", &[1]);
        let creations = fake.requests().iter().filter(|one| one.path == "/containers/create").count();
        story.must(creations == 2, &format!("it was refused once and made the second time: {creations}"));
    });
}
