//! Starts a component's JavaScript once, in an interpreter: the module's own code runs, and
//! what the world requires must be there. A plugin starts with its first call, so without
//! this its author would see such mistakes only then.

use std::collections::HashMap;

use wasmi::{Error, Extern, ExternType, Func, Instance, Module, Store, StoreLimits, Val};
use wasmparser::{
    CanonicalFunction, ComponentAlias, ExternalKind, Instance as CoreInstance,
    InstantiationArgKind, Parser, Payload,
};

use super::machine::{machine, reason};

/// The function of QuickJS that starts a plugin.
const START: &str = "kumiki_start";

/// The length of a message that is read at most, in bytes.
const MAX_MESSAGE: usize = 64 << 10;

/// Starts the plugin.
///
/// # Errors
/// The text of the error that the module has thrown, with its stack, or why it did not
/// complete.
pub(super) fn start(component: &[u8]) -> Result<(), String> {
    match try_start(component) {
        Ok(None) => Ok(()),
        Ok(Some(thrown)) => Err(thrown),
        Err(error) => Err(format!("the module does not start: {}", reason(&error))),
    }
}

fn try_start(component: &[u8]) -> Result<Option<String>, Error> {
    let mut parts = Parts::new()?;
    parts.read(component)?;
    let Parts {
        mut store,
        instances,
        ..
    } = parts;
    let mut real = instances.iter().filter_map(|instance| match instance {
        Exports::Module(instance) => Some(instance),
        Exports::Listed(_) => None,
    });
    let find = |name: &str| {
        let mut found = real.clone();
        found.find_map(|instance| instance.get_export(&store, name))
    };
    let memory = find("memory").and_then(Extern::into_memory);
    let start = real.find_map(|instance| instance.get_typed_func::<(), u32>(&store, START).ok());
    let (Some(memory), Some(start)) = (memory, start) else {
        return Err(Error::new("it is not a plugin in JavaScript"));
    };
    let message = start.call(&mut store, ())? as usize;
    if message == 0 {
        return Ok(None);
    }
    let bytes = memory.data(&store).get(message..).unwrap_or_default();
    let bytes = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    let bytes = &bytes[..bytes.len().min(MAX_MESSAGE)];
    Ok(Some(String::from_utf8_lossy(bytes).into_owned()))
}

/// What a core instance exports.
enum Exports {
    Module(Instance),
    Listed(HashMap<String, Item>),
}

/// A core item: one of an instance, or a function of the component model, which nothing here
/// can call.
#[derive(Clone)]
enum Item {
    Extern(Extern),
    Function(&'static str),
}

struct Parts {
    store: Store<StoreLimits>,
    modules: Vec<Module>,
    instances: Vec<Exports>,
    functions: Vec<Item>,
    tables: Vec<Item>,
    memories: Vec<Item>,
    globals: Vec<Item>,
}

impl Parts {
    fn new() -> Result<Self, Error> {
        Ok(Self {
            store: machine()?.1,
            modules: Vec::new(),
            instances: Vec::new(),
            functions: Vec::new(),
            tables: Vec::new(),
            memories: Vec::new(),
            globals: Vec::new(),
        })
    }

    /// Instantiates the core modules of a component, in order.
    fn read(&mut self, component: &[u8]) -> Result<(), Error> {
        let invalid = |error: wasmparser::BinaryReaderError| Error::new(error.to_string());
        let mut depth = 0;
        for payload in Parser::new(0).parse_all(component) {
            let payload = payload.map_err(invalid)?;
            match &payload {
                Payload::End(_) => depth -= 1,
                Payload::Version { .. } => depth += 1,
                _ => {}
            }
            if let Payload::ModuleSection {
                unchecked_range, ..
            } = &payload
                && depth == 1
            {
                let range = unchecked_range.clone();
                let module = Module::new(self.store.engine(), &component[range])?;
                self.modules.push(module);
            }
            if depth != 1 {
                continue;
            }
            match payload {
                Payload::InstanceSection(instances) => {
                    for instance in instances {
                        self.instantiate(instance.map_err(invalid)?)?;
                    }
                }
                Payload::ComponentAliasSection(aliases) => {
                    for alias in aliases {
                        self.alias(&alias.map_err(invalid)?)?;
                    }
                }
                Payload::ComponentCanonicalSection(functions) => {
                    for function in functions {
                        let function = function.map_err(invalid)?;
                        if !matches!(function, CanonicalFunction::Lift { .. }) {
                            self.functions.push(Item::Function("the host"));
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn instantiate(&mut self, instance: CoreInstance<'_>) -> Result<(), Error> {
        let instance = match instance {
            CoreInstance::FromExports(exports) => {
                let listed = exports.iter().map(|export| {
                    let item = self.space(export.kind).get(export.index as usize).cloned();
                    Ok((export.name.to_owned(), item.ok_or_else(missing)?))
                });
                Exports::Listed(listed.collect::<Result<_, Error>>()?)
            }
            CoreInstance::Instantiate { module_index, args } => {
                let module = self.modules.get(module_index as usize).cloned();
                let module = module.ok_or_else(missing)?;
                let mut imports = Vec::new();
                for import in module.imports() {
                    let mut from = args.iter().filter(|argument| {
                        argument.name == import.module()
                            && argument.kind == InstantiationArgKind::Instance
                    });
                    let from = from.next().ok_or_else(missing)?;
                    let item = self.export(from.index, import.name()).ok_or_else(missing)?;
                    imports.push(self.extern_of(&item, import.ty())?);
                }
                let instance = Instance::new(&mut self.store, &module, &imports)?;
                Exports::Module(instance)
            }
        };
        self.instances.push(instance);
        Ok(())
    }

    fn space(&mut self, kind: ExternalKind) -> &mut Vec<Item> {
        match kind {
            ExternalKind::Table => &mut self.tables,
            ExternalKind::Memory => &mut self.memories,
            ExternalKind::Global => &mut self.globals,
            _ => &mut self.functions,
        }
    }

    fn export(&self, instance: u32, name: &str) -> Option<Item> {
        match self.instances.get(instance as usize)? {
            Exports::Module(instance) => instance.get_export(&self.store, name).map(Item::Extern),
            Exports::Listed(exports) => exports.get(name).cloned(),
        }
    }

    /// An item as an import of this type.
    fn extern_of(&mut self, item: &Item, ty: &ExternType) -> Result<Extern, Error> {
        match (item, ty) {
            (Item::Extern(item), _) => Ok(*item),
            (Item::Function(owner), ExternType::Func(ty)) => {
                let message =
                    format!("it calls {owner} while it is loaded, which only its functions can");
                let function =
                    move |_: wasmi::Caller<'_, StoreLimits>, _: &[Val], _: &mut [Val]| {
                        Err(Error::new(message.clone()))
                    };
                Ok(Func::new(&mut self.store, ty.clone(), function).into())
            }
            (Item::Function(_), _) => Err(missing()),
        }
    }

    fn alias(&mut self, alias: &ComponentAlias<'_>) -> Result<(), Error> {
        if let ComponentAlias::CoreInstanceExport {
            kind,
            instance_index,
            name,
        } = alias
        {
            let item = self.export(*instance_index, name).ok_or_else(missing)?;
            self.space(*kind).push(item);
        }
        Ok(())
    }
}

fn missing() -> Error {
    Error::new("the component has an unknown form")
}
