//! Settings of the linker that Cargo.toml has no words for.

#[expect(clippy::print_stdout, reason = "it is how a build script speaks to Cargo")]
fn main() {
    println!("cargo::rerun-if-changed=script/link.rs");
    #[expect(
        clippy::disallowed_methods,
        reason = "Cargo tells a build script about the target in variables only"
    )]
    let target = |what| std::env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    if target("OS") == "linux" && target("ENV") == "gnu" {
        // A program that may be loaded anywhere has ten thousand addresses to mend at every start: half of the time of a
        // small command. At a fixed address, as the docker CLI and its plugins are linked too, there is nothing to mend.
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
