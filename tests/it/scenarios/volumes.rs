//! Volumes whose definition changes.

use crate::support::scenario::{Scenario, on_the_fake, on_the_real, scenario};

const STACK: &str = "\
services:
  db:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    volumes: [data:/data]
volumes:
  data:
    labels: {tier: one}
";

#[test]
fn pain_22_a_changed_volume_is_told_field_by_field_and_kept_with_its_data() {
    scenario("a changed volume must never cost data", |story| {
        story.step("up").file("compose.yaml", STACK).runs("up -d").exits(0);
        let before = story.look();
        story.step("change it").file("compose.yaml", &STACK.replace("one", "two")).runs("plan").exits(0);
        story.prints("Not done: replace volume").prints("labels.tier: one → two").changed_nothing();
        story.runs("up -d").exits(0).changed_nothing().same(&before, "db");
        story.notes("(labels.tier: one → two); it is kept as it is, with its data");
        story.step("down").runs("down -v").exits(0).nothing_left();
    });
}

/// The file with the volume's label changed.
fn changed(story: &mut Scenario<'_>, tier: &str) {
    story.file("compose.yaml", &STACK.replace("one", tier));
}

/// The label that the engine has.
fn tier(story: &Scenario<'_>) -> String {
    let volumes = story.labelled("volumes", &format!("com.docker.compose.project={}", story.project()));
    let tiers = volumes.iter().filter_map(|volume| volume["Labels"]["tier"].as_str());
    tiers.collect::<Vec<_>>().join(", ")
}

#[test]
fn a_volume_is_replaced_when_the_user_says_so_and_not_under_others() {
    scenario("a changed volume must be replaced only after a yes, and then whole", |story| {
        story.step("up").file("compose.yaml", STACK).runs("up -d").exits(0);
        let before = story.look();
        changed(story, "two");
        story.step("what would a yes do?").runs("up -d -y --dry-run").exits(0).changed_nothing();
        story.prints("- remove container").prints("labels.tier: one → two").prints("+ create volume");
        story.step("yes").runs("up -d -y").exits(0).running("db", &[1]);
        story.must(story.look().of("db")[0].id != before.of("db")[0].id, "the container is a new one");
        story.must(tier(story) == "two", &format!("the volume is a new one: {}", tier(story)));
        story.step("once is enough").runs("up -d -y").exits(0).changed_nothing();
        let volume = format!("{}_data", story.project());
        let stranger = story.stranger_with_volume(&volume);
        changed(story, "three");
        let before = story.look();
        story.step("under a container of others").runs("up -d -y").exits(1).changed_nothing();
        story.notes("containers that would not come back use it").notes(&stranger).same(&before, "db");
        story.remove_stranger(&stranger);
        story.step("down").runs("down -v").exits(0).nothing_left();
    });
}

#[test]
fn dependents_that_restart_do_so_when_a_container_goes_for_its_volumes_sake() {
    scenario("restart: true must hold when the volume of what is depended on is replaced", |story| {
        let file = |tier: &str| {
            format!(
                "\
services:
  db: {{image: busybox, command: sleep infinity, stop_signal: SIGKILL, volumes: [\"data:/data\"]}}
  front:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    depends_on: {{db: {{condition: service_started, restart: true}}}}
  beside: {{image: busybox, command: sleep infinity, stop_signal: SIGKILL, depends_on: [db]}}
  inside: {{image: busybox, command: sleep infinity, stop_signal: SIGKILL, volumes_from: [db]}}
volumes: {{data: {{labels: {{tier: {tier}}}}}}}
"
            )
        };
        story.step("up").file("compose.yaml", &file("one")).runs("up -d").exits(0);
        let before = story.look();
        story.step("the volume is replaced").file("compose.yaml", &file("two")).runs("up -d -y").exits(0);
        story.replaced(&before, "db").replaced(&before, "inside").kept(&before, "beside");
        story.same(&before, "front").running("front", &[1]);
        let (old, new) = (before.of("front")[0].started_at.clone(), story.look());
        story.must(new.of("front")[0].started_at != old, "the dependent was restarted");
        story.runs("plan --detailed-exitcode").exits(0);
    });
}

#[test]
fn a_person_at_a_terminal_is_asked_and_enter_keeps_the_volume() {
    on_the_fake("data must not be lost by a key that was meant for something else", |story, _| {
        story.step("up").file("compose.yaml", STACK).runs("up -d").exits(0);
        let before = story.look();
        changed(story, "two");
        for keys in ["\n", "y\n"] {
            let mut terminal = story.types("up -d");
            terminal.shows("(labels.tier: one → two)", 1).shows("What shall be done? [keep]", 1);
            terminal.press(keys);
            let code = terminal.ends();
            story.must(code == Some(0), &terminal.screen());
            let kept = tier(story) == "one";
            story.same(&before, "db").must(kept, "it was kept");
        }
        let mut terminal = story.types("up -d");
        terminal.shows("What shall be done?", 1);
        terminal.press("replace\n");
        let code = terminal.ends();
        story.must(code == Some(0), &terminal.screen());
        story.must(tier(story) == "two", "it was replaced");
    });
}

const SHARED: &str = "\
services:
  db:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    volumes: [data:/data, /scratch]
  reader:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    volumes: [data:/data:ro]
volumes:
  data:
    labels: {tier: one}
";

/// Lists what is in the volume, with owners, modes, links and contents.
const LISTING: &str = "cd /data && ls -lnR . && find . -type f -exec md5sum {} + && cat /scratch/note";

fn filled(story: &mut Scenario<'_>) -> String {
    story.step("up, and data").file("compose.yaml", SHARED).runs("up -d").exits(0);
    let fill = "cd /data && echo kept > a && chown 12:34 a && chmod 640 a && mkdir -p d/e && ln -s ../a d/l && ln a d/hard \
        && head -c 300000 /dev/urandom > d/e/big && mkfifo pipe && echo note > /scratch/note";
    story.runs_words(&["exec", "-T", "db", "sh", "-c", fill]).exits(0);
    listing(story)
}

fn listing(story: &mut Scenario<'_>) -> String {
    story.runs_words(&["exec", "-T", "db", "sh", "-c", LISTING]).exits(0);
    story.printed().to_owned()
}

#[test]
fn a_migrated_volume_has_all_its_data_and_nothing_is_left_over() {
    on_the_real("a replaced volume must take its data along when the user says so", |story| {
        let before = filled(story);
        story.file("compose.yaml", &SHARED.replace("one", "two"));
        story
            .step("plan")
            .runs("up -d --migrate-volumes --dry-run")
            .exits(0)
            .prints("_data, with image busybox)");
        story
            .step("migrate")
            .runs("up -d --migrate-volumes")
            .exits(0)
            .running("db", &[1])
            .running("reader", &[1]);
        let after = listing(story);
        story.must(before == after, &format!("before:\n{before}\nafter:\n{after}"));
        story.must(
            tier(story) == "two",
            &format!("the volume is a new one, and the only one: {}", tier(story)),
        );
        story.runs("up -d --migrate-volumes").exits(0).changed_nothing();
        story.step("down").runs("down -v").exits(0).nothing_left();
    });
}

#[test]
fn a_migration_that_is_killed_anywhere_loses_nothing() {
    on_the_real("data must be whole at any moment of a migration, and back after the next up", |story| {
        let data = filled(story);
        let volume = format!("Volume {}_data", story.project());
        for (round, said) in [
            format!("{volume}_kept Creating"),
            format!("{volume}_kept Copying"),
            format!("{volume}_kept Copied"),
            format!("{volume} Removed"),
            format!("{volume} Creating"),
            format!("{volume} Copying"),
            format!("{volume} Copied"),
            format!("{volume}_kept Removed"),
        ]
        .iter()
        .enumerate()
        {
            story
                .step("migrate, and kill it")
                .file("compose.yaml", &SHARED.replace("one", &format!("round{round}")));
            let mut running = story.begins("up -d --migrate-volumes");
            running.says(said);
            running.kill();
            story.ends(running);
            story.step("a plain up").runs("up -d").exits(0).running("db", &[1]).running("reader", &[1]);
            // What was in the anonymous volume of a container that was removed is not referred to any more.
            story.runs_words(&[
                "exec",
                "-T",
                "db",
                "sh",
                "-c",
                "test -e /scratch/note || echo note > /scratch/note",
            ]);
            let now = listing(story);
            story.must(now == data, &format!("after `{said}`:\n{data}\nnow:\n{now}"));
            story.step("once more").runs("up -d --migrate-volumes").exits(0);
            let now = listing(story);
            story.must(now == data, &format!("after `{said}` and another move:\n{data}\nnow:\n{now}"));
            story
                .must(tier(story) == format!("round{round}"), &format!("it is the new one: {}", tier(story)));
        }
        story.step("down").runs("down -v").exits(0).nothing_left();
    });
}

#[test]
fn what_got_another_key_in_the_file_is_named_and_left_alone() {
    scenario("a renamed volume or network must not be removed, nor be forgotten", |story| {
        let stack = |network: &str, volume: &str| {
            format!(
                "services:\n  db:\n    image: busybox\n    command: sleep infinity\n    stop_signal: SIGKILL\n    volumes: [{volume}:/data]\n    networks: [{network}]\nnetworks: {{{network}: {{}}}}\nvolumes: {{{volume}: {{}}, spare: {{}}}}\n"
            )
        };
        story.step("up").file("compose.yaml", &stack("near", "old")).runs("up -d").exits(0);
        story.does_not_note("not in the stack file");
        story
            .step("rename both")
            .file("compose.yaml", &stack("far", "new"))
            .runs("plan")
            .exits(0)
            .changed_nothing();
        let (volume, network) = (format!("{}_old", story.project()), format!("{}_near", story.project()));
        story.notes(&format!("volumes of this project are not in the stack file any more: `{volume}`"));
        story.notes(&format!("networks of this project are not in the stack file any more: `{network}`"));
        story.runs("up -d").exits(0).notes(&format!("`docker volume rm {volume}`"));
        story.must(story.has_volume(&volume), "the old volume is kept");
        story.must(story.networks_named("_near").len() == 1, "the old network is kept");
        story.step("down, with volumes").runs("down -v").exits(0).nothing_left();
    });
}

#[test]
fn pain_22_a_renamed_folder_is_told_of_the_volumes_that_its_old_name_has() {
    scenario("data must not seem lost because a folder was renamed", |story| {
        let (old, new) = (story.project().to_owned(), format!("{}-new", story.project()));
        story.step("up, and down").file("compose.yaml", STACK).runs("up -d").exits(0).runs("down").exits(0);
        story.step("the same folder under another name");
        let plan = story.begins_for(&new, "plan");
        story.ends(plan).exits(0);
        story.notes(&format!("`{old}_data` of project `{old}` may be this project's data under an old name"));
        story.notes(&format!("`-p {old}`"));
        story.step("another folder of the same name").file("copy/compose.yaml", STACK);
        story.runs("--project-directory copy -f copy/compose.yaml plan").exits(0);
        story.notes("both use the same data");
        story
            .step("the folder itself")
            .runs("up -d")
            .exits(0)
            .does_not_note("old name")
            .does_not_note("both use");
        story.step("down, with volumes").runs("down -v").exits(0).nothing_left();
    });
}

#[test]
fn pain_22_a_database_on_an_anonymous_volume_comes_back_after_down() {
    on_the_real("data in an anonymous volume must not be lost by down and up", |story| {
        let stack = "services:\n  db:\n    image: busybox\n    command: sleep infinity\n    stop_signal: SIGKILL\n    volumes: [/data]\n";
        let has = |story: &mut Scenario<'_>| {
            story.runs("exec -T db cat /data/row");
            story.printed() == "kept\n"
        };
        story
            .step("up, data, down")
            .file("compose.yaml", stack)
            .runs("up -d")
            .exits(0)
            .does_not_note("reattach");
        story.runs_words(&["exec", "-T", "db", "sh", "-c", "echo kept > /data/row"]).exits(0);
        story.runs("down").exits(0).notes("`up --reattach` mounts them again").nothing_left();
        story
            .step("plan")
            .runs("plan")
            .exits(0)
            .notes("anonymous volumes of before are there")
            .notes("/data of");
        story.step("up with it").runs("up -d --reattach").exits(0).running("db", &[1]);
        let found = has(story);
        story.must(found, "the data is back");
        story.runs("up -d --reattach").exits(0).changed_nothing();
        story.step("down, and up without").runs("down").exits(0).runs("up -d").exits(0);
        story.notes("anonymous volumes of before are there");
        let found = has(story);
        story.must(!found, "it began empty, as it was told");
        story
            .step("after all")
            .runs("up -d --reattach")
            .exits(0)
            .notes("gets back the anonymous volume of before");
        let found = has(story);
        story.must(found, "the data is back");
        story.step("another up").runs("up -d").exits(0).changed_nothing().does_not_note("reattach");
        story
            .step("down with them")
            .runs("down -v")
            .exits(0)
            .nothing_left()
            .runs("up -d")
            .does_not_note("reattach");
        story.runs("down -v").exits(0).nothing_left();
    });
}
