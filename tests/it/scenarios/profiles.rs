//! Profiles and `depends_on`: who takes part, and what is said when a dependency does not.

use crate::support::scenario::scenario;

/// `test` needs `fixtures`, whose profile is another one; `broken` is wrong, but nobody asked for it.
const PROFILES: &str = "\
services:
  main:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
  fixtures:
    image: busybox
    profiles: [data]
    command: sleep infinity
    stop_signal: SIGKILL
  other:
    image: busybox
    profiles: [data]
    command: sleep infinity
    stop_signal: SIGKILL
  test:
    image: busybox
    profiles: [ci]
    depends_on: [main, fixtures]
    command: sleep infinity
    stop_signal: SIGKILL
";

#[test]
fn pain_18_a_dependency_that_no_profile_includes_is_refused_with_its_place_and_taken_in_with_deps() {
    scenario("a service must be able to bring up what it depends on, whatever the profiles", |story| {
        story.step("as it is").file("compose.yaml", PROFILES).runs("up -d test").exits(1);
        story.notes("service `test` depends on `fixtures`, which no active profile includes");
        story.notes("compose.yaml:19:24").notes("--profile data").notes("--with-deps");
        story.notes("required: false").gone("main");
        story.step("an unrelated service").runs("up -d main").exits(0).running("main", &[1]);
        story.step("with its dependencies").runs("up -d --with-deps test").exits(0);
        story.running("test", &[1]).running("fixtures", &[1]).gone("other");
        story.step("down takes all of it away").runs("down").exits(0).nothing_left();
    });
}
