//! The macro `contract!` with a package of several files and dependencies.

use kumiki::{Contract, Host, HostState};

#[derive(Clone)]
struct Clock(u64);

kumiki::contract!(Pricing {
    path: "tests/wit/shop",
    world: "pricing",
    data: Clock,
    bindgen: { additional_derives: [PartialEq] },
});

impl pricing::clock::time::now::Host for HostState<Clock> {
    fn now(&mut self) -> u64 {
        self.data.0
    }
}

impl pricing::example::shop::match_::Host for HostState<Clock> {
    fn is_match(&mut self, name: String) -> bool {
        name == "kumiki"
    }
}

impl pricing::PricingImports for HostState<Clock> {
    fn random(&mut self) -> u32 {
        4
    }
}

// Its module would be a keyword, and an interface of the world itself has types only.
kumiki::contract!(Match {
    inline: "
        package example:keyword;
        world w {
            import types: interface { record pair { a: u32 } }
            export run: func() -> u32;
        }
    ",
    world: "w",
});

kumiki::contract!(Bare {
    inline: "package example:bare; world bare { export run: func() -> u32; }",
    world: "bare",
});

/// Returns the first amount plus what the host's functions return.
const TOTAL: &str = r#"
    (import "clock:time/now" "now" (func $now (result i64)))
    (import "$root" "random" (func $random (result i32)))
    (func (export "example:shop/prices@0.2.0#total") (param i32 i32) (result i64)
        (i64.add (i64.load (local.get 0))
            (i64.add (call $now) (i64.extend_i32_u (call $random)))))
"#;

#[test]
fn contract_of_several_packages_is_checked_and_called() {
    let component = test_components::build(Pricing::WIT, Pricing::WORLD, TOTAL);
    let host = Host::<Pricing>::new().unwrap();
    let plugin = host.load_bytes("pricing", &component).unwrap();
    let mut instance = plugin.instantiate(Clock(30)).unwrap();
    let cents = |cents| pricing::money::types::amounts::Amount { cents };
    let total = instance.call("total", |pricing, store| {
        let prices = pricing.example_shop_prices();
        prices.call_total(store, &[cents(8), cents(1000)])
    });
    assert_eq!(total.unwrap(), cents(42));
}

#[test]
fn contract_without_imports_and_data_is_called() {
    let run = r#"(func (export "run") (result i32) (i32.const 7))"#;
    let component = test_components::build(Bare::WIT, Bare::WORLD, run);
    let host = Host::<Bare>::new().unwrap();
    let plugin = host.load_bytes("bare", &component).unwrap();
    let mut instance = plugin.instantiate(()).unwrap();
    let answer = instance.call("run", |bare, store| bare.call_run(store));
    assert_eq!(answer.unwrap(), 7);
}

#[test]
fn plugin_of_another_contract_is_rejected() {
    let run = r#"(func (export "run") (result i32) (i32.const 7))"#;
    let component = test_components::build(Bare::WIT, Bare::WORLD, run);
    let host = Host::<Pricing>::new().unwrap();
    let error = host.load_bytes("bare", &component).unwrap_err();
    assert!(error.to_string().contains("example:shop/prices"), "{error}");
}

#[test]
fn contract_with_the_name_of_a_keyword_is_called() {
    let component = test_components::build(
        Match::WIT,
        Match::WORLD,
        r#"(func (export "run") (result i32) (i32.const 7))"#,
    );
    let host = Host::<Match>::new().unwrap();
    let plugin = host.load_bytes("keyword", &component).unwrap();
    let mut instance = plugin.instantiate(()).unwrap();
    let seven = instance.call("run", |it: &match_::W, store| it.call_run(store));
    assert_eq!(seven.unwrap(), 7);
}
