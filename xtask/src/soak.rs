//! Runs good plugins and hostile ones side by side for minutes on end.

use anyhow::Result;
use kumiki_build::Toolchain;

use crate::place::Place;
use crate::step::{run as run_program, step};
use crate::{fixtures, setup};

/// Of these are the good plugins; without one of them there is no soak.
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
