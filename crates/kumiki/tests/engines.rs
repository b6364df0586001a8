//! The engine of a host, and the data of an instance.

use kumiki::{Contract, Engine, EngineConfig, Error, Host, HostState, Limits};

kumiki::contract!(Counter {
    inline: "
        package example:counter;
        world counter {
            import user: func() -> u32;
            export run: func() -> u32;
        }
    ",
    world: "counter",
    data: u32,
});

impl counter::CounterImports for HostState<u32> {
    fn user(&mut self) -> u32 {
        self.data
    }
}

fn component() -> Vec<u8> {
    let run = r#"
        (import "$root" "user" (func $user (result i32)))
        (func (export "run") (result i32) (call $user))
    "#;
    test_components::build(Counter::WIT, Counter::WORLD, run)
}

fn run(host: &Host<Counter>, data: u32) -> kumiki::Result<u32> {
    let plugin = host.load_bytes("counter", &component())?;
    let mut instance = plugin.instantiate(data)?;
    instance.call("run", |counter, store| counter.call_run(store))
}

#[test]
fn host_uses_the_configured_engine() {
    let config = EngineConfig::default().with_slots(2);
    let engine = Engine::shared(&config).unwrap();
    for builder in [
        Host::<Counter>::builder().slots(2),
        Host::builder().engine(config),
        Host::builder().engine(engine.clone()),
    ] {
        let host = builder.build().unwrap();
        assert!(kumiki::wasmtime::Engine::same(
            host.engine().as_wasmtime(),
            engine.as_wasmtime()
        ));
        assert_eq!(run(&host, 1).unwrap(), 1);
    }
}

#[test]
fn engine_that_counts_fuel_works_without_a_limit() {
    let counting = EngineConfig::default().with_fuel(true);
    let host = Host::<Counter>::builder().engine(counting).build().unwrap();
    assert_eq!(run(&host, 3).unwrap(), 3);
}

#[test]
fn limit_of_fuel_needs_an_engine_that_counts_it() {
    let limits = Limits::default().with_fuel(1_000);
    let config = EngineConfig::default();
    let engine = Engine::shared(&config).unwrap();
    let built = Host::<Counter>::builder()
        .limits(limits.clone())
        .engine(engine)
        .build();
    let error = built.map(drop).unwrap_err();
    assert!(
        matches!(error, Error::FuelNotCounted { fuel: 1_000 }),
        "{error:?}"
    );
    assert!(error.hint().unwrap().contains("with_fuel"), "{error:?}");
    // A configuration is adapted to the limits.
    let host = Host::<Counter>::builder()
        .limits(limits)
        .engine(config)
        .build()
        .unwrap();
    assert_eq!(run(&host, 5).unwrap(), 5);
}

#[test]
fn data_of_an_instance_can_be_changed_between_calls() {
    let host = Host::<Counter>::new().unwrap();
    let plugin = host.load_bytes("counter", &component()).unwrap();
    let mut instance = plugin.instantiate(1).unwrap();
    for user in [7, 8] {
        *instance.data_mut() = user;
        let answer = instance.call("run", |counter, store| counter.call_run(store));
        assert_eq!((answer.unwrap(), *instance.data()), (user, user));
    }
}
