//! `config` with the digests that registries have.

use crate::support::registry::{Content, Login, Registry, SECRETS};
use crate::support::scenario::scenario;

const MANIFEST: &str = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json"}"#;
const SUM: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";

fn registry(login: Login) -> (Registry, String) {
    let mut content = Content::default();
    let digest = content.manifest("1", MANIFEST);
    (Registry::start(content, login), digest)
}

#[test]
fn digests_are_put_behind_the_names_of_images_and_locked_in_an_override_file() {
    scenario("digests must be what the registry has now", |story| {
        let (registry, digest) = registry(Login::None);
        let image = format!("{}/team/app", registry.address);
        let text = format!(
            "name: shop\nservices:\n  a: {{image: '{image}:1', command: run, environment: {{P: $$1}}}}\n  \
             b: {{build: .}}\n  c: {{image: 'redis:7@{SUM}'}}\n  off: {{image: '{image}:none', profiles: [off]}}\n"
        );
        story.file("compose.yaml", &text);
        let locked = format!(
            "services:\n  a:\n    image: {image}:1@{digest}\n  b: {{}}\n  c:\n    image: docker.io/library/redis@{SUM}\n"
        );
        story.step("lock").runs("config --lock-image-digests").exits(0);
        story.must(story.printed() == locked, "the images, and nothing else");
        story.runs("config --lock-image-digests --no-interpolate a").exits(1);
        story.notes("cannot be found").notes("push it first").notes("compose.yaml:6:");
        story.step("resolve").runs("config --resolve-image-digests").exits(0);
        story.prints(&format!("image: {image}:1@{digest}\n")).prints("P: $$1\n").prints("context: ");
        story.prints(&format!("image: docker.io/library/redis@{SUM}\n"));
        story.step("a service alone").runs("config --resolve-image-digests a --format json").exits(0);
        story.prints(&format!("\"image\": \"{image}:1@{digest}\""));
        story.must(!story.printed().contains("redis"), "one");
        // Written as JSON, the lock must not take the command away when it is put on top.
        story.step("lock as JSON").runs("config --lock-image-digests --format json -o lock.json").exits(0);
        story.runs("-f compose.yaml -f lock.json config").exits(0);
        story.prints(&format!("image: {image}:1@{digest}\n")).prints("- run\n");
        story.step("lists ask no registry");
        for list in ["--images", "--services", "--hash *"] {
            let before = registry.requests().len();
            story.runs(&format!("config --resolve-image-digests {list}")).exits(0);
            story.must(registry.requests().len() == before, "lists say what is written");
        }
        story.step("quiet").runs("config -q --lock-image-digests").exits(0);
        story.must(story.printed().is_empty(), "quiet is quiet");
    });
}

#[test]
fn every_image_without_a_digest_is_told_at_its_place() {
    scenario("what has no digest must be told, all of it", |story| {
        let (registry, _) = registry(Login::None);
        let image = format!("{}/team/app", registry.address);
        let text = format!(
            "services:\n  a: {{image: '{image}:2'}}\n  b: {{image: '{image}:3'}}\n  c: {{image: '{image}:1'}}\n"
        );
        story.step("two that are not there").file("compose.yaml", &text);
        story.runs("config --resolve-image-digests").exits(1);
        story.notes(&format!("the digest of `{image}:2` cannot be found: ")).notes("compose.yaml:2:14");
        story.notes(&format!("the digest of `{image}:3` cannot be found: ")).notes("compose.yaml:3:14");
        story.must(story.printed().is_empty(), "nothing half done is printed");
        story.step("no name").file("compose.yaml", "services:\n  a: {image: 'a/B'}\n  b: {image: '${X}'}\n");
        story.environment("X", "x:y z");
        story.runs("config --resolve-image-digests").exits(1);
        story.notes("`a/B` has capital letters in its repository").notes("`x:y z` has the tag `y z`");
        story
            .runs("config --lock-image-digests --no-interpolate")
            .exits(1)
            .notes("the image `${X}` is a template");
    });
}

#[test]
fn a_registry_with_a_login_is_asked_as_who_one_is() {
    scenario("the credentials of docker's configuration must be used, and never shown", |story| {
        let (registry, digest) = registry(Login::Basic);
        let image = format!("{}/team/app:1", registry.address);
        story.file("compose.yaml", &format!("services: {{a: {{image: '{image}'}}}}\n"));
        story.step("as nobody").runs("config --resolve-image-digests").exits(1);
        story.notes(&format!("help: log in first: `docker login {}`", registry.address));
        let entry = format!(r#"{{"auths":{{"{}":{{"auth":"dXNlcjpwYXNzLXdvcmQ="}}}}}}"#, registry.address);
        story.step("by the variable").environment("DOCKER_AUTH_CONFIG", &entry);
        story.runs("config --resolve-image-digests").exits(0).prints(&format!("{image}@{digest}"));
        story.step("by the file").environment("DOCKER_AUTH_CONFIG", "").file("docker/config.json", &entry);
        story.environment("DOCKER_CONFIG", "docker");
        story.runs("config --resolve-image-digests").exits(0).prints(&format!("{image}@{digest}"));
        let said = format!("{}{}", story.printed(), story.noted());
        story.must(!SECRETS.iter().any(|secret| said.contains(secret)), "no secret is shown");
    });
}
