//! Runs good and hostile plugins side by side for minutes.

use anyhow::Result;
use kumiki_build::Toolchain;

use crate::place::Place;
use crate::step::{run as run_program, step};
use crate::{fixtures, setup};

/// Toolchains of the good plugins, all of which are required.
const TOOLCHAINS: [Toolchain; 4] = [
    Toolchain::Rust,
    Toolchain::C,
    Toolchain::JavaScript,
    Toolchain::Go,
];

pub(crate) fn run(place: &Place, minutes: f64) -> Result<()> {
    setup::run(place, &TOOLCHAINS, |_| true)?;
    step("guests", || fixtures::all(place))?;
    step("soak", || {
        let mut cargo = place.cargo();
        cargo
            .args(["test", "--workspace", "--test", "hostile"])
            .env("KUMIKI_PLUGINS", place.plugins())
            .env("KUMIKI_FIXTURES", place.fixtures())
            .env("KUMIKI_SOAK_MINUTES", minutes.to_string());
        run_program(&mut cargo)
    })
}
