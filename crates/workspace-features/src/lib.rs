//! Has no code. A crate that depends on this one is built with the same features of
//! third-party crates whether it is selected alone or with the whole workspace.
