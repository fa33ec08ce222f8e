//! `--format` with templates, as the docker command takes them.

use crate::support::scenario::{on_the_real, scenario};

const FILE: &str = "\
services:
  web:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    labels: {my.label: 'a value'}
    volumes: ['data:/data']
volumes: {data: {labels: {kind: kept}}}
";

#[test]
fn lists_are_written_by_templates() {
    scenario("`ps --format` must take Go templates", |story| {
        story.step("up").file("compose.yaml", FILE).runs("up -d").exits(0);
        story
            .runs_words(&["ps", "--format", "{{.Service}}={{upper .State}} {{.Label \"my.label\"}}"])
            .exits(0);
        story.must(story.printed() == "web=RUNNING a value\n", story.printed().to_owned().as_str());
        story
            .runs_words(&["ps", "--format", r"table {{.Name}}\t{{.Service}}"])
            .exits(0)
            .prints("NAME")
            .prints("SERVICE");
        story
            .runs_words(&["ps", "--format", "{{.Nmae}}"])
            .exits(1)
            .notes("`.Nmae` is no field")
            .notes("`.Name`");
        story
            .runs_words(&["volumes", "--format", "{{.Name}} {{.Label \"kind\"}}"])
            .exits(0)
            .prints("_data kept\n");
        story.step("a format of one's own").file("docker/config.json", r#"{"psFormat": "{{.Service}}!"}"#);
        let config = story.folder().join("docker").display().to_string();
        story.environment("DOCKER_CONFIG", &config).runs("ps").exits(0);
        story.must(story.printed() == "web!\n", story.printed().to_owned().as_str());
    });
}

#[test]
fn templates_come_to_the_same_as_with_the_reference() {
    on_the_real("a template must print what `docker compose` prints", |story| {
        if !story.has_reference() {
            println!("note: not run: there is no `docker compose`");
            return;
        }
        story.step("up").file("compose.yaml", FILE).runs("up -d").exits(0);
        for format in [
            "{{.Name}},{{.Image}},{{.Service}},{{.State}},{{.Ports}}",
            "{{json .Names}}",
            r"table {{.Name}}\t{{.State}}\t{{.Ports}}",
            "{{range split .Name \"-\"}}<{{.}}>{{end}}",
            "{{if eq .State \"running\"}}yes{{else}}no{{end}} {{len .Name}} {{printf \"%q\" .Service}}",
            "{{title .State}} {{join (split .Image \"b\") \"+\"}} {{pad .Service 2 3}}| {{truncate .Image 4}}",
            "{{.ExitCode}} {{.Project}} {{.Health}} {{.LocalVolumes}}",
        ] {
            let ours = story.runs_words(&["ps", "--format", format]).exits(0).printed().to_owned();
            let theirs =
                story.reference_runs_words(&["ps", "--format", format]).exits(0).printed().to_owned();
            story.must(ours == theirs, &format!("{format}:\n{ours}{theirs}"));
        }
    });
}
