//! Does nothing: only a crate with a build script can have build dependencies.

fn main() {}
