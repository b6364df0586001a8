//! Components of any world, and calls with values that are known only at run time.

mod signature;
mod values;
mod wave_error;

use std::fmt;
use std::future::poll_fn;

use wasmtime::component::types::{ComponentFunc, ComponentItem, Type};
use wasmtime::component::wasm_wave::untyped::UntypedFuncCall;
use wasmtime::component::wasm_wave::wasm::DisplayFuncResults;
use wasmtime::component::{Func, Instance as Exports, InstancePre, Linker, Val};
use wasmtime::{AsContextMut, Store};

use super::contract::Contract;
use super::instance::Instance;
use super::plugin::Plugin;
use crate::text::{TYPE, display, display_whole, name};
use crate::{Error, Limit, Result, StoreData};
use signature::Signature;
use values::{fit, is_expressible, memory_per_byte};

/// The contract of a component of any world: [`Host::<Any>`](crate::Host) checks only
/// that it is a component, within the limits. A function that the component imports and
/// that WASI 0.2 does not provide traps when it is called.
///
/// ```
/// use kumiki::{Any, Host};
///
/// # fn main() -> Result<(), kumiki::Error> {
/// # let component = test_components::build(
/// #     "package example:sum; world sum { export add: func(a: u32, b: u32) -> u32; }",
/// #     "sum",
/// #     r#"(func (export "add") (param i32 i32) (result i32)
/// #         (i32.add (local.get 0) (local.get 1)))"#,
/// # );
/// let host = Host::<Any>::new()?;
/// let plugin = host.load_bytes("sum.wasm", &component)?;
/// assert_eq!(plugin.functions()[0].to_string(), "add: func(a: u32, b: u32) -> u32");
///
/// let mut instance = plugin.instantiate(())?;
/// assert_eq!(instance.call_wave("add(40, 2)")?, "42");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Any;

impl Contract for Any {
    const WIT: &'static str = "package kumiki:any; world any {}";
    const WORLD: &'static str = "any";
    const ANY_WORLD: bool = true;

    type Data = ();
    type Pre = InstancePre<StoreData>;
    type Bindings = Exports;

    fn link(_: &mut Linker<StoreData>) -> wasmtime::Result<()> {
        Ok(())
    }

    fn pre(pre: InstancePre<StoreData>) -> wasmtime::Result<Self::Pre> {
        Ok(pre)
    }

    fn instantiate(pre: &Self::Pre, store: &mut Store<StoreData>) -> wasmtime::Result<Exports> {
        pre.instantiate(store)
    }

    async fn instantiate_concurrent(
        pre: &Self::Pre,
        store: &mut Store<StoreData>,
    ) -> wasmtime::Result<Exports> {
        pre.instantiate_async(store).await
    }
}

/// A function that a component exports. Displays as
/// `package:name/interface#function: func(…) -> …`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Function {
    /// The exported interface that has it, with its package and version; `None` for a
    /// function that the world exports directly.
    pub interface: Option<String>,
    /// The function's name in the interface.
    pub name: String,
    /// Its type in WIT, cut after 3,000 bytes.
    pub signature: String,
}

impl Function {
    /// Returns the name that selects exactly this function in [`Instance::call_values`].
    #[must_use]
    pub fn path(&self) -> String {
        path(self.interface.as_deref(), &self.name)
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path(), self.signature)
    }
}

/// The position of an exported function: its interface and its name.
type Position = (Option<String>, String);

fn path_of((interface, name): &Position) -> String {
    path(interface.as_deref(), name)
}

fn path(interface: Option<&str>, name: &str) -> String {
    match interface {
        Some(interface) => format!("{interface}#{name}"),
        None => name.to_owned(),
    }
}

impl<C: Contract> Plugin<C> {
    /// Returns the functions that the component exports, in its order.
    #[must_use]
    pub fn functions(&self) -> Vec<Function> {
        let mut functions = Vec::new();
        self.visit_functions(|interface, name, ty| {
            functions.push(Function {
                interface: interface.map(str::to_owned),
                name: name.to_owned(),
                signature: signature(ty),
            });
        });
        functions
    }

    fn visit_functions(&self, mut visit: impl FnMut(Option<&str>, &str, &ComponentFunc)) {
        let component = self.component();
        let engine = component.engine();
        for (name, item) in component.component_type().exports(engine) {
            match item.ty {
                ComponentItem::ComponentFunc(ty) => visit(None, name, &ty),
                ComponentItem::ComponentInstance(instance) => {
                    for (function, item) in instance.exports(engine) {
                        if let ComponentItem::ComponentFunc(ty) = item.ty {
                            visit(Some(name), function, &ty);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// Finds the function that `path` names: `function`, `interface#function`, or
    /// `package:name/interface@version#function`.
    fn position(&self, path: &str) -> Result<Position> {
        let (mut found, mut others) = (Vec::new(), Vec::new());
        self.visit_functions(|interface, name, _| {
            let position = (interface.map(str::to_owned), name.to_owned());
            match names(path, interface, name) {
                true => found.push(position),
                false => others.push(position),
            }
        });
        if found.len() == 1 {
            return Ok(found.swap_remove(0));
        }
        let candidates = if found.is_empty() { &others } else { &found };
        let candidates = candidates.iter().map(path_of).collect();
        Err(Error::NoFunction {
            plugin: self.name().into(),
            function: name(path).into_owned(),
            is_ambiguous: !found.is_empty(),
            candidates,
        })
    }
}

/// Returns whether `path` names this function.
fn names(path: &str, interface: Option<&str>, name: &str) -> bool {
    match (path.rsplit_once('#'), interface) {
        (None, _) => path == name,
        (Some((prefix, function)), Some(interface)) => {
            let (unversioned, _) = interface.split_once('@').unwrap_or((interface, ""));
            let short = unversioned.rsplit('/').next().unwrap_or_default();
            function == name && [interface, unversioned, short].contains(&prefix)
        }
        (Some(_), None) => false,
    }
}

/// Calls with values that are known only at run time.
impl<C: Contract<Bindings = Exports>> Instance<C> {
    /// Calls an exported function with values. `function` is its name, with its interface
    /// if other interfaces have a function with this name: `process`, `plugin#process`,
    /// or `myapp:text-processor/plugin#process`.
    ///
    /// # Errors
    /// [`Error::NoFunction`]; [`Error::Arguments`] for values of other types than the
    /// function's parameters; those of [`Instance::call`].
    pub fn call_values(&mut self, function: &str, arguments: &[Val]) -> Result<Vec<Val>> {
        let position = self.plugin().position(function)?;
        self.call_at(&position, |_| Ok(arguments.to_vec()))
    }

    /// Calls an exported function as written in WAVE, the text form of component values,
    /// such as `process("hi")`, and returns the result in WAVE. The name may have an
    /// interface, as in [`Instance::call_values`].
    ///
    /// # Errors
    /// [`Error::NoFunction`]; [`Error::Arguments`] for text that is not a call of the
    /// function, and for a result that WAVE cannot express (a handle); those of
    /// [`Instance::call`].
    pub fn call_wave(&mut self, call: &str) -> Result<String> {
        let whole = call;
        let (path, call) = split(call);
        let parsed = UntypedFuncCall::parse(call).map_err(|error| Error::Arguments {
            plugin: self.plugin().name().into(),
            function: name(whole).into_owned(),
            message: wave_error::explain(call, &error),
            signature: None,
        })?;
        let path = format!("{path}{}", parsed.name());
        let position = self.plugin().position(&path)?;
        let results = self.call_at(&position, |types| {
            parsed
                .to_wasm_params(types)
                .map_err(|error| wave_error::explain(call, &error))
        })?;
        if !results.iter().all(is_expressible) {
            return Err(Error::Arguments {
                plugin: self.plugin().name().into(),
                function: path,
                message: "its result contains a handle, which has no text form".into(),
                signature: None,
            });
        }
        let most = self.plugin().host().limits().transfer;
        // Escaped characters are longer than the text that the guest passed.
        display_whole(&DisplayFuncResults(&results), most).ok_or_else(|| Error::Limit {
            plugin: self.plugin().name().into(),
            function: path,
            limit: Limit::Transfer(most),
        })
    }

    fn call_at(
        &mut self,
        position: &Position,
        arguments: impl FnOnce(&[Type]) -> Result<Vec<Val>, String>,
    ) -> Result<Vec<Val>> {
        let name = path_of(position);
        let (exports, store) = self.exports();
        let Some(func) = func(exports, store, position) else {
            unreachable!("the component exports the function");
        };
        let ty = func.ty(&*store);
        let types: Vec<Type> = ty.params().map(|(_, ty)| ty).collect();
        let results = ty.results().len();
        let memory_per_byte = ty.results().map(|ty| memory_per_byte(&ty)).max();
        let invalid = |message| Error::Arguments {
            plugin: self.plugin().name().into(),
            function: name.clone(),
            message,
            signature: Some(signature(&ty)),
        };
        let arguments = match arguments(&types) {
            Ok(arguments) if fit(&arguments, &types) => arguments,
            Ok(_) => return Err(invalid("the arguments have other types".into())),
            Err(message) => return Err(invalid(message)),
        };
        let is_asynchronous = ty.async_() || self.plugin().is_asynchronous();
        let transfer = self.exports().1.hostcall_fuel();
        self.set_transfer(transfer / memory_per_byte.unwrap_or(1));
        let mut values = vec![Val::Bool(false); results];
        let called = match is_asynchronous {
            false => self.call(&name, |_, store| {
                func.call(&mut *store, &arguments, &mut values)
            }),
            true => self.call_concurrent_blocking(&name, async |_, accessor| {
                func.call_concurrent(accessor, &arguments, &mut values)
                    .await?;
                poll_fn(|context| accessor.poll_no_interesting_tasks(context)).await;
                Ok(())
            }),
        };
        self.set_transfer(transfer);
        called.map(|()| values)
    }
}

/// Splits the interface off a call such as `plugin#process("hi")`; it stays with its `#`.
fn split(call: &str) -> (String, &str) {
    let call = call.trim();
    let name = call
        .find('(')
        .map_or(call, |parenthesis| &call[..parenthesis]);
    match name.rfind('#') {
        Some(at) => (call[..=at].to_owned(), &call[at + 1..]),
        None => (String::new(), call),
    }
}

fn signature(ty: &ComponentFunc) -> String {
    display(&Signature(ty), TYPE)
}

/// Looks up an exported function.
fn func(
    exports: &Exports,
    store: &mut Store<StoreData>,
    (interface, name): &Position,
) -> Option<Func> {
    let mut store = store.as_context_mut();
    let interface = match interface {
        Some(interface) => Some(exports.get_export_index(&mut store, None, interface)?),
        None => None,
    };
    let index = exports.get_export_index(&mut store, interface.as_ref(), name)?;
    exports.get_func(&mut store, index)
}
