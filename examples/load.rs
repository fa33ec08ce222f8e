//! Loads the stack file of the working directory and prints each service with what it waits for.
//!
//! `cargo run --example load` in a folder with a `compose.yaml`.

use stack::load::{LoadRequest, load};
use stack::source::{Colour, to_text};

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "an example is a program"
)]
fn main() -> std::io::Result<()> {
    let request = LoadRequest {
        current_dir: std::env::current_dir()?,
        environment: std::env::vars().collect(),
        ..LoadRequest::default()
    };
    match load(&request) {
        Ok(loaded) => {
            for (name, service) in &loaded.project.services {
                let needs: Vec<&str> =
                    service.depends_on.keys().map(stack::model::ServiceName::as_str).collect();
                println!("{name}: {} (waits for: {})", loaded.project.image_name(service), needs.join(", "));
            }
        }
        Err(failure) => eprint!("{}", to_text(&failure.diagnostics, &failure.sources, Colour::Never)),
    }
    Ok(())
}
