//! Writes the JSON schema of stack files: `cargo run --example schema > schema/stack.schema.json`.

use std::io::Write;

fn main() -> std::io::Result<()> {
    let schema = stack::load::schema();
    writeln!(std::io::stdout(), "{schema:#}")
}
