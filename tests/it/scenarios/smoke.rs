//! The main job in one story: what must work on every engine, the oldest included.

use crate::support::scenario::scenario;

#[test]
fn the_main_job_works_from_end_to_end() {
    scenario("up, look, change, and down must work", |story| {
        let file = "\
services:
  first:
    image: busybox
    command: sh -c 'echo from first; sleep infinity'
    stop_signal: SIGKILL
    environment: {COLOUR: red}
    volumes: [data:/data, /scratch]
    networks: {front: {aliases: [one]}, back: {}}
  then:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    depends_on: [first]
    networks: [back]
  job:
    image: busybox
    command: [\"true\"]
    networks: [back]
networks:
  front: {}
  back: {}
volumes:
  data: {}
";
        story.step("up").file("compose.yaml", file).runs("up -d --wait").exits(0);
        story.running("first", &[1]).running("then", &[1]);
        let before = story.look();
        story.step("look").runs("ps -a").exits(0).prints("Exited (0)").prints("-first-1");
        story.runs("logs first").exits(0).prints("first-1  | from first");
        story.runs("exec -T then false").exits(1);
        story.step("plan after a change").file("compose.yaml", &file.replace("red", "blue"));
        story
            .runs("plan --detailed-exitcode")
            .exits(2)
            .prints("environment.COLOUR: red → blue")
            .changed_nothing();
        story.step("apply the change").runs("up -d").exits(0);
        story.replaced(&before, "first").kept(&before, "then");
        if !story.is_fake() {
            story.step("one command").runs_words(&[
                "run",
                "--rm",
                "--no-deps",
                "job",
                "sh",
                "-c",
                "echo hi; exit 7",
            ]);
            story.exits(7).prints("hi\n");
        }
        story.step("down").runs("down -v").exits(0).nothing_left();
    });
}
