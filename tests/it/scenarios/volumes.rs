//! Volumes whose definition changes.

use crate::support::scenario::scenario;

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
        story.runs("up -d -y").exits(0).changed_nothing().same(&before, "db");
        story.notes("(labels.tier: one → two); it is kept as it is, with its data");
        story.step("down").runs("down -v").exits(0).nothing_left();
    });
}
