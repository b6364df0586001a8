//! Tests of results in parts: the number of parts and their contents.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use kumiki::Limits;
use kumiki_text::{
    Allowance, CircuitBreaker, Config, Outcomes, Parts, Pipeline, TextHost, TextPlugin, Texts,
};
use test_components::{BATCH, ECHO, TextPlugin as Guest};

const LARGE: usize = 300_000;

/// A guest that answers with 300,000 NULs if the input begins with `l`, else with
/// the input.
fn guest() -> Guest {
    Guest::new("large").batch(BATCH).process(&format!(
        "(if (i32.eq (i32.load8_u (local.get $at)) (i32.const 0x6c)) (then
            (drop (memory.grow (i32.const 8)))
            (local.set $length (i32.const {LARGE}))))
         {ECHO}"
    ))
}

fn pipeline(host: &TextHost, plugins: usize) -> Pipeline {
    let bytes = guest().build();
    let plugin = |_| {
        let plugin = host.load_bytes("large.wasm", &bytes).unwrap();
        let plugin = TextPlugin::new(plugin, Config::default()).unwrap();
        plugin.with_circuit_breaker(CircuitBreaker::disabled())
    };
    Pipeline::each((0..plugins).map(plugin).collect())
}

/// Applies one limit to all results and collects the lengths of outputs by record.
struct Collected {
    limit: usize,
    parts: usize,
    lengths: Vec<Vec<Option<usize>>>,
}

impl Parts for Collected {
    type Error = ();

    fn allow(&mut self, _left: bool) -> Allowance {
        Allowance {
            part: self.limit / 4,
            call: self.limit,
            last: true,
        }
    }

    fn part(&mut self, outcomes: Vec<Outcomes<'_>>) -> Result<(), ()> {
        self.parts += 1;
        for row in 0..outcomes[0].answers.len() {
            let length = |it: &Outcomes<'_>| {
                let answer = it.answers.get(row).unwrap();
                answer.ok().map(|answer| answer.output.len())
            };
            self.lengths.push(outcomes.iter().map(length).collect());
        }
        Ok(())
    }
}

/// A large answer must not put each of the small ones before it into its own part.
#[test]
fn large_answer_does_not_split_small_ones() {
    for (plugins, limit, expected) in [
        (1, 1 << 20, vec![Some(LARGE)]),
        (6, 16 << 20, vec![Some(LARGE); 6]),
        // Three of the record's results fit within the limit.
        (6, 1_000_000, [vec![Some(LARGE); 3], vec![None; 3]].concat()),
    ] {
        let limits = Limits::default().with_output(limit);
        let host = TextHost::builder().limits(limits).build().unwrap();
        let mut inputs = vec!["quick"; 1000];
        inputs.push("large");
        inputs.extend(["quick"; 1000]);
        let mut collected = Collected {
            limit,
            parts: 0,
            lengths: Vec::new(),
        };
        let inputs = Texts::from_iter(inputs);
        let mut pipeline = pipeline(&host, plugins);
        pipeline.process_in_parts(&inputs, &mut collected).unwrap();
        let Collected { parts, lengths, .. } = collected;
        assert_eq!(lengths.len(), inputs.len());
        assert_eq!(lengths[1000], expected);
        let quick = vec![Some(5); plugins];
        assert!(lengths[..1000].iter().all(|row| *row == quick));
        assert!(lengths[1001..].iter().all(|row| *row == quick));
        assert!(parts <= 8, "{parts} parts");
    }
}
