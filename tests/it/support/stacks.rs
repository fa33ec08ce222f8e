//! Stack files that more than one room tells stories about.

/// A `db` that runs this command and is probed so, and a `web` that waits until it is healthy.
pub fn db_and_web(command: &str, healthcheck: &str) -> String {
    format!(
        "\
services:
  db:
    image: busybox
    command: {command}
    stop_signal: SIGKILL
    healthcheck: {{{healthcheck}}}
  web:
    image: busybox
    command: sleep infinity
    stop_signal: SIGKILL
    depends_on: {{db: {{condition: service_healthy}}}}
"
    )
}
