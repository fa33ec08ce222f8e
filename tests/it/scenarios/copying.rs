//! `cp`, `export`, `commit`: files into and out of containers.

use crate::support::scenario::{Scenario, on_the_real};

const SHOP: &str = "\
services:
  web:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    deploy: {replicas: 2}
  done: {image: busybox, command: 'true'}
";

fn up(story: &mut Scenario<'_>) {
    story.file("compose.yaml", SHOP).file("src/a.txt", "hello").file("src/sub/b.txt", "below");
    std::os::unix::fs::symlink("a.txt", story.folder().join("src/link")).expect("a link");
    story.runs("up -d").exits(0).runs("stop -t 0 done").exits(0);
}

/// A command in a replica prints this.
fn prints_inside(story: &mut Scenario<'_>, index: u32, words: &str, expect: &str, what: &str) {
    story.runs(&format!("exec -T --index {index} web {words}"));
    let said = story.printed().trim().to_owned();
    story.must(said == expect, what);
}

#[test]
fn cp_into_a_service_reaches_every_replica_and_one_with_index() {
    on_the_real("files must arrive where they were sent, as the reference sends them", |story| {
        up(story);
        story.runs("cp src/a.txt web:/tmp/").exits(0).notes("web-1 Copied").notes("web-2 Copied");
        for index in [1, 2] {
            prints_inside(story, index, "cat /tmp/a.txt", "hello", "every replica has it");
        }
        story.step("under another name").runs("cp --index 2 src/a.txt web:/tmp/other").exits(0);
        prints_inside(story, 2, "cat /tmp/other", "hello", "it is called so");
        prints_inside(story, 1, "ls /tmp", "a.txt", "the other replica has it not");
        story.step("a folder").runs("cp src web:/opt").exits(0);
        prints_inside(story, 1, "cat /opt/sub/b.txt", "below", "a folder that is not there gets the name");
        story.runs("cp src web:/opt").exits(0);
        prints_inside(story, 1, "cat /opt/src/sub/b.txt", "below", "one that is there gets it inside");
        story.step("contents alone").runs("cp src/. web:/srv").exits(0);
        prints_inside(story, 1, "cat /srv/sub/b.txt", "below", "without the folder around them");
        prints_inside(story, 1, "readlink /srv/link", "a.txt", "a link stays one");
        story.step("what a link leads to").runs("cp -L src/link web:/tmp/real").exits(0);
        prints_inside(story, 1, "readlink /tmp/real", "", "it is no link");
        prints_inside(story, 1, "cat /tmp/real", "hello", "but what it led to");
        story
            .step("a link inside is followed")
            .runs("exec -T web ln -s /tmp /short")
            .runs("cp src/sub/b.txt web:/short");
        prints_inside(story, 1, "cat /tmp/b.txt", "below", "the file is where it leads");
    });
}

#[test]
fn cp_out_of_a_service_takes_the_first_replica_a_stopped_one_too() {
    on_the_real("files must come out as they are", |story| {
        up(story);
        story.runs("cp src/. web:/srv").exits(0);
        story.runs("cp web:/srv/a.txt out.txt").exits(0);
        story.must(story.read("out.txt") == "hello", "a file");
        story.runs("cp web:/srv out").exits(0);
        story.must(story.read("out/sub/b.txt") == "below", "a folder under another name");
        story.runs("cp web:/srv out").exits(0);
        story.must(story.read("out/srv/sub/b.txt") == "below", "into a folder that is there");
        story.runs("cp web:/srv/. bare").exits(0);
        story.must(story.read("bare/sub/b.txt") == "below", "contents alone");
        story.must(story.folder().join("bare/link").is_symlink(), "a link stays one");
        story.runs("cp -L web:/srv/link real.txt").exits(0);
        story.must(
            story.read("real.txt") == "hello" && !story.folder().join("real.txt").is_symlink(),
            "not so with -L",
        );
        story.step("stopped").runs("stop").runs("cp web:/srv/a.txt again.txt").exits(0);
        story.must(story.read("again.txt") == "hello", "it need not run");
    });
}

#[test]
fn cp_takes_and_gives_archives_by_pipes() {
    on_the_real("`-` must be a tar archive", |story| {
        up(story);
        let stack = env!("CARGO_BIN_EXE_stack");
        let pipes = format!(
            "cd {} && export DOCKER_HOST={} && tar c src | {stack} -p {} cp --index 1 - web:/home && {stack} -p {} cp web:/home - | tar t | sort",
            story.folder().display(),
            story.host(),
            story.project(),
            story.project(),
        );
        let ran = std::process::Command::new("sh").args(["-c", &pipes]).output().expect("a shell");
        let said = String::from_utf8_lossy(&ran.stdout);
        let expect = "home/\nhome/src/\nhome/src/a.txt\nhome/src/link\nhome/src/sub/\nhome/src/sub/b.txt\n";
        story.must(
            said == expect,
            &format!("the archive went in and out: {said} {}", String::from_utf8_lossy(&ran.stderr)),
        );
        story
            .step("into two at once")
            .runs("cp - web:/home")
            .exits(1)
            .notes("can be read once")
            .notes("--index");
    });
}

#[test]
fn cp_says_what_it_cannot_do_and_leaves_everything_as_it_was() {
    on_the_real("a mistake must be told in the words of the reference", |story| {
        up(story);
        for (words, told) in [
            ("cp a b", "unknown copy direction"),
            ("cp web:/a web:/b", "copying between services is not supported"),
            ("cp wbe:/x .", "no container found for service \"wbe\""),
            ("cp --index 7 src/a.txt web:/", "service \"web\" is not running container #7"),
            ("cp nofile web:/", "cannot read `nofile`"),
            ("cp src/a.txt web:/no/such/", "no such directory"),
            ("cp src/a.txt web:/no/such", "/no"),
            ("cp web:/nothing .", "/nothing"),
            ("cp web:/etc/passwd no/such/place", "the folder around it does not exist"),
            ("cp web:/etc src/a.txt", "which is a file"),
            ("cp src web:/etc/passwd", "which is a file"),
        ] {
            story.runs(words).exits(1).notes(told);
        }
        story.must(story.read("src/a.txt") == "hello", "nothing was written over");
        story.runs("--dry-run cp src/a.txt web:/tmp/").exits(0);
        prints_inside(story, 1, "ls /tmp", "", "a rehearsal copies nothing");
        let left = std::fs::read_dir(story.folder()).expect("a folder");
        let left = left.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with(".stack-cp"));
        story.must(!left, "no draft is left");
    });
}

#[test]
fn export_writes_a_whole_file_or_none() {
    on_the_real("an archive must be there whole, under its name", |story| {
        up(story);
        story.runs("export -o web.tar web").exits(0).notes("web-1 Exported");
        let file = std::fs::File::open(story.folder().join("web.tar")).expect("the archive");
        let mut archive = tar::Archive::new(file);
        let paths = archive.entries().expect("entries").flatten();
        let has = paths
            .map(|entry| entry.path().expect("a path").display().to_string())
            .any(|path| path == "etc/passwd");
        story.must(has, "what is in the container is in it");
        story.must(story.mode("web.tar") == 0o600, "it is its owner's");
        story.runs("export -o no/such/web.tar web").exits(1).notes("cannot write the archive");
        story.runs("export done").exits(1).notes("service \"done\" is not running");
    });
}

#[test]
fn commit_makes_an_image_with_the_changes_that_are_asked_for() {
    on_the_real("the image must be the container as it is", |story| {
        up(story);
        let image = format!("{}-img:1", story.project());
        story.runs("exec -T web touch /made").exits(0);
        story.runs_words(&["commit", "-m", "why", "-a", "me", "-c", "ENV A=1", "web", &image]).exits(0);
        story.notes("web-1 Committing").notes("web-1 Committed as sha256:");
        let told = story.engine().get(&format!("/images/{image}/json"));
        story.must(told["Author"] == "me" && told["Comment"] == "why", "who and why");
        story.must(told["Config"]["Env"].to_string().contains("\"A=1\""), "the change");
        story.remove_image_by_hand(&image);
        story.runs("commit done x").exits(1).notes("service \"done\" is not running");
        story.runs_words(&["commit", "-c", "NONSENSE 1", "web", &image]).exits(1);
    });
}
