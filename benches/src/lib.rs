//! Benchmarks, each beside its peer in the same run. Nothing is
//! here: every benchmark is a file of its own in this folder.
