//! Process entry only; all work is in the library.

fn main() {}
