//! Rows: invalid booleans and characters, with a contract that contains only these.

use kumiki::wasmtime::component::{Instance, InstancePre, Linker};
use kumiki::wasmtime::{self, Store};
use kumiki::{Contract, Host, StoreData};

use crate::suite::Outcome::Trap;
use crate::suite::{Case, Seen, to_text};

const WIT: &str = "package test:typed; world typed {
    export truth: func() -> bool;
    export letter: func() -> char;
}";

struct Typed;

impl Contract for Typed {
    const WIT: &'static str = WIT;
    const WORLD: &'static str = "typed";

    type Data = ();
    type Pre = InstancePre<StoreData>;
    type Bindings = Instance;

    fn link(_linker: &mut Linker<StoreData>) -> wasmtime::Result<()> {
        Ok(())
    }

    fn pre(pre: InstancePre<StoreData>) -> wasmtime::Result<Self::Pre> {
        Ok(pre)
    }

    fn instantiate(
        pre: &Self::Pre,
        store: &mut Store<StoreData>,
    ) -> wasmtime::Result<Self::Bindings> {
        pre.instantiate(store)
    }
}

pub(crate) fn cases() -> Vec<Case> {
    let letter = |name, value: u32, outcome, message| {
        Case::new(name, outcome, message, move || seen(0, value))
    };
    let truth = |name, value: u32| Case::check(name, move || seen(value, 0x7a));
    vec![
        truth("bool of 2", 2),
        truth("bool of 4 billion", u32::MAX),
        letter("character that is a surrogate", 0xd800, Trap, "char"),
        letter("character beyond Unicode", 0x0011_0000, Trap, "char"),
        letter("character of 4 billion", u32::MAX, Trap, "char"),
    ]
}

/// Calls both functions. Any number except 0 is true.
fn seen(truth: u32, letter: u32) -> Result<Seen, String> {
    let core = format!(
        "(func (export \"truth\") (result i32) (i32.const {truth}))
         (func (export \"letter\") (result i32) (i32.const {letter}))"
    );
    let host = Host::<Typed>::new().map_err(to_text)?;
    let mut instance = host
        .load_bytes("typed.wasm", &test_components::build(WIT, "typed", &core))
        .and_then(|plugin| plugin.instantiate(()))
        .map_err(to_text)?;
    let result = instance.call("truth", |bindings, store| {
        let function = bindings.get_typed_func::<(), (bool,)>(&mut *store, "truth")?;
        function.call(store, ())
    });
    match result {
        Ok((answer,)) if answer == (truth != 0) => {}
        other => return Err(format!("{truth} gave {other:?}")),
    }
    let result = instance.call("letter", |bindings, store| {
        let function = bindings.get_typed_func::<(), (char,)>(&mut *store, "letter")?;
        function.call(store, ())
    });
    Ok(match result {
        Ok(_) => Seen::answer(),
        Err(error) => kumiki_text::Error::from(error).into(),
    })
}
