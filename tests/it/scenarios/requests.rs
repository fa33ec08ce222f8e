//! How often the engine is asked: exact numbers, free of any machine's noise.

use crate::support::scenario::on_the_fake;

fn services(count: usize) -> String {
    let service = |number| format!("  s{number}:\n    image: busybox\n    command: sleep infinity\n");
    format!("services:\n{}", (1..=count).map(service).collect::<String>())
}

#[test]
fn a_command_asks_no_more_often_than_it_must() {
    on_the_fake("requests must not grow beyond what the containers themselves need", |story, fake| {
        const COUNT: usize = 20;
        story.step("up from nothing").file("compose.yaml", &services(COUNT)).runs("up -d").exits(0);
        let asked = |since: usize| fake.requests().len() - since;
        let up = asked(0);
        story.must(up <= 2 * COUNT + 4, &format!("up: {up} requests for {COUNT} containers"));
        for (words, limit) in
            [("up -d", 4), ("plan", 4), ("ps", 2), ("ps --format json", 2), ("down -t 0", COUNT + 3)]
        {
            let before = fake.requests().len();
            story.step(words).runs(words).exits(0);
            let number = asked(before);
            story.must(number <= limit, &format!("{words}: {number} requests, and not at most {limit}"));
        }
    });
}

#[test]
fn one_change_costs_as_much_with_twenty_services_as_with_two() {
    on_the_fake("replacing one container must not depend on how many there are", |story, fake| {
        let mut costs = Vec::new();
        for count in [2, 20] {
            let file = services(count);
            story.step("up").file("compose.yaml", &file).runs("up -d").exits(0);
            let before = fake.requests().len();
            let changed = file.replacen("sleep infinity", "sleep infinity\n    environment: {A: b}", 1);
            story.step("change one").file("compose.yaml", &changed).runs("up -d -t 0").exits(0);
            costs.push(fake.requests().len() - before);
            story.step("down").runs("down -t 0").exits(0);
        }
        story.must(costs[0] == costs[1], &format!("{costs:?} requests"));
        story.must(costs[0] <= 12, &format!("{costs:?} requests"));
    });
}
