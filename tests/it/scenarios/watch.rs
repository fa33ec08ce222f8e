//! Files are saved, and what runs matches them.
//!
//! | pain 15 asks for | test |
//! | --- | --- |
//! | a checkout of 2,000 changed files: equal trees, one restart | `pain_15_a_checkout_of_another_branch_is_one_restart_and_equal_trees` |
//! | editors' ways of saving | `every_way_of_saving_a_file_arrives` |
//! | lost events | `watch_starts::pain_15_events_that_were_lost_leave_no_difference`, `watch_starts::pain_15_lost_events_and_a_start_at_once_…` |
//! | a stopped container gets it when it starts | `watch_starts::pain_8_…` |
//! | for long | the program in `tests/soak`, run by hand |
//!
//! | pain 27 asks for | test |
//! | --- | --- |
//! | files belong to the image's user; a read-only place is named | `pain_27_files_belong_to_the_user_of_the_container_and_a_read_only_place_is_named` |
//! | images without a shell, `tar` or `rm` | `pain_27_deletions_arrive_in_an_image_without_a_shell_or_rm` |

use crate::support::background::Background;
use crate::support::scenario::{Scenario, on_the_real};
use crate::support::trees::{STACK, inside, outside, project, the_trees_are_equal, watching};
use rustix::process::Signal;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

#[test]
fn every_way_of_saving_a_file_arrives() {
    on_the_real(
        "a synced folder must be the same in the container, however its files were changed",
        |story| {
            story.step("watch");
            project(story, "sync");
            let watch = watching(story);
            let src = story.folder().join("src");
            let write = |path: &str, text: &str| std::fs::write(src.join(path), text).expect("a file");
            story.step("written in place, by an atomic rename, by a backup swap");
            write("main.py", "print(2)\n");
            write("lib/.a.py.tmp", "a = 2\n");
            std::fs::rename(src.join("lib/.a.py.tmp"), src.join("lib/a.py")).expect("renamed");
            write("b.py", "b = 1\n");
            std::fs::rename(src.join("b.py"), src.join("b.py~")).expect("renamed");
            write("b.py", "b = 2\n");
            std::fs::remove_file(src.join("b.py~")).expect("removed");
            the_trees_are_equal(story, &watch, 1);
            story.step("new folders, empty ones, links, modes, other alphabets");
            std::fs::create_dir_all(src.join("deep/er/est")).expect("folders");
            write("deep/er/est/x.py", "x = 1\n");
            std::fs::create_dir(src.join("empty")).expect("a folder");
            symlink("main.py", src.join("link")).expect("a link");
            write("run.sh", "#!/bin/sh\n");
            std::fs::set_permissions(src.join("run.sh"), std::fs::Permissions::from_mode(0o755))
                .expect("a mode");
            write("übung 日本.py", "u = 1\n");
            the_trees_are_equal(story, &watch, 2);
            story.step("deletions, renames, a folder for a file and a file for a folder");
            std::fs::remove_file(src.join("link")).expect("removed");
            std::fs::rename(src.join("deep"), src.join("deeper")).expect("renamed");
            std::fs::remove_dir_all(src.join("lib")).expect("removed");
            write("lib", "a file now\n");
            std::fs::remove_file(src.join("main.py")).expect("removed");
            std::fs::create_dir(src.join("main.py")).expect("a folder");
            write("main.py/inner", "inner\n");
            the_trees_are_equal(story, &watch, 3);
            story.step("a renamed folder goes on being watched");
            write("deeper/er/est/x.py", "x = 2\n");
            write("deeper/er/new.py", "n = 1\n");
            the_trees_are_equal(story, &watch, 4);
            story.step("what is ignored stays here");
            write("x.log", "noise\n");
            std::fs::create_dir(src.join("cache")).expect("a folder");
            write("cache/c", "noise\n");
            the_trees_are_equal(story, &watch, 5);
            story.runs("exec -T web ls /app/x.log").exits(1);
        },
    );
}

#[test]
fn pain_15_a_checkout_of_another_branch_is_one_restart_and_equal_trees() {
    on_the_real("a branch switch must end in equal trees and one restart", |story| {
        story.step("a repository with two branches that differ in 2,000 files");
        project(story, "sync+restart");
        let src = story.folder().join("src");
        for number in 0..1000 {
            let folder = src.join(format!("f{}", number % 40));
            std::fs::create_dir_all(&folder).expect("a folder");
            std::fs::write(folder.join(format!("{number}.txt")), format!("one {number}\n")).expect("a file");
        }
        git(story.folder(), "init -q -b one");
        git(story.folder(), "add -A");
        git(story.folder(), "commit -q -m one");
        git(story.folder(), "checkout -q -b two");
        for number in 0..40 {
            // Some folders become files, some go, some are renamed, the others' files change.
            let folder = src.join(format!("f{number}"));
            match number % 4 {
                0 => {
                    std::fs::remove_dir_all(&folder).expect("removed");
                    std::fs::write(&folder, "a file now\n").expect("a file");
                }
                1 => std::fs::remove_dir_all(&folder).expect("removed"),
                2 => std::fs::rename(&folder, src.join(format!("moved{number}"))).expect("renamed"),
                _ => {
                    for entry in std::fs::read_dir(&folder).expect("a folder").flatten() {
                        std::fs::write(entry.path(), "two\n").expect("a file");
                    }
                }
            }
        }
        for number in 0..1000 {
            std::fs::write(src.join(format!("new{number}")), "new\n").expect("a file");
        }
        git(story.folder(), "add -A");
        git(story.folder(), "commit -q -m two");
        git(story.folder(), "checkout -q one");
        let watch = watching(story);
        story.step("the other branch");
        git(story.folder(), "checkout -q two");
        watch.says("Service web Restarted", 1);
        the_trees_are_equal_after_restarts(story, &watch, 1);
        story.step("and back");
        git(story.folder(), "checkout -q one");
        watch.says("Service web Restarted", 2);
        the_trees_are_equal_after_restarts(story, &watch, 2);
    });
}

/// No mark here: it would be a restart of its own.
#[track_caller]
fn the_trees_are_equal_after_restarts(story: &mut Scenario<'_>, watch: &Background, restarts: usize) {
    let here = outside(&story.folder().join("src"));
    let there = inside(story, "web", "/app");
    let differing: Vec<_> = here.iter().filter(|(path, is)| there.get(*path) != Some(is)).collect();
    let surplus: Vec<_> = there.keys().filter(|path| !here.contains_key(*path)).collect();
    story.must(
        differing.is_empty() && surplus.is_empty(),
        &format!("the trees are equal: {differing:?} {surplus:?}\n{}", watch.lines().join("\n")),
    );
    story.must(
        watch.count("Service web Restarted") == restarts,
        &format!("one restart for each switch:\n{}", watch.lines().join("\n")),
    );
}

#[track_caller]
fn git(folder: &Path, words: &str) {
    let ran = Command::new("git")
        .args(["-c", "user.name=t", "-c", "user.email=t@example.com"])
        .args(words.split(' '))
        .current_dir(folder)
        .output()
        .expect("git starts");
    assert!(ran.status.success(), "git {words}: {}", String::from_utf8_lossy(&ran.stderr));
}

#[test]
fn pain_8_what_changed_while_a_container_was_down_is_there_when_it_starts() {
    on_the_real("a container that starts must get what it missed", |story| {
        story.step("watch");
        project(story, "sync");
        let watch = watching(story);
        story.step("edits while it is stopped").runs("stop web").exits(0);
        let src = story.folder().join("src");
        std::fs::remove_file(src.join("main.py")).expect("removed");
        for number in 0..50 {
            std::fs::write(src.join(format!("n{number}.py")), "n\n").expect("a file");
        }
        story.step("started by somebody else");
        let id = story.look().of("web").first().map(|seen| seen.id.clone()).unwrap_or_default();
        story.engine().post(&format!("/containers/{id}/start"), &serde_json::Value::Null);
        watch.says("Service web Synced", 1);
        the_trees_are_equal(story, &watch, 1);
    });
}

#[test]
fn pain_9_edits_of_the_stack_file_are_applied_and_mistakes_change_nothing() {
    on_the_real("watch must follow the stack's own files", |story| {
        story.step("watch");
        project(story, "sync");
        let watch = watching(story);
        let before = story.look();
        story.step("a changed variable replaces the one service, and says why");
        let stack = STACK.replace("ACTION", "sync");
        story.file("compose.yaml", &stack.replace("info", "debug"));
        watch.says("environment.LEVEL: info → debug", 1);
        watch.says("Reloaded 1 file", 1);
        story.replaced(&before, "web");
        story.step("a mistake changes nothing");
        let before = story.look();
        story.file("compose.yaml", &stack.replace("comma", "coma"));
        watch.says("compose.yaml:4:5", 1);
        watch.says("everything stays as it is", 1);
        story.same(&before, "web");
        story.step("mended, with another service");
        let more = format!(
            "{}  more:\n    image: busybox\n    command: sleep infinity\n    stop_signal: SIGKILL\n",
            stack.replace("info", "debug")
        );
        story.file("compose.yaml", &more);
        watch.says("the stack files are mended", 1);
        watch.says("Reloaded", 2);
        story.same(&before, "web").running("more", &[1]);
        story.step("the service is removed").file("compose.yaml", &stack.replace("info", "debug"));
        watch.says("Reloaded", 3);
        story.same(&before, "web").gone("more");
        story.step("files synced before are there again in a container that was replaced");
        std::fs::write(story.folder().join("src/main.py"), "print(9)\n").expect("a file");
        watch.says("Synced 1 file", 1);
        story.file("compose.yaml", &stack.replace("info", "warn"));
        watch.says("Reloaded", 4);
        the_trees_are_equal(story, &watch, 1);
    });
}

#[test]
fn a_rebuild_rule_builds_its_service_alone_and_a_failed_build_leaves_it_running() {
    on_the_real("a rebuild must replace the one service, and only by an image that was built", |story| {
        story.step("watch");
        project(story, "sync");
        let watch = watching(story);
        let before = story.look();
        story.step("a changed input").file("requirements.txt", "two\n");
        watch.says("Service web Rebuilt", 1);
        story.replaced(&before, "web");
        story.runs("exec -T web cat /requirements.txt").exits(0).prints("two");
        story.step("a Dockerfile that cannot be built");
        let before = story.look();
        story.file("Dockerfile", "FROM busybox\nRUN false\n");
        watch.says("the containers that ran go on", 1);
        story.same(&before, "web");
        story.step("mended").file("Dockerfile", "FROM busybox\nCOPY src /app\nCOPY requirements.txt /\n");
        watch.says("Service web Rebuilt", 2);
    });
}

#[test]
fn pain_27_files_belong_to_the_user_of_the_container_and_a_read_only_place_is_named() {
    on_the_real("synced files must belong to who reads them", |story| {
        story.step("watch").file("src/a", "a\n").file(
            "compose.yaml",
            "\
services:
  user:
    image: busybox
    user: \"1000\"
    command: sleep infinity
    stop_signal: SIGKILL
    develop: {watch: [{path: ./src, action: sync, target: /tmp/app, initial_sync: true}]}
  shut:
    image: busybox
    read_only: true
    command: sleep infinity
    stop_signal: SIGKILL
    develop: {watch: [{path: ./src, action: sync, target: /app, initial_sync: true}]}
",
        );
        let mut watch = watching(story);
        watch.says("Service user Synced", 1);
        watch.says("-shut-1` is read-only at `/app`", 1);
        story.runs("exec -T user stat -c %u /tmp/app/a").exits(0).prints("1000");
        story.step("deletions too");
        std::fs::remove_file(story.folder().join("src/a")).expect("removed");
        watch.says("Service user Synced", 2);
        story.runs("exec -T user ls /tmp/app/a").exits(1);
        story.step("Ctrl-C ends it and leaves the stack running");
        watch.signal(Signal::INT);
        story.must(watch.ends() == Some(130), "an interrupted watch ends with 130");
        story.running("user", &[1]);
    });
}

#[test]
fn an_attached_up_can_follow_the_files_too() {
    on_the_real("`up --watch` must sync, survive a rebuild of its only service, and stop it all", |story| {
        story.step("up --watch");
        project(story, "sync");
        let mut up = story.goes_on("up --watch");
        up.says("; Ctrl-C ends it", 1);
        up.says("web-1 Started", 1);
        std::fs::write(story.folder().join("src/main.py"), "print(3)\n").expect("a file");
        up.says("Service web Synced 1 file", 1);
        the_trees_are_equal(story, &up, 1);
        story.step("a rebuild: for a moment nothing runs").file("requirements.txt", "two\n");
        up.says("Service web Rebuilt", 1);
        story.runs("exec -T web cat /requirements.txt").exits(0).prints("two");
        up.signal(Signal::INT);
        story.must(up.ends() == Some(130), "an interrupted up ends with 130");
        let stopped = story.look().of("web").iter().all(|seen| seen.state == "exited");
        story.must(stopped, "its containers are stopped");
    });
}

#[test]
fn pain_27_deletions_arrive_in_an_image_without_a_shell_or_rm() {
    on_the_real("what is deleted here must go in the container, whatever its image has", |story| {
        story.step("watch a service whose image holds one program");
        story.file(
            "compose.yaml",
            "services:\n  web:\n    build: .\n    user: \"1000\"\n    stop_signal: SIGKILL\n    develop:\n      \
             watch:\n        - {path: ./src, action: sync, target: /app}\n",
        );
        story.file(
            "Dockerfile",
            "FROM busybox AS tools\nFROM scratch\nCOPY --from=tools /bin/busybox /bin/sleep\nCOPY src /app\n\
             CMD [\"/bin/sleep\", \"infinity\"]\n",
        );
        story.file("src/old/a", "1\n").file("src/b", "1\n");
        let docker = |story: &Scenario<'_>, words: &[&str]| {
            let ran = Command::new("docker").args(["--host", story.host()]).args(words).output();
            ran.expect("docker starts").status.success()
        };
        story.step("runs that were killed left helpers behind, the one of a container that is gone");
        let label = format!("--label=dev.stack.deletes-for={}", story.project());
        let of_old = format!("stack-rm-{}", story.project());
        story.must(docker(story, &["create", "--name", &of_old, &label, "busybox", "rm"]), "a helper");
        let watch = watching(story);
        story.must(!docker(story, &["inspect", &of_old]), "it went as the watch began");
        let id = story.look().of("web").first().map(|seen| seen.id.clone()).unwrap_or_default();
        let of_web = format!("stack-rm-{}", id.get(..12).unwrap_or_default());
        story.must(docker(story, &["create", "--name", &of_web, &label, "busybox", "rm"]), "another one");
        story.step("a folder goes, a file changes");
        std::fs::remove_dir_all(story.folder().join("src/old")).expect("removed");
        story.file("src/b", "2\n");
        watch.says("Synced", 1);
        let holds = |story: &Scenario<'_>, path: &str| docker(story, &["cp", &format!("{id}:{path}"), "-"]);
        story.must(holds(story, "/app/b"), "what stays is there");
        story.must(
            !holds(story, "/app/old"),
            &format!("what was deleted is gone: {}", watch.lines().join("\n")),
        );
        story.must(
            !docker(story, &["inspect", &of_web]),
            "no helper stays, neither the old one nor the new one",
        );
    });
}
