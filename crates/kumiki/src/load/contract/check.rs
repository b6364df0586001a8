//! The check of a component's imports and exports against a contract. It uses the types
//! in the binary, so it needs no compilation, which takes seconds for a large component.
//! Errors name the export or import, the expected type and the type found.
//!
//! Linking checks the rest: the types of the WASI functions that a component imports,
//! which wasmtime knows and the contract's WIT does not have.

use std::collections::{BTreeMap, HashMap};

use wasmparser::component_types::ComponentEntityType;
use wasmparser::types::Types;
use wasmparser::{FuncValidatorAllocations, Parser, ValidPayload};
use wit_parser::{InterfaceId, Resolve, WorldItem, WorldKey};

use super::ContractSource;
use super::shape::{ComponentTypes, Signature};
use crate::engine::proposals;
use crate::error::WrongType;
use crate::inspect::expansion::ExpansionCounter;
use crate::inspect::{InstanceSize, Interfaces, Kind, bounds, compatible_name, is_asynchronous};
use crate::{Error, Result, catch_panic, excerpt, text, wasi};

/// What the check found out about a component.
pub(crate) struct Checked {
    /// The size of one instance.
    pub(crate) size: InstanceSize,
    /// Whether it uses asynchronous functions, streams or futures, or WASI 0.3, which is
    /// linked with them.
    pub(crate) needs_concurrency: bool,
}

/// A contract's world, which components are checked against. Parsed once per host.
pub(crate) struct World {
    /// Package and world, as in `myapp:text-processor/text-plugin`.
    name: String,
    imports: BTreeMap<String, Item>,
    exports: BTreeMap<String, Item>,
    /// Interfaces that a plugin may also export.
    optional: BTreeMap<String, Item>,
    /// Whether a component may import anything.
    any_import: bool,
}

/// An import or export of a world.
enum Item {
    Function(Signature),
    Interface(BTreeMap<String, Signature>),
}

impl World {
    /// Parses the WIT of a contract.
    pub(crate) fn parse(source: &ContractSource) -> Result<Self> {
        let ContractSource {
            wit,
            world,
            optional,
            any_world,
        } = source;
        let mut resolve = Resolve::new();
        let selected = resolve
            .push_source("contract.wit", wit)
            .and_then(|package| Ok((package, resolve.select_world(&[package], Some(world))?)));
        let (package, world) = selected.map_err(|error| Error::Contract {
            message: format!("{error:#}"),
        })?;
        let world = &resolve.worlds[world];
        let interface = |name: &&str| {
            let id = resolve.packages[package].interfaces.get(*name);
            let id = id.ok_or_else(|| Error::Contract {
                message: format!("the optional interface `{name}` does not exist"),
            })?;
            let key = compatible_name(&resolve.id_of_name(package, name));
            Ok((key, Item::Interface(signatures(&resolve, *id))))
        };
        Ok(Self {
            optional: optional.iter().map(interface).collect::<Result<_>>()?,
            any_import: *any_world,
            name: resolve.id_of_name(package, &world.name),
            imports: items(&resolve, &world.imports),
            exports: items(&resolve, &world.exports),
        })
    }

    /// Checks a component against this world.
    pub(crate) fn check(&self, plugin: &str, component: &[u8]) -> Result<Checked> {
        bounds::check(plugin, component)?;
        let (types, size) = validate(plugin, component)?;
        let names = Interfaces::of(plugin, component)?;
        let mut found = ComponentTypes {
            types: types.as_ref(),
            resources: HashMap::new(),
        };

        for name in &names.imports {
            let entity = found
                .types
                .component_item_for_import(name)
                .map(|item| item.ty);
            self.check_import(plugin, name, entity, &mut found)?;
        }
        let optional = self.optional.iter().map(|item| (item, false));
        let all = self.exports.iter().map(|item| (item, true)).chain(optional);
        for ((key, expected), required) in all {
            let name = names
                .exports
                .iter()
                .find(|name| compatible_name(name) == *key);
            if name.is_none() && !required {
                continue;
            }
            let entity = name.and_then(|name| found.types.component_item_for_export(name));
            self.check_export(
                plugin,
                key,
                expected,
                entity.map(|item| item.ty),
                &mut found,
            )?;
        }
        let imports_wasi_0_3 = |name: &String| wasi::is_version_0_3(&compatible_name(name));
        Ok(Checked {
            size,
            needs_concurrency: is_asynchronous(component)
                || names.imports.iter().any(imports_wasi_0_3),
        })
    }

    /// Checks that the contract, with the same type, or WASI provides an import.
    fn check_import(
        &self,
        plugin: &str,
        name: &str,
        entity: Option<ComponentEntityType>,
        found: &mut ComponentTypes<'_>,
    ) -> Result<()> {
        let unknown = |import: String| Error::UnknownImport {
            plugin: plugin.into(),
            import: text::name(&import).into_owned(),
            given: self.imports.keys().cloned().collect(),
        };
        let key = compatible_name(name);
        match (self.imports.get(&key), entity) {
            (Some(Item::Function(expected)), Some(ComponentEntityType::Func(id))) => self
                .same_type(
                    plugin,
                    "import",
                    name.to_owned(),
                    expected,
                    found.signature(id),
                ),
            (Some(Item::Interface(functions)), Some(ComponentEntityType::Instance(id))) => {
                found.name_resources(id);
                for (function, item) in &found.types[id].exports {
                    let ComponentEntityType::Func(id) = item.ty else {
                        continue;
                    };
                    let path = format!("{name}#{function}");
                    let Some(expected) = functions.get(function) else {
                        return Err(unknown(path));
                    };
                    self.same_type(plugin, "import", path, expected, found.signature(id))?;
                }
                Ok(())
            }
            (None, _) if wasi::is_linked(&key) => Ok(()),
            // Types need no implementation.
            (_, Some(ComponentEntityType::Type { .. })) => Ok(()),
            _ if self.any_import => Ok(()),
            _ => Err(unknown(name.to_owned())),
        }
    }

    /// Checks that a component exports an item of the world with the same type.
    fn check_export(
        &self,
        plugin: &str,
        name: &str,
        expected: &Item,
        entity: Option<ComponentEntityType>,
        found: &mut ComponentTypes<'_>,
    ) -> Result<()> {
        let missing = |export: String, expected: String| Error::MissingExport {
            plugin: plugin.into(),
            export,
            expected,
            contract: self.name.clone(),
        };
        match (expected, entity) {
            (Item::Function(expected), Some(ComponentEntityType::Func(id))) => self.same_type(
                plugin,
                "export",
                name.to_owned(),
                expected,
                found.signature(id),
            ),
            (Item::Function(expected), _) => Err(missing(name.into(), expected.to_string())),
            (Item::Interface(functions), Some(ComponentEntityType::Instance(id))) => {
                found.name_resources(id);
                let exported = &found.types[id].exports;
                for (function, expected) in functions {
                    let path = format!("{name}#{function}");
                    let item = exported.get(function.as_str()).map(|item| item.ty);
                    let Some(ComponentEntityType::Func(id)) = item else {
                        return Err(missing(path, expected.to_string()));
                    };
                    self.same_type(plugin, "export", path, expected, found.signature(id))?;
                }
                Ok(())
            }
            (Item::Interface(functions), _) => {
                let list = functions.iter().map(|(name, ty)| format!("{name}: {ty}"));
                let list = list.collect::<Vec<_>>().join("; ");
                Err(missing(name.into(), format!("interface {{ {list} }}")))
            }
        }
    }

    fn same_type(
        &self,
        plugin: &str,
        side: &'static str,
        name: String,
        expected: &Signature,
        found: Signature,
    ) -> Result<()> {
        if *expected == found {
            return Ok(());
        }
        let (mut expected_text, mut found_text) = (expected.to_string(), found.to_string());
        if expected_text == found_text {
            (expected_text, found_text) = (format!("{expected:#}"), format!("{found:#}"));
        }
        // A component's type may have a million parts.
        let truncate = |text: &str| excerpt(text, text::TYPE).into_owned();
        Err(Error::WrongType(Box::new(WrongType {
            plugin: plugin.into(),
            side,
            name: text::name(&name).into_owned(),
            expected: truncate(&expected_text),
            found: truncate(&found_text),
            contract: self.name.clone(),
        })))
    }
}

/// Validates a component, and refuses it if its expanded size is too large to compile.
/// Returns its types and the size of one instance.
fn validate(plugin: &str, component: &[u8]) -> Result<(Types, InstanceSize)> {
    // wasmparser panics if types refer to each other more than 127 levels deep.
    catch_panic(|| validate_unguarded(plugin, component)).unwrap_or_else(|| {
        Err(Error::Malformed {
            plugin: plugin.into(),
            message: "its types or instances refer to each other too deeply".to_owned(),
            offset: 0,
        })
    })
}

fn validate_unguarded(plugin: &str, component: &[u8]) -> Result<(Types, InstanceSize)> {
    let refused = |source| proposals::refusal(plugin, component, &source);
    let mut validator = proposals::validator();
    let mut expansion = ExpansionCounter::new();
    let mut functions = Vec::new();
    let mut types = None;
    for payload in Parser::new(0).parse_all(component) {
        let payload = payload.map_err(refused)?;
        match validator.payload(&payload).map_err(refused)? {
            ValidPayload::Func(function, body) => functions.push((function, body)),
            ValidPayload::End(all) => types = Some(all),
            _ => {}
        }
        expansion.add(plugin, &payload, validator.types(0))?;
    }
    let mut allocations = FuncValidatorAllocations::default();
    for (function, body) in functions {
        let mut validator = function.into_validator(allocations);
        validator.validate(&body).map_err(refused)?;
        allocations = validator.into_allocations();
    }
    let types = types.map(|types| (types, expansion.instance_size()));
    types.ok_or_else(|| Error::NotAComponent {
        plugin: plugin.into(),
        found: Kind::of(component),
    })
}

fn items<'a>(
    resolve: &Resolve,
    items: impl IntoIterator<Item = (&'a WorldKey, &'a WorldItem)>,
) -> BTreeMap<String, Item> {
    let items = items.into_iter().filter_map(|(key, item)| {
        let item = match item {
            WorldItem::Interface { id, .. } => Item::Interface(signatures(resolve, *id)),
            WorldItem::Function(function) => Item::Function(Signature::expected(resolve, function)),
            WorldItem::Type { .. } => return None,
        };
        Some((compatible_name(&resolve.name_world_key(key)), item))
    });
    items.collect()
}

fn signatures(resolve: &Resolve, id: InterfaceId) -> BTreeMap<String, Signature> {
    let functions = resolve.interfaces[id].functions.iter();
    functions
        .map(|(name, f)| (name.clone(), Signature::expected(resolve, f)))
        .collect()
}
