//! Process entry only: all work is in the library, and the exit code is decided in [`stack::cli`].

fn main() -> std::process::ExitCode {
    stack::cli::main()
}
