//! See `README.md`.
