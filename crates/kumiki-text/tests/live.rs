//! Ten thousand live instances, in a separate process because its memory is
//! measured.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::fs;

use kumiki_text::{TextData, TextHost};

const LIVE: u32 = 10_000;

/// Returns the memory of this process in KiB, and the number of its mappings.
fn held() -> (usize, usize) {
    let rollup = fs::read_to_string("/proc/self/smaps_rollup").unwrap();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Rss:"));
    let resident = line.unwrap().trim().trim_end_matches(" kB");
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    (resident.parse().unwrap(), maps.lines().count())
}

fn live(slots: u32) -> (usize, usize) {
    let host = TextHost::builder().slots(slots).build().unwrap();
    let component = test_components::TextPlugin::new("echo").build();
    let plugin = host.load_bytes("echo", &component).unwrap();
    let before = held();
    let mut all = Vec::new();
    for number in 0..LIVE {
        let mut instance = plugin.instantiate(TextData::default()).unwrap();
        let input = number.to_string();
        let answer = instance.call("process", |bindings, store| {
            bindings.plugin().call_process(store, &input)
        });
        assert_eq!(answer.unwrap().unwrap().output, input);
        all.push(instance);
    }
    let after = held();
    let each = |before: usize, after: usize| after.saturating_sub(before) / LIVE as usize;
    (each(before.0, after.0), each(before.1, after.1))
}

#[test]
fn ten_thousand_instances_live_in_and_beyond_the_pool_slots() {
    for slots in [LIVE, 1_000] {
        let (resident, mappings) = live(slots);
        assert!(resident < 21, "{resident} KiB each with {slots} slots");
        assert!(mappings < 6, "{mappings} mappings each with {slots} slots");
    }
}
