//! What users of such tools suffer from, and the tests that it is over: which test holds which promise.
//!
//! The tests of most pains stand in the rooms of what they are about, under names that begin with `pain_`; here are those that
//! belong nowhere else. [`every_test_that_the_table_names_is_there`] keeps the table true. Where a promise has a number of
//! seconds, the test holds what makes it so (an order, a cause, a count of requests), because a busy machine may be slow; `script/bench`
//! measures. `run` is not a command yet: where a promise is about it, it is about the others alone.
//!
//! | pain | promise | tests |
//! | --- | --- | --- |
//! | 1 | a one-shot that exits with 0 is a success for `--wait`, alone or beside others, also at the second try; one that fails is named with its code | `readiness::pain_1_a_one_shot_that_has_done_its_work_does_not_fail_wait` |
//! | 1 | of every service it is known what it was to reach and how far it came; one that ends at once is noticed | `goals::pain_1_of_each_service_it_is_known_what_it_was_to_reach_and_how_far_it_came`, `goals::pain_1_who_fails_at_once_is_noticed_and_how_long_that_is_can_be_said` |
//! | 2 | a failed start shows service, probe, its exit code and how many failed, place, for people and programs; of healthy services nothing | `events::pain_2_a_failed_start_says_why_for_people_and_for_programs` |
//! | 2 | the last 20 lines of the culprit's log | `pains::pain_2_of_the_culprits_log_the_last_twenty_lines_are_shown` |
//! | 2 | lack of memory is told, with the limit | `events::pain_2_a_container_that_ran_out_of_memory_says_so_with_its_limit` |
//! | 2 | a test that does not come up says why: to people, as JUnit and as JSON | `testing::pain_2_what_never_gets_ready_is_told_with_its_diagnosis_to_people_and_programs` |
//! | 4 | dependents start on an early probe, or on the engine's own when early ones are off | `pains::pain_4_a_gate_opens_on_an_early_probe_or_on_the_engines_own_when_those_are_off` |
//! | 4 | a chain of three costs no intervals | `readiness::pain_4_start_up_time_is_not_dominated_by_probe_intervals` |
//! | 4 | fewer than two requests a second while it waits | `pains::pain_4_while_it_waits_the_engine_is_hardly_asked` |
//! | 4 | a summary by service of pulling, creating, starting and waiting | `pains::pain_4_timings_say_by_service_where_the_time_went` |
//! | 5 | a replacement that is killed, cut or refused at any call is put right by the next plain `up`, anonymous volumes kept | `faults::pain_5_a_replacement_that_goes_wrong_anywhere_is_put_right_by_the_next_up` |
//! | 5 | leftovers, ours and the reference's, are repaired, and that is said | `up::pain_5_a_swap_that_was_cut_short_before_the_rename_is_put_right`, `up::pain_5_a_swap_that_was_cut_short_after_the_creation_is_put_right` |
//! | 6 | any number of runs in any order on an unchanged project recreate nothing | `up::pain_6_runs_in_any_order_recreate_nothing` |
//! | 6 | a change names service, field, old and new (secrets hidden), and each dependent with its cause | `pains::pain_6_a_change_is_named_and_each_dependent_with_its_cause` |
//! | 6 | what the reference made is not recreated | `adoption::everything_people_use_is_taken_over_from_the_reference` |
//! | 11 | tests of one project with fixed ports and names run side by side | `testing::pain_11_four_at_once_with_one_fixed_port_do_not_clash` |
//! | 12 | a plan only asks; its exit codes are 0, 2 and 1 | `plans::pain_12_a_plan_shows_both_sides_hides_secrets_asks_only_and_fits_its_schema`, `pains::pain_12_a_plan_sends_questions_only_to_any_engine` |
//! | 12 | after a plan was carried out the next is empty, for projects at random | `plan::convergence::a_plan_that_was_carried_out_leaves_nothing_to_do` |
//! | 12 | a saved plan that is out of date is refused | `plans::a_saved_plan_does_what_it_says_or_nothing` |
//! | 12 | changes by hand are named by field | `plans::pain_12_what_was_changed_by_hand_is_named_and_healed`, `pains::pain_12_a_container_that_was_replaced_by_hand_is_named_by_field` |
//! | 13 | twenty runs at once end well, with one container each | `turns::pain_13_many_runs_at_once_all_succeed_with_one_container_each` |
//! | 13 | who follows logs holds nobody up, nor does another project | `turns::pain_13_following_the_logs_holds_nobody_up`, `turns::pain_13_only_what_changes_the_project_waits` |
//! | 13 | a killed holder is nobody's concern; who waits is told for whom, and for how long it may | `turns::pain_13_a_holder_that_was_killed_holds_nobody_up`, `turns::pain_13_runs_on_one_project_take_turns_and_say_who_has_it` |
//! | 14 | over replacements, and some that fail, no failure for a client that asks a second time | `rolling::pain_14_a_client_that_retries_once_sees_no_outage` |
//! | 14 | a new one that never gets healthy costs nobody the old one | `rolling::pain_14_a_new_one_that_never_gets_healthy_costs_nobody_the_old_one` |
//! | 14 | a fixed port: a clear word, and stop-first | `rolling::pain_14_where_the_new_one_cannot_start_first_it_says_so_and_stops_first` |
//! | 16 | a restart policy may heal, and nothing else is waited for | `readiness::pain_16_a_container_that_its_restart_policy_heals_opens_the_gate`, `readiness::pain_16_a_container_that_nothing_brings_back_fails_the_gate_at_once` |
//! | 16 | a verdict of before waits for a new probe | `readiness::pain_16_what_a_probe_said_before_the_start_does_not_fail_it` |
//! | 16 | a wait has an end, and words for it | `readiness::where_nothing_runs_probes_early_ones_open_the_gates_and_a_deadline_closes_them` |
//! | 17 | those that nobody depends on stop at once, all of them; each that was killed is named | `pains::pain_17_twenty_that_ignore_sigterm_are_stopped_at_once_and_all_named` |
//! | 17 | dependents stop before what they depend on | `pains::pain_17_dependents_are_gone_before_what_they_depend_on_is_stopped` |
//! | 17 | the likely cause; `--fast`, but not for what has data | `down::pain_17_who_burns_the_grace_is_named_with_the_likely_cause`, `down::pain_17_a_fast_down_kills_what_keeps_no_data_and_leaves_the_rest_its_grace` |
//! | 18 | both services, the profile, the line and two remedies; `--with-deps`; no concern of others | `profiles::pain_18_a_dependency_that_no_profile_includes_is_refused_with_its_place_and_taken_in_with_deps` |
//! | 19 | a bare `down` leaves nothing; with a profile, only that; the network is kept, and that is said | `down::pain_19_down_without_a_profile_takes_everything_and_with_one_what_it_takes_in` |
//! | 22 | data in anonymous volumes is told of, and comes back | `volumes::pain_22_a_database_on_an_anonymous_volume_comes_back_after_down`, `down::pain_22_data_that_nothing_will_refer_to_is_named_and_images_go_when_asked` |
//! | 22 | a renamed folder is told of its old volumes | `volumes::pain_22_a_renamed_folder_is_told_of_the_volumes_that_its_old_name_has` |
//! | 22 | `down -v` on a terminal names what goes. Differs from the wish: it refuses nothing without a terminal, because scripts that work today would stop | `down::pain_22_on_a_terminal_down_v_names_what_it_removes` |
//! | 23 | an edited config replaces its users alone | `in_place::pain_23_changed_contents_of_configs_and_secrets_replace_their_users_alone` |
//! | 23 | an edited Dockerfile is told; `--build=auto` builds it, and nothing else | `in_place::pain_23_a_dockerfile_newer_than_the_image_is_told_and_built_with_auto` |
//! | 23 | `restart` after an edit prints what waits for `up` | `in_place::pain_23_a_restart_after_an_edit_prints_what_waits_for_up` |
//! | 24 | the exit code of a test is its command's; each other end has one of its own | `testing::pain_24_the_code_of_the_command_comes_through`, `testing::a_limit_of_time_ends_everything_with_124` |
//! | 25 | after a signal at any moment nothing is left, with the signal's code; a second one hurries | `testing::pain_25_a_signal_at_any_moment_leaves_nothing`, `testing::a_signal_is_told_to_the_command_and_a_second_one_hurries` |
//! | 25 | what a killed run left goes with the next command; what is somebody's own does not | `testing::pain_25_what_a_killed_run_left_goes_with_the_next`, `testing::what_somebody_has_made_their_own_is_not_swept` |
//! | 33 | a log without a terminal has four lines a service at most and no escapes | `ci::pain_33_a_log_that_nobody_looks_at_is_short_and_plain` |
//! | 33 | on GitHub mistakes, and a gate that fails, are each one mark beside their line, and the failure is told last | `ci::pain_33_mistakes_are_marked_beside_their_lines`, `ci::pain_33_a_gate_that_fails_is_marked_once_and_told_last` |
//! | 33 | the recipes work | `recipes::the_action_for_github_runs_and_hands_over_its_reports`, `recipes::the_job_for_gitlab_runs` |

use crate::support::forward::recorded;
use crate::support::scenario::{on_the_fake, on_the_real, scenario};
use crate::support::stacks::db_and_web;
use serde_json::Value;
use std::time::Instant;

#[test]
fn every_test_that_the_table_names_is_there() {
    let table: Vec<&str> =
        include_str!("pains.rs").lines().filter(|line| line.starts_with("//! | ")).collect();
    let named: Vec<&str> =
        table.iter().flat_map(|row| row.split('`')).filter(|word| word.contains("::")).collect();
    assert!(named.len() > 40, "the table is read: {named:?}");
    for name in named {
        let (room, test) = name.rsplit_once("::").expect("it has a room");
        let folder = if room.contains("::") { "" } else { "scenarios/" };
        let path = format!("{}/tests/it/{folder}{}.rs", env!("CARGO_MANIFEST_DIR"), room.replace("::", "/"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert!(text.contains(&format!("fn {test}(")), "there is no `{test}` in {path}");
    }
}

#[test]
fn pain_2_of_the_culprits_log_the_last_twenty_lines_are_shown() {
    scenario("of a culprit's log the last 20 lines must be shown, and no more", |story| {
        let says: String = (1..=25).map(|number| format!("echo said {number}.; ")).collect();
        let file = format!(
            "\
services:
  db:
    image: busybox
    command: sh -c '{says} sleep infinity'
    stop_signal: SIGKILL
    healthcheck: {{test: [CMD-SHELL, \"echo BOOM; exit 1\"], interval: 200ms, timeout: 5s, retries: 3}}
  web:
    image: busybox
    command: sleep infinity
    depends_on: {{db: {{condition: service_healthy}}}}
"
        );
        story.step("up").file("compose.yaml", &file).runs("up -d").exits(1);
        story.notes("said 6.\n").notes("said 25.\n").does_not_note("said 5.\n");
    });
}

/// When a container was started, or its last successful probe ended.
fn moment(text: &Value) -> jiff::Timestamp {
    text.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("a moment, and not {text}"))
}

#[test]
fn pain_4_a_gate_opens_on_an_early_probe_or_on_the_engines_own_when_those_are_off() {
    scenario("a dependent must start as soon as somebody has seen that it may", |story| {
        let file = |interval: &str| {
            format!(
                "\
services:
  db:
    image: busybox
    command: sh -c 'sleep 2; touch /ready; exec sleep infinity'
    stop_signal: SIGKILL
    healthcheck: {{test: [CMD-SHELL, test -f /ready], interval: {interval}}}
  web:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    depends_on: {{db: {{condition: service_healthy}}}}
"
            )
        };
        story.step("early").file("compose.yaml", &file("24h")).runs("up -d").exits(0).running("web", &[1]);
        let health = story.inspect("db")["State"]["Health"]["Status"].clone();
        story.must(health == "starting", &format!("the engine has not probed yet: {health}"));
        story.runs("down").exits(0);
        story.step("not early").file("compose.yaml", &file("1s")).runs("up -d --no-eager-health").exits(0);
        let health = story.inspect("db")["State"]["Health"].clone();
        let passed = |probe: &&Value| probe["ExitCode"] == 0;
        let first = health["Log"].as_array().into_iter().flatten().find(passed);
        let Some(first) = first else { story.fail(&format!("the engine's probe has passed: {health}")) };
        let started = moment(&story.inspect("web")["State"]["StartedAt"]);
        story.must(moment(&first["End"]) <= started, &format!("web began after the engine's probe: {first}"));
    });
}

#[test]
fn pain_4_while_it_waits_the_engine_is_hardly_asked() {
    on_the_fake("a wait must cost the engine next to nothing", |story, fake| {
        let file = "\
services:
  db:
    image: busybox
    command: sleep infinity
    healthcheck: {test: [CMD-SHELL, test -f /ready], interval: 24h}
  web:
    image: busybox
    command: sleep infinity
    depends_on: {db: {condition: service_healthy}}
";
        story.file("compose.yaml", file);
        // The second word comes after six seconds at the least, the third after twelve.
        for (words, lines, a_second) in [("up -d --no-eager-health", 2, 0.7), ("up -d", 3, 2.0)] {
            let up = story.goes_on(words);
            up.says("db-1 Waiting", 1);
            let (before, began) = (fake.requests().len(), Instant::now());
            up.says("db-1 Waiting (", lines);
            let asked = u32::try_from(fake.requests().len() - before).expect("a small number");
            let rate = f64::from(asked) / began.elapsed().as_secs_f64();
            story.must(rate <= a_second, &format!("{words}: {rate} requests a second, {asked} in all"));
            drop(up);
            story.step("down").runs("down -t 0").exits(0);
        }
    });
}

#[test]
fn pain_4_timings_say_by_service_where_the_time_went() {
    scenario("who wonders why a start takes long must be told", |story| {
        let file = &db_and_web(
            "sh -c 'sleep 1; touch /ready; exec sleep infinity'",
            "test: [CMD-SHELL, test -f /ready], interval: 24h",
        );
        story.step("unasked").file("compose.yaml", file).runs("up -d").exits(0).does_not_note("DONE AT");
        story.runs("down").exits(0);
        story.step("asked").runs("up -d --timings").exits(0);
        let said = story.noted().to_owned();
        let lines: Vec<&str> = said.lines().skip_while(|line| !line.starts_with("SERVICE")).collect();
        let [head, db, web, sum] = lines.as_slice() else {
            story.fail(&format!("it ends with a table: {lines:?}"))
        };
        // What took no time has no column.
        let heads = ["SERVICE", " WAIT ", " READY ", "DONE AT", "WAITED FOR"];
        story.must(heads.iter().all(|part| head.contains(part)), &format!("the columns: {head}"));
        story.must(db.starts_with("db ") && web.starts_with("web ") && web.ends_with(" db"), "the rows");
        story.must(sum.starts_with("All done after ") && sum.contains("but waiting"), sum);
        story.runs("down").exits(0);
        story.step("for programs").runs("--progress json up -d").exits(0);
        let events = story.events();
        let timed = events.iter().find(|event| event["event"] == "timed").cloned().unwrap_or_default();
        let services = &timed["timings"]["services"];
        let (ready, waited) = (services[0]["ready_ms"].as_u64(), services[1]["waited_ms"].as_u64());
        story.must(services[0]["service"] == "db" && ready > Some(0), &format!("db: {timed}"));
        story.must(services[1]["waited_for"] == "db" && waited > Some(0), &format!("web: {timed}"));
        story.runs("down").exits(0);
        let fails = file.replace("sleep 1; touch /ready; exec sleep infinity", "exit 1");
        story.step("a run that fails").file("compose.yaml", &fails);
        story.runs("up -d --timings").exits(1).notes("All done after");
        story.step("nothing to do").runs("down").exits(0).runs("up -d --no-deps --timings web").exits(0);
        story.runs("up -d --no-deps --timings web").exits(0).does_not_note("All done after");
    });
}

#[test]
fn pain_6_a_change_is_named_and_each_dependent_with_its_cause() {
    scenario("whatever is touched must be named, with the cause", |story| {
        let file = "\
services:
  web:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    environment: {COLOUR: red, API_TOKEN: first}
  beside:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    network_mode: service:web
  front:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    depends_on: {web: {condition: service_started, restart: true}}
  alone:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
";
        story.step("up").file("compose.yaml", file).runs("up -d").exits(0);
        let before = story.look();
        let changed = file.replace("red", "blue").replace("first", "second");
        story.step("change a variable and a secret").file("compose.yaml", &changed).runs("up -d").exits(0);
        story.replaced(&before, "web").replaced(&before, "beside").kept(&before, "alone");
        let cause = |service: &str| {
            let row = format!(" Container {}-{service}-1 ", story.project());
            let of_it = |line: &&str| line.starts_with(&row) && line.contains('(');
            story.noted().lines().find(of_it).unwrap_or_default().to_owned()
        };
        let (web, beside, front) = (cause("web"), cause("beside"), cause("front"));
        for part in ["environment.COLOUR: red → blue", "environment.API_TOKEN: ******** → ********"] {
            story.must(web.contains(part), &format!("`{part}` is in `{web}`"));
        }
        story.must(beside.contains("web"), &format!("the cause is named: `{beside}`"));
        story.must(front.contains("web"), &format!("the cause is named: `{front}`"));
        story.does_not_note("first").does_not_note("second").does_not_note("alone-1 Re");
    });
}

#[test]
fn pain_12_a_plan_sends_questions_only_to_any_engine() {
    scenario("a plan must not even try to change anything", |story| {
        let file = "services: {web: {image: busybox, command: sleep infinity, stop_signal: SIGKILL, environment: {A: b}}}\n";
        let (address, asked) = recorded(story.host());
        story.environment("DOCKER_HOST", &address).file("compose.yaml", file);
        story.step("from nothing").runs("plan").exits(0).runs("plan --detailed-exitcode").exits(2);
        story.environment("DOCKER_HOST", story.host().to_owned().as_str()).runs("up -d").exits(0);
        story.environment("DOCKER_HOST", &address).file("compose.yaml", &file.replace("b}", "c}"));
        story.step("of a change").runs("plan").exits(0).runs("plan --drift --format json").exits(0);
        story.runs("--dry-run up -d").exits(0).runs("down -v --dry-run").exits(0);
        let asked = asked.lock().expect("a list").clone();
        story.must(asked.len() > 10, &format!("the engine was asked: {asked:?}"));
        let changes: Vec<&String> =
            asked.iter().filter(|line| !line.starts_with("GET ") && !line.starts_with("HEAD ")).collect();
        story.must(changes.is_empty(), &format!("they were all questions, and not {changes:?}"));
    });
}

#[test]
fn pain_12_a_container_that_was_replaced_by_hand_is_named_by_field() {
    scenario("what differs in a hand-made replacement must be told, whatever its labels say", |story| {
        let file = "\
services:
  web:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    environment: {COLOUR: red}
    labels: {tier: one}
";
        story.step("up").file("compose.yaml", file).runs("up -d").exits(0);
        let whole = story.inspect("web");
        let mut labels = whole["Config"]["Labels"].clone();
        labels["tier"] = "two".into();
        let mut host = whole["HostConfig"].clone();
        host["AutoRemove"] = false.into();
        let body = serde_json::json!({
            "Image": "busybox", "Cmd": ["sleep", "infinity"], "Labels": labels, "StopSignal": "SIGKILL",
            "Env": ["COLOUR=green"], "HostConfig": host,
            "NetworkingConfig": {"EndpointsConfig": {format!("{}_default", story.project()): {}}},
        });
        story.step("somebody replaces it, with the labels that it had").remove_by_hand("web");
        let name = format!("{}-web-1", story.project());
        story.made_by_hand(&name, &body).by_hand("web", "start", "");
        story.runs("plan --drift --detailed-exitcode").exits(2);
        story.prints("environment.COLOUR: green → red").prints("labels.tier: two → one");
        let before = story.look();
        story.step("heal it").runs("up -d --drift").exits(0).replaced(&before, "web");
        story.runs("plan --drift --detailed-exitcode").exits(0);
    });
}

#[test]
fn pain_17_twenty_that_ignore_sigterm_are_stopped_at_once_and_all_named() {
    on_the_real("containers that nothing depends on must not wait for each other's grace", |story| {
        const COUNT: usize = 20;
        let service =
            |n| format!("  s{n}: {{image: busybox, command: sleep infinity, stop_grace_period: 2s}}\n");
        let file = format!("services:\n{}", (1..=COUNT).map(service).collect::<String>());
        story.step("up").file("compose.yaml", &file).runs("up -d").exits(0);
        story.step("down").runs("down").exits(0).nothing_left();
        let said = story.noted().to_owned();
        let ended = said.find(" Stopped\n").unwrap_or_default();
        let begun = said.get(..ended).unwrap_or_default().matches(" Stopping\n").count();
        story.must(begun == COUNT, &format!("all were being stopped before the first had: {begun}"));
        for number in 1..=COUNT {
            story.notes(&format!("{}-s{number}-1 did not stop within 2 s and was killed", story.project()));
        }
    });
}

#[test]
fn pain_17_dependents_are_gone_before_what_they_depend_on_is_stopped() {
    scenario("what is depended on must serve until its dependents are gone", |story| {
        let service = |name: &str, on: &str| {
            format!(
                "  {name}: {{image: busybox, command: sleep infinity, stop_signal: SIGKILL, depends_on: [{on}]}}\n"
            )
        };
        let file =
            ["services:\n", &service("db", ""), &service("api", "db"), &service("web", "api")].concat();
        story.step("up").file("compose.yaml", &file).runs("up -d").exits(0);
        story.step("down").runs("down").exits(0).nothing_left();
        let said = story.noted().to_owned();
        let at = |what: &str| {
            let line = format!("Container {}-{what}\n", story.project());
            said.find(&line).unwrap_or_else(|| story.fail(&format!("it says `{line}`")))
        };
        let order = [
            at("web-1 Stopping"),
            at("web-1 Stopped"),
            at("api-1 Stopping"),
            at("api-1 Stopped"),
            at("db-1 Stopping"),
        ];
        story.must(order.is_sorted(), &format!("web, then api, then db: {order:?}"));
    });
}
