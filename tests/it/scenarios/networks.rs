//! Networks whose definition changes under containers.

use crate::support::scenario::scenario;

const STACK: &str = "\
services:
  web:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    networks: [front]
networks:
  front:
    labels: {tier: one}
";

#[test]
fn a_changed_network_with_containers_of_others_is_refused_before_anything_is_touched() {
    scenario("a network that cannot be replaced must not cost anybody a connection", |story| {
        story.step("up").file("compose.yaml", STACK).runs("up -d").exits(0);
        let before = story.look();
        let network = format!("{}_front", story.project());
        let other = story.stranger(&network);
        story.step("change it").file("compose.yaml", &STACK.replace("one", "two"));
        for words in ["plan", "up -d", "up -d --force-recreate"] {
            story.runs(words).exits(1).changed_nothing().same(&before, "web");
            story.notes(&format!("network `{network}` changed (labels.tier: one → two)"));
            story.notes(&format!("containers of others are in it: `{other}`"));
            story.notes(&format!("docker network disconnect {network} CONTAINER")).notes("compose.yaml:");
        }
        let endpoint = story.inspect("web")["NetworkSettings"]["Networks"][&network]["IPAddress"].clone();
        story.must(endpoint.as_str().is_some_and(|address| !address.is_empty()), "web is still in it");
        story.step("the stranger goes").remove_stranger(&other).runs("up -d").exits(0).kept(&before, "web");
        story.step("up again").runs("up -d").exits(0).changed_nothing();
        story.step("down").runs("down").exits(0).nothing_left();
    });
}
