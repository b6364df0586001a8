//! Checks that a guest cannot leave its memory, as docs/security.md says: the settings
//! of a real engine, and accesses at the bounds of a real memory.

use kumiki::wasmtime::{self, Engine, Instance, Memory, Module, Store, Trap};
use kumiki::{EngineConfig, TICK};

fn engines() -> [Engine; 2] {
    // With slots, as for most instances, and without.
    [1, 0].map(|slots| {
        let config = EngineConfig::default().with_slots(slots).to_wasmtime();
        Engine::new(&config).expect("the engine starts")
    })
}

#[test]
fn memories_have_4_gib_reserved_and_guards_on_both_sides() {
    for engine in engines() {
        assert!(engine.get_signals_based_traps());
        assert!(engine.get_guard_before_linear_memory());
        assert_eq!(engine.get_memory_reservation(), 4 << 30);
        assert_eq!(engine.get_memory_guard_size(), 32 << 20);
        assert_eq!(engine.get_max_wasm_stack(), 512 << 10);
        assert!(engine.get_epoch_interruption());
        assert!(!engine.get_shared_memory());
        assert_eq!(engine.get_wasm_backtrace_max_frames(), 51);
        // All Cranelift settings are wasmtime's defaults.
        assert_eq!(engine.get_cranelift_flags_set().count(), 0);
        assert_eq!(engine.get_cranelift_flags_enabled().count(), 0);
    }
    assert!(TICK.as_millis() <= 10);
}

/// An artifact contains the flags that it was compiled with: the flag's name, followed
/// by the number of its kind (2 for a switch) and its value.
#[test]
fn code_is_compiled_with_spectre_mitigations() {
    for engine in engines() {
        let module = Module::new(&engine, wasm("")).expect("a module");
        let artifact = module.serialize().expect("an artifact");
        for flag in [
            "enable_heap_access_spectre_mitigation",
            "enable_table_access_spectre_mitigation",
        ] {
            let at = find(&artifact, flag.as_bytes()).expect(flag) + flag.len();
            assert_eq!(artifact[at..at + 2], [2, 1], "{flag}");
        }
    }
}

fn find(bytes: &[u8], text: &[u8]) -> Option<usize> {
    bytes.windows(text.len()).position(|window| window == text)
}

fn wasm(instruction: &str) -> Vec<u8> {
    test_components::parse(&format!(
        "(module (memory (export \"memory\") 1)
            (table 3 funcref)
            (func (export \"f\") (param i32) {instruction}))"
    ))
}

/// Runs `instruction` with a number as its operand and a memory of one page.
fn call(engine: &Engine, instruction: &str, number: u32) -> Result<(), Trap> {
    let module = Module::new(engine, wasm(instruction)).expect("a module");
    let mut store = Store::new(engine, ());
    store.set_epoch_deadline(1_000);
    let instance = Instance::new(&mut store, &module, &[]).expect("an instance");
    let function = instance.get_typed_func::<i32, ()>(&mut store, "f");
    let function = function.expect("the export `f`");
    function
        .call(&mut store, number as i32)
        .map_err(|error| error.downcast::<Trap>().expect("a trap"))
}

#[test]
fn memory_access_out_of_bounds_traps() {
    const PAGE: u32 = 64 << 10;
    // Each instruction, and the distance from its address to the end of its access.
    let accesses: [(&str, u64); 8] = [
        ("(drop (i32.load8_u (local.get 0)))", 1),
        ("(drop (i32.load (local.get 0)))", 4),
        ("(drop (i64.load (local.get 0)))", 8),
        ("(drop (v128.load (local.get 0)))", 16),
        ("(i32.store8 (local.get 0) (i32.const 1))", 1),
        ("(i64.store (local.get 0) (i64.const 1))", 8),
        ("(drop (i32.load8_u offset=65535 (local.get 0)))", 65_536),
        (
            "(drop (i32.load8_u offset=4294967295 (local.get 0)))",
            1 << 32,
        ),
    ];
    for engine in engines() {
        for (instruction, reach) in accesses {
            let last = u64::from(PAGE).checked_sub(reach);
            if let Some(last) = last {
                let inside = call(&engine, instruction, last as u32);
                assert_eq!(inside, Ok(()), "{instruction} at {last}");
            }
            let first_outside = last.map_or(0, |last| last as u32 + 1);
            for address in [first_outside, PAGE, 1 << 31, u32::MAX - 1, u32::MAX] {
                if address < first_outside {
                    continue;
                }
                let outside = call(&engine, instruction, address);
                assert_eq!(
                    outside,
                    Err(Trap::MemoryOutOfBounds),
                    "{instruction} at {address}"
                );
            }
        }
    }
}

#[test]
fn table_access_out_of_bounds_traps() {
    let get = "(drop (table.get 0 (local.get 0)))";
    for engine in engines() {
        assert_eq!(call(&engine, get, 2), Ok(()));
        for index in [3, 1 << 31, u32::MAX] {
            assert_eq!(call(&engine, get, index), Err(Trap::TableOutOfBounds));
        }
    }
}

/// The host's view of a memory ends at the same byte as the guest's.
#[test]
fn host_access_out_of_bounds_fails() {
    for engine in engines() {
        let mut store = Store::new(&engine, ());
        store.set_epoch_deadline(1_000);
        let module = Module::new(&engine, wasm("")).expect("a module");
        let instance = Instance::new(&mut store, &module, &[]).expect("an instance");
        let memory: Memory = instance.get_memory(&mut store, "memory").expect("memory");
        assert_eq!(memory.data_size(&store), 64 << 10);
        let beyond: wasmtime::Result<(), _> = memory.read(&store, 64 << 10, &mut [0]);
        assert!(beyond.is_err());
    }
}
