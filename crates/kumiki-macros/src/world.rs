//! The world of a contract, read from its WIT.

use std::env;
use std::path::Path;

use heck::{ToSnakeCase as _, ToUpperCamelCase as _};
use proc_macro2::Span;
use syn::{Error, Ident, Result};
use wit_component::WitPrinter;
use wit_parser::{InterfaceId, PackageId, Resolve, TypeDefKind, WorldId, WorldItem, WorldKey};

use crate::arguments::{Arguments, Wit};

/// What the expansion needs of a world.
pub(crate) struct World {
    /// The WIT of its package, followed by the packages that it uses.
    pub(crate) text: String,
    /// The name of its struct in the output of `bindgen!`.
    pub(crate) type_name: Ident,
    /// Whether it imports anything, so that `bindgen!` generates `add_to_linker`.
    pub(crate) has_imports: bool,
    /// Whether it imports an asynchronous function.
    pub(crate) imports_async: bool,
    /// The modules of imported interfaces that have types only. `bindgen!` generates
    /// a trait without functions for each.
    pub(crate) types_only: Vec<Vec<Ident>>,
}

impl World {
    pub(crate) fn read(arguments: &Arguments) -> Result<Self> {
        let mut resolve = Resolve::default();
        let package = match &arguments.wit {
            Wit::Inline(text) => resolve
                .push_str("inline.wit", &text.value())
                .map_err(|error| Error::new(text.span(), resolve.render_error(&error)))?,
            Wit::Path(path) => push_path(&mut resolve, &path.value())
                .map_err(|message| Error::new(path.span(), message))?,
        };
        let name = &arguments.world;
        let world = resolve
            .select_world(&[package], Some(&name.value()))
            .map_err(|_| Error::new(name.span(), no_world(&resolve, package, &name.value())))?;
        let text = text(&resolve, package)
            .map_err(|error| Error::new(name.span(), format!("cannot print the WIT: {error}")))?;
        Ok(Self {
            text,
            type_name: identifier(resolve.worlds[world].name.to_upper_camel_case()),
            has_imports: imports(&resolve, world).next().is_some(),
            imports_async: imports(&resolve, world).any(|(_, item)| is_async(&resolve, item)),
            types_only: imports(&resolve, world)
                .filter_map(|(key, item)| match (key, item) {
                    (_, WorldItem::Interface { id, .. }) if !has_types_only(&resolve, *id) => None,
                    (WorldKey::Name(name), WorldItem::Interface { .. }) => {
                        Some(vec![identifier(name.to_snake_case())])
                    }
                    (_, WorldItem::Interface { id, .. }) => module(&resolve, *id),
                    _ => None,
                })
                .collect(),
        })
    }
}

/// Reads the WIT file or folder at `path`, relative to the crate that calls the macro.
fn push_path(resolve: &mut Resolve, path: &str) -> std::result::Result<PackageId, String> {
    let root = env::var_os("CARGO_MANIFEST_DIR").ok_or("`CARGO_MANIFEST_DIR` is not set")?;
    let path = Path::new(&root).join(path);
    let pushed = resolve.push_path(&path);
    let error = match pushed {
        Ok((package, _)) => return Ok(package),
        Err(error) => resolve.render_error(&error),
    };
    Err(format!(
        "cannot read the WIT in `{}`: {error}",
        path.display()
    ))
}

/// Everything that a world imports, except types.
fn imports(resolve: &Resolve, world: WorldId) -> impl Iterator<Item = (&WorldKey, &WorldItem)> {
    let items = resolve.worlds[world].imports.iter();
    items.filter(|(_, item)| match item {
        WorldItem::Type { id, .. } => matches!(resolve.types[*id].kind, TypeDefKind::Resource),
        _ => true,
    })
}

/// Whether an import is an asynchronous function, or an interface that has one.
fn is_async(resolve: &Resolve, item: &WorldItem) -> bool {
    match item {
        WorldItem::Function(function) => function.kind.is_async(),
        WorldItem::Interface { id, .. } => {
            let mut functions = resolve.interfaces[*id].functions.values();
            functions.any(|function| function.kind.is_async())
        }
        WorldItem::Type { .. } => false,
    }
}

/// Says that a package has no world with this name, and which it has.
fn no_world(resolve: &Resolve, package: PackageId, name: &str) -> String {
    let worlds = resolve.packages[package].worlds.keys();
    let worlds: Vec<_> = worlds.map(|world| format!("`{world}`")).collect();
    let package = &resolve.packages[package].name;
    match worlds.is_empty() {
        true => format!("package `{package}` has no worlds"),
        false => {
            let worlds = worlds.join(", ");
            format!("package `{package}` has no world `{name}`; it has {worlds}")
        }
    }
}

fn has_types_only(resolve: &Resolve, id: InterfaceId) -> bool {
    let interface = &resolve.interfaces[id];
    let mut types = interface.types.values();
    let is_resource = |kind: &TypeDefKind| matches!(kind, TypeDefKind::Resource);
    interface.functions.is_empty() && !types.any(|id| is_resource(&resolve.types[*id].kind))
}

/// Returns the module of an interface in the output of `bindgen!`, such as
/// `example::event_filter::types`.
fn module(resolve: &Resolve, id: InterfaceId) -> Option<Vec<Ident>> {
    let interface = &resolve.interfaces[id];
    let name = &resolve.packages[interface.package?].name;
    let mut versions = resolve.packages.iter().map(|(_, package)| &package.name);
    let is_ambiguous = versions.any(|other| {
        (&other.namespace, &other.name) == (&name.namespace, &name.name)
            && other.version != name.version
    });
    let version = match &name.version {
        Some(version) if is_ambiguous => version.to_string().replace(['.', '-', '+'], "_"),
        _ => String::new(),
    };
    Some(vec![
        identifier(name.namespace.to_snake_case()),
        identifier(format!("{}{version}", name.name.to_snake_case())),
        identifier(interface.name.as_ref()?.to_snake_case()),
    ])
}

/// Returns an identifier; a keyword gets a trailing underscore, as in `bindgen!`.
pub(crate) fn identifier(name: String) -> Ident {
    let is_keyword = syn::parse_str::<Ident>(&name).is_err();
    let name = if is_keyword { name + "_" } else { name };
    Ident::new(&name, Span::call_site())
}

/// Prints a package and the packages that it uses as one text.
fn text(resolve: &Resolve, package: PackageId) -> std::result::Result<String, String> {
    let others = resolve.packages.iter().map(|(id, _)| id);
    let others: Vec<_> = others.filter(|id| *id != package).collect();
    let mut printer = WitPrinter::default();
    printer.emit_docs(false);
    printer
        .print(resolve, package, &others)
        .map_err(|error| error.to_string())?;
    Ok(printer.output.to_string())
}
