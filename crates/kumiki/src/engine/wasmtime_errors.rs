//! Detection of wasmtime errors that have no public type in wasmtime 48, by their text.
//! No other module matches on the text of an error. The tests fail when wasmtime changes
//! one.

/// A limit that wasmtime or wasmtime-wasi enforces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WasmtimeLimit {
    /// The bytes that one call passes to the host (`component/func/options.rs`).
    Transfer,
    /// The handles of one store (`vm/component/handle_table.rs`).
    Handles,
    /// The core instances, memories and tables of one store (`runtime/store.rs`).
    CoreInstances,
    /// The random bytes of one request (`wasmtime-wasi`, `p2/host/random.rs`).
    Random,
}

const LIMITS: [(&str, WasmtimeLimit); 4] = [
    ("fuel allocated for hostcalls", WasmtimeLimit::Transfer),
    ("handle limit exceeded", WasmtimeLimit::Handles),
    ("count too high", WasmtimeLimit::CoreInstances),
    ("requested len", WasmtimeLimit::Random),
];

/// A handle of another type (`vm/component/resources.rs`).
const WRONG_HANDLE: &str = "used with the wrong type";

/// A component that does not fit into a slot (`vm/instance/allocator/pooling.rs`).
const TOO_LARGE_FOR_SLOTS: &str = "fit in pooling allocator requirements";

/// A synchronous call in a store that needs asynchronous ones (`runtime/store.rs`).
const NEEDS_ASYNCHRONOUS_CALL: &str = "`*_async` functions";

/// Returns the limit that caused an error.
pub(crate) fn limit(error: &wasmtime::Error) -> Option<WasmtimeLimit> {
    let message = error.root_cause().to_string();
    let known = LIMITS.iter().find(|(text, _)| message.contains(text));
    known.map(|(_, limit)| *limit)
}

/// Returns whether the guest returned a handle of a resource of another type.
pub(crate) fn is_wrong_handle(error: &wasmtime::Error) -> bool {
    error.root_cause().to_string().contains(WRONG_HANDLE)
}

/// Returns whether a component could not be loaded because it does not fit into a slot.
pub(crate) fn is_too_large_for_slots(error: &wasmtime::Error) -> bool {
    error
        .chain()
        .any(|cause| cause.to_string().contains(TOO_LARGE_FOR_SLOTS))
}

/// Returns whether a synchronous call was refused before it began, because the component
/// imports asynchronous functions.
pub(crate) fn needs_asynchronous_call(error: &wasmtime::Error) -> bool {
    error.to_string().contains(NEEDS_ASYNCHRONOUS_CALL)
}

#[cfg(test)]
mod tests {
    use wasmtime::component::{Component, Linker};
    use wasmtime::{ResourceLimiter, Store};
    use wasmtime_wasi::WasiCtx;
    use wasmtime_wasi::p2::bindings::random::{insecure, random};

    use super::*;
    use crate::{Engine, EngineConfig};

    /// A limiter that allows one core instance.
    struct OneInstance;

    impl ResourceLimiter for OneInstance {
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

    /// Calls the export `run` of a component, in a store that `bound` has limited.
    fn run(text: &str, bound: impl FnOnce(&mut Store<OneInstance>)) -> wasmtime::Result<()> {
        let engine = Engine::shared(&EngineConfig::default().with_slots(0)).unwrap();
        let engine = engine.as_wasmtime();
        let component = Component::from_binary(engine, &test_components::parse(text)).unwrap();
        let mut store = Store::new(engine, OneInstance);
        store.set_epoch_deadline(u64::MAX / 2);
        bound(&mut store);
        let instance = Linker::new(engine).instantiate(&mut store, &component)?;
        let run = instance.get_func(&mut store, "run").unwrap();
        let mut results = [wasmtime::component::Val::Bool(false)];
        let count = run.ty(&store).results().count();
        run.call(&mut store, &[], &mut results[..count])
    }

    fn assert_limit(result: wasmtime::Result<()>, expected: WasmtimeLimit) {
        let error = result.unwrap_err();
        assert_eq!(limit(&error), Some(expected), "{error:?}");
    }

    #[test]
    fn detects_transfer_limit() {
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
            WasmtimeLimit::Transfer,
        );
    }

    #[test]
    fn detects_handle_limit() {
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
        let bound = |store: &mut Store<OneInstance>| store.set_max_component_handles(1);
        assert_limit(run(text, bound), WasmtimeLimit::Handles);
    }

    #[test]
    fn detects_handle_of_wrong_type() {
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
    fn detects_core_instance_limit() {
        let text = r#"(component
            (core module $m (func (export "run")))
            (core instance (instantiate $m))
            (core instance $i (instantiate $m))
            (func (export "run") (canon lift (core func $i "run"))))"#;
        assert!(run(text, |_| ()).is_ok());
        let bound = |store: &mut Store<OneInstance>| store.limiter(|limiter| limiter);
        assert_limit(run(text, bound), WasmtimeLimit::CoreInstances);
    }

    #[test]
    fn detects_random_limit() {
        let mut wasi = WasiCtx::builder().max_random_size(10).build();
        let bytes = random::Host::get_random_bytes(wasi.random(), 11);
        assert_limit(bytes.map(drop), WasmtimeLimit::Random);
        let bytes = insecure::Host::get_insecure_random_bytes(wasi.random(), 11);
        assert_limit(bytes.map(drop), WasmtimeLimit::Random);
    }

    #[test]
    fn detects_component_too_large_for_slots() {
        let engine = Engine::shared(&EngineConfig::default().with_slots(1)).unwrap();
        let load = |elements: u32| {
            let text = format!("(component (core module (table {elements} funcref)))");
            Component::from_binary(engine.as_wasmtime(), &test_components::parse(&text))
        };
        assert!(load(1_000_000).is_ok());
        let error = load(1_000_001).unwrap_err();
        assert!(is_too_large_for_slots(&error), "{error:?}");
    }

    #[test]
    fn detects_synchronous_call_where_asynchronous_ones_are_needed() {
        let engine = Engine::shared(&EngineConfig::default().with_slots(0)).unwrap();
        let text = r#"(component (import "f" (func $f))
            (core func $f (canon lower (func $f))) (core module $m (import "" "f" (func)))
            (core instance (instantiate $m (with "" (instance (export "f" (func $f)))))))"#;
        let bytes = test_components::parse(text);
        let component = Component::from_binary(engine.as_wasmtime(), &bytes).unwrap();
        let mut linker = Linker::<()>::new(engine.as_wasmtime());
        let mut root = linker.root();
        root.func_wrap_async("f", |_, (): ()| Box::new(async { Ok(()) }))
            .unwrap();
        let mut store = Store::new(engine.as_wasmtime(), ());
        let error = linker.instantiate(&mut store, &component).unwrap_err();
        assert!(needs_asynchronous_call(&error), "{error:?}");
    }
}
