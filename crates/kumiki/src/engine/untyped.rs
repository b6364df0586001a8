//! Errors to which wasmtime 48 gives no type that can be named, known by their texts:
//! here, and nowhere else. The tests fail when wasmtime changes one.

/// A limit that wasmtime, or its WASI, keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Untyped {
    /// Bytes that one call hands over (`component/func/options.rs`).
    Transfer,
    /// Handles of one store (`vm/component/handle_table.rs`).
    Handles,
    /// Core instances, memories and tables of one store (`runtime/store.rs`).
    CoreInstances,
    /// Random bytes at once (`wasmtime-wasi`, `p2/host/random.rs`).
    Random,
}

const LIMITS: [(&str, Untyped); 4] = [
    ("fuel allocated for hostcalls", Untyped::Transfer),
    ("handle limit exceeded", Untyped::Handles),
    ("count too high", Untyped::CoreInstances),
    ("requested len", Untyped::Random),
];

/// A handle of another type (`vm/component/resources.rs`).
const HANDLE: &str = "used with the wrong type";

/// A component that does not fit (`vm/instance/allocator/pooling.rs`).
const SLOT: &str = "fit in pooling allocator requirements";

/// The limit behind an error that has no type of its own.
pub(crate) fn limit(error: &wasmtime::Error) -> Option<Untyped> {
    let message = error.root_cause().to_string();
    let known = LIMITS.iter().find(|(text, _)| message.contains(text));
    known.map(|(_, limit)| *limit)
}

/// Whether a guest returned a handle of a resource of another type.
pub(crate) fn is_wrong_handle(error: &wasmtime::Error) -> bool {
    error.root_cause().to_string().contains(HANDLE)
}

/// Whether a component could not be loaded because it needs more than a slot has.
pub(crate) fn is_too_large_for_slots(error: &wasmtime::Error) -> bool {
    error.chain().any(|cause| cause.to_string().contains(SLOT))
}

#[cfg(test)]
mod tests {
    use wasmtime::component::{Component, Linker};
    use wasmtime::{ResourceLimiter, Store};
    use wasmtime_wasi::WasiCtx;
    use wasmtime_wasi::p2::bindings::random::{insecure, random};

    use super::*;
    use crate::{Engine, EngineConfig};

    /// Allows one core instance.
    struct One;

    impl ResourceLimiter for One {
        fn memory_growing(
            &mut self,
            _: usize,
            _: usize,
            _: Option<usize>,
        ) -> wasmtime::Result<bool> {
            Ok(true)
        }

        fn table_growing(
            &mut self,
            _: usize,
            _: usize,
            _: Option<usize>,
        ) -> wasmtime::Result<bool> {
            Ok(true)
        }

        fn instances(&self) -> usize {
            1
        }
    }

    /// What comes of `run` of a component, in a store that `limit` has bounded.
    fn run(text: &str, bound: impl FnOnce(&mut Store<One>)) -> wasmtime::Result<()> {
        let engine = Engine::shared(&EngineConfig::default().with_slots(0)).unwrap();
        let engine = engine.as_wasmtime();
        let component = Component::from_binary(engine, &test_components::parse(text)).unwrap();
        let mut store = Store::new(engine, One);
        store.set_epoch_deadline(u64::MAX / 2);
        bound(&mut store);
        let instance = Linker::new(engine).instantiate(&mut store, &component)?;
        let run = instance.get_func(&mut store, "run").unwrap();
        let mut results = [wasmtime::component::Val::Bool(false)];
        let count = run.ty(&store).results().count();
        run.call(&mut store, &[], &mut results[..count])
    }

    fn assert_limit(result: wasmtime::Result<()>, expected: Untyped) {
        let error = result.unwrap_err();
        assert_eq!(limit(&error), Some(expected), "{error:?}");
    }

    #[test]
    fn bytes_handed_over() {
        let text = r#"(component
            (core module $m (memory (export "memory") 1)
                (func (export "run") (result i32)
                    (i32.store (i32.const 0) (i32.const 64))
                    (i32.store (i32.const 4) (i32.const 1000)) (i32.const 0)))
            (core instance $i (instantiate $m))
            (func (export "run") (result string)
                (canon lift (core func $i "run") (memory $i "memory"))))"#;
        assert!(run(text, |_| ()).is_ok());
        assert_limit(
            run(text, |store| store.set_hostcall_fuel(10)),
            Untyped::Transfer,
        );
    }

    #[test]
    fn handles() {
        let text = r#"(component
            (type $r (resource (rep i32)))
            (core func $new (canon resource.new $r))
            (core module $m (import "" "new" (func $new (param i32) (result i32)))
                (func (export "run")
                    (drop (call $new (i32.const 1))) (drop (call $new (i32.const 2)))))
            (core instance $i (instantiate $m
                (with "" (instance (export "new" (func $new))))))
            (func (export "run") (canon lift (core func $i "run"))))"#;
        assert!(run(text, |_| ()).is_ok());
        let bound = |store: &mut Store<One>| store.set_max_component_handles(1);
        assert_limit(run(text, bound), Untyped::Handles);
    }

    #[test]
    fn handles_of_another_type() {
        let text = r#"(component
            (type $a (resource (rep i32)))
            (type $b (resource (rep i32)))
            (export $exported "a" (type $a))
            (core func $new (canon resource.new $b))
            (core module $m (import "" "new" (func $new (param i32) (result i32)))
                (func (export "run") (result i32) (call $new (i32.const 1))))
            (core instance $i (instantiate $m
                (with "" (instance (export "new" (func $new))))))
            (func (export "run") (result (own $exported)) (canon lift (core func $i "run"))))"#;
        let error = run(text, |_| ()).unwrap_err();
        assert!(is_wrong_handle(&error), "{error:?}");
    }

    #[test]
    fn core_instances() {
        let text = r#"(component
            (core module $m (func (export "run")))
            (core instance (instantiate $m))
            (core instance $i (instantiate $m))
            (func (export "run") (canon lift (core func $i "run"))))"#;
        assert!(run(text, |_| ()).is_ok());
        let bound = |store: &mut Store<One>| store.limiter(|one| one);
        assert_limit(run(text, bound), Untyped::CoreInstances);
    }

    #[test]
    fn random_bytes() {
        let mut wasi = WasiCtx::builder().max_random_size(10).build();
        let bytes = random::Host::get_random_bytes(wasi.random(), 11);
        assert_limit(bytes.map(drop), Untyped::Random);
        let bytes = insecure::Host::get_insecure_random_bytes(wasi.random(), 11);
        assert_limit(bytes.map(drop), Untyped::Random);
    }

    #[test]
    fn components_that_need_more_than_a_slot_has() {
        let engine = Engine::shared(&EngineConfig::default().with_slots(1)).unwrap();
        let load = |elements: u32| {
            let text = format!("(component (core module (table {elements} funcref)))");
            Component::from_binary(engine.as_wasmtime(), &test_components::parse(&text))
        };
        assert!(load(1_000_000).is_ok());
        let error = load(1_000_001).unwrap_err();
        assert!(is_too_large_for_slots(&error), "{error:?}");
    }
}
