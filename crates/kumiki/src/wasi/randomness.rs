//! The random numbers of guests according to their grants.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use wasmtime_wasi::WasiCtxBuilder;

use crate::Randomness;

impl Randomness {
    pub(super) fn configure(self, wasi: &mut WasiCtxBuilder) {
        let Self::Seeded(seed) = self else {
            return;
        };
        // Three independent sources: use of one does not change the numbers of another.
        let mut seeds = StdRng::seed_from_u64(seed);
        let insecure_seed = u128::from(seeds.next_u64()) << 64 | u128::from(seeds.next_u64());
        wasi.secure_random(StdRng::from_rng(&mut seeds))
            .insecure_random(StdRng::from_rng(&mut seeds))
            .insecure_random_seed(insecure_seed);
    }
}
