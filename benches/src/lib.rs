//! Benchmarks that compare Kumiki with peers in the same run. This file is empty:
//! every benchmark is a separate file in this package.
