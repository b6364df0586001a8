//! Generates TypeScript declarations of the contract for editors: one `declare
//! module` for each interface that the world imports or exports, and for each
//! function that it imports directly.

use heck::{ToLowerCamelCase as _, ToUpperCamelCase as _};
use wit_parser::{
    Function, FunctionKind, Handle, InterfaceId, Resolve, Type, TypeDef, TypeDefKind, TypeId,
    WorldId, WorldItem, WorldKey,
};

use super::batch::Single;
use super::typescript::{docs, indent, lines, union};
use super::world::{
    exported_interfaces, free_functions, imported_functions, imported_interfaces, is_reserved,
    result_of, streamed,
};
use crate::error::Error;
use crate::output::replace;
use crate::project::Project;
use crate::reading::read_text;
use crate::world::is_async;

/// The name of the declaration file, next to `kumiki.toml`.
const FILE: &str = "kumiki.d.ts";
/// The first line of a generated file. A file that does not start with
/// [`GENERATED`] was written by someone else and is left alone.
const MARK: &str = "// Made by kumiki from the WIT; every build overwrites this file.";
/// The start of [`MARK`], the same in earlier versions.
const GENERATED: &str = "// Made by kumiki";

/// Classes for the bytes of streams.
const TEXT_CODING: &str = include_str!("text_coding.d.ts");

/// Writes the declarations into the project's folder, unless they are up to
/// date.
pub(crate) fn write_declarations(project: &Project) -> Result<(), Error> {
    let (resolve, world) = project.resolve()?;
    let path = project.folder.join(FILE);
    let declarations = declarations(&resolve, world);
    match read_text(&path) {
        Ok(text) if text == declarations || !text.starts_with(GENERATED) => Ok(()),
        _ => replace(&path, declarations.as_bytes()),
    }
}

fn declarations(resolve: &Resolve, world: WorldId) -> String {
    let mut text = format!("{MARK}\n");
    let imported = imported_interfaces(resolve, world);
    let exported = exported_interfaces(resolve, world);
    let object = |id| match Single::of(resolve, world, id) {
        None => Object::Required,
        Some(Single { function, .. }) => Object::DerivedFrom(function),
    };
    for (name, id) in &imported {
        let is_exported = exported.iter().any(|(_, exported)| exported == id);
        let object = is_exported.then(|| object(*id));
        text += &module(resolve, name, *id, true, object.as_ref());
    }
    for (name, id) in exported {
        if !imported.iter().any(|(_, imported)| *imported == id) {
            text += &module(resolve, &name, id, false, Some(&object(id)));
        }
    }
    for function in imported_functions(resolve, world) {
        text += &function_module(resolve, world, function);
    }
    if is_async(resolve, world) {
        text += TEXT_CODING;
    }
    text
}

/// Declares a function that the world imports directly: it is the module's
/// default export, and has its own name too.
fn function_module(resolve: &Resolve, world: WorldId, function: &Function) -> String {
    let writer = Writer { resolve, id: None };
    let mut items = Vec::new();
    for (key, item) in &resolve.worlds[world].imports {
        if let (WorldKey::Name(name), WorldItem::Type { id, .. }) = (key, item) {
            items.push(writer.named_type(name, *id, true));
        }
    }
    items.push(writer.function(function));
    let name = function.name.to_lower_camel_case();
    items.push(if is_reserved(&name) {
        format!("export default ${name};")
    } else {
        format!("export default {name};")
    });
    let items = indent(&items.join("\n"));
    format!("\ndeclare module \"{}\" {{\n{items}}}\n", function.name)
}

/// Whether a module must export an object for an interface.
enum Object {
    Required,
    /// If it is missing, the build derives it from this function.
    DerivedFrom(String),
}

/// Declares one interface: its types, its functions if a plugin may call them,
/// and the type of the object if a plugin may export one.
fn module(
    resolve: &Resolve,
    name: &str,
    id: InterfaceId,
    functions: bool,
    object: Option<&Object>,
) -> String {
    let interface = &resolve.interfaces[id];
    let writer = Writer {
        resolve,
        id: Some(id),
    };
    let mut items = Vec::new();
    for (type_name, type_id) in &interface.types {
        items.push(writer.named_type(type_name, *type_id, functions));
    }
    if functions {
        for function in free_functions(resolve, id) {
            items.push(writer.function(function));
        }
    }
    if let Some(object) = object.filter(|_| !interface.functions.is_empty()) {
        items.push(writer.object(id, object));
    }
    let mut text = format!("\ndeclare module \"{name}\" {{\n");
    text += &indent(&items.join("\n"));
    text += "}\n";
    if let Some((plain, _)) = name.split_once('@') {
        text += &format!("\ndeclare module \"{plain}\" {{\n  export * from \"{name}\";\n}}\n");
    }
    text
}

/// The type name of an exported interface's object.
pub(super) fn object_name(resolve: &Resolve, id: InterfaceId) -> String {
    let interface = &resolve.interfaces[id];
    let name = interface
        .name
        .as_deref()
        .unwrap_or_default()
        .to_upper_camel_case();
    let is_taken = interface
        .types
        .keys()
        .any(|taken| taken.to_upper_camel_case() == name);
    if is_taken { name + "Exports" } else { name }
}

/// Writes the declarations of one interface, or of the world's own types and
/// functions.
struct Writer<'a> {
    resolve: &'a Resolve,
    id: Option<InterfaceId>,
}

impl Writer<'_> {
    fn named_type(&self, name: &str, id: TypeId, imported: bool) -> String {
        let TypeDef {
            kind,
            docs: documents,
            ..
        } = &self.resolve.types[id];
        let name = name.to_upper_camel_case();
        let docs = docs(documents);
        match kind {
            TypeDefKind::Record(record) => {
                let fields = record.fields.iter().map(|field| {
                    let (mark, ty) = self.optional(&field.ty);
                    format!(
                        "{}{}{mark}: {ty};",
                        self::docs(&field.docs),
                        field.name.to_lower_camel_case()
                    )
                });
                format!("{docs}export interface {name} {{\n{}}}", lines(fields))
            }
            TypeDefKind::Flags(flags) => {
                let fields = flags.flags.iter().map(|flag| {
                    format!(
                        "{}{}?: boolean;",
                        self::docs(&flag.docs),
                        flag.name.to_lower_camel_case()
                    )
                });
                format!("{docs}export interface {name} {{\n{}}}", lines(fields))
            }
            TypeDefKind::Resource if imported => docs + &self.imported_class(&name, id),
            TypeDefKind::Resource => docs + &self.exported_class(&name, id),
            TypeDefKind::Type(Type::Id(used)) => match self.owner_of(*used) {
                // Types of another interface are declared there.
                Some((module, original)) => {
                    format!("{docs}export type {name} = import(\"{module}\").{original};")
                }
                None => format!("{docs}export type {name} = {};", self.ty(&Type::Id(*used))),
            },
            _ => format!("{docs}export type {name} = {};", self.kind(kind)),
        }
    }

    /// The module and name of a type that belongs to another interface.
    fn owner_of(&self, id: TypeId) -> Option<(String, String)> {
        let used = &self.resolve.types[id];
        match used.owner {
            wit_parser::TypeOwner::Interface(owner) if Some(owner) != self.id => Some((
                self.resolve.id_of(owner)?,
                used.name.as_deref()?.to_upper_camel_case(),
            )),
            _ => None,
        }
    }

    fn imported_class(&self, name: &str, id: TypeId) -> String {
        let mut members = Vec::new();
        let functions = self.functions_of(id);
        if !functions
            .iter()
            .any(|function| matches!(function.kind, FunctionKind::Constructor(_)))
        {
            members.push("private constructor();".to_owned());
        }
        for function in functions {
            members.push(match function.kind {
                FunctionKind::Constructor(_) => {
                    format!("constructor({});", self.parameters(function))
                }
                FunctionKind::Static(_) | FunctionKind::AsyncStatic(_) => {
                    format!("static {}", self.method(function))
                }
                _ => self.method(function),
            });
        }
        format!("export class {name} {{\n{}}}", lines(members.into_iter()))
    }

    /// The types of a class that the author exports: its instances and the
    /// class itself.
    fn exported_class(&self, name: &str, id: TypeId) -> String {
        let (mut instance, mut class) = (Vec::new(), Vec::new());
        for function in self.functions_of(id) {
            match function.kind {
                FunctionKind::Constructor(_) => {
                    class.push(format!("new ({}): {name};", self.parameters(function)));
                }
                FunctionKind::Static(_) | FunctionKind::AsyncStatic(_) => {
                    class.push(self.method(function));
                }
                _ => instance.push(self.method(function)),
            }
        }
        format!(
            "export interface {name} {{\n{}}}\nexport interface {name}Class {{\n{}}}",
            lines(instance.into_iter()),
            lines(class.into_iter())
        )
    }

    fn functions_of(&self, resource: TypeId) -> Vec<&Function> {
        let interface = self.id.map(|id| &self.resolve.interfaces[id]);
        let functions = interface.into_iter().flat_map(|it| it.functions.values());
        functions
            .filter(|function| function.kind.resource() == Some(resource))
            .collect()
    }

    /// A function that the plugin can call.
    fn function(&self, function: &Function) -> String {
        let docs = docs(&function.docs);
        let name = function.name.to_lower_camel_case();
        let signature = self.signature(function, false);
        if is_reserved(&name) {
            format!("{docs}const ${name}: {{ {signature} }};\nexport {{ ${name} as {name} }};")
        } else {
            format!("{docs}export function {name}{signature};")
        }
    }

    fn method(&self, function: &Function) -> String {
        let name = function.item_name().to_lower_camel_case();
        format!(
            "{}{name}{};",
            docs(&function.docs),
            self.signature(function, false)
        )
    }

    fn object(&self, id: InterfaceId, object: &Object) -> String {
        let interface = &self.resolve.interfaces[id];
        let mut members = Vec::new();
        for function in free_functions(self.resolve, id) {
            let name = function.name.to_lower_camel_case();
            let docs = docs(&function.docs);
            let chunks = match object {
                Object::Required => streamed(self.resolve, function),
                Object::DerivedFrom(_) => None,
            };
            let signature = match chunks {
                Some(item) => self.generator(function, &item),
                None => self.signature(function, true),
            };
            members.push(format!("{docs}{name}{signature};"));
        }
        for (name, id) in &interface.types {
            if matches!(self.resolve.types[*id].kind, TypeDefKind::Resource) {
                let name = name.to_upper_camel_case();
                members.push(format!("{name}: {name}Class;"));
            }
        }
        let name = object_name(self.resolve, id);
        let exported = interface
            .name
            .as_deref()
            .unwrap_or_default()
            .to_lower_camel_case();
        let otherwise = match object {
            Object::Required => String::new(),
            Object::DerivedFrom(function) => {
                format!("; if missing, it is derived from `{function}`")
            }
        };
        format!(
            "/** The module's export `{exported}`{otherwise}. */\nexport interface {name} {{\n{}}}",
            lines(members.into_iter())
        )
    }

    /// The signature of a function. Errors are thrown; a plugin's `own`
    /// functions may also return them.
    fn signature(&self, function: &Function, own: bool) -> String {
        let result = match (result_of(self.resolve, function), &function.result) {
            (Some(result), _) => {
                let ok = self.or_void(result.ok.as_ref());
                if own {
                    format!("{ok} | {}", self.result(result))
                } else {
                    ok
                }
            }
            (None, result) => self.or_void(result.as_ref()),
        };
        let result = match (function.kind.is_async(), own) {
            (false, _) => result,
            (true, false) => format!("Promise<{result}>"),
            (true, true) => format!("Promise<{result}> | {result}"),
        };
        format!("({}): {result}", self.parameters(function))
    }

    /// The signature of a function that yields what it streams.
    fn generator(&self, function: &Function, item: &Type) -> String {
        let parameters = self.parameters(function);
        let chunks = format!("AsyncIterable<{}>", self.chunk(Some(item)));
        format!("({parameters}): {chunks} | Promise<{chunks}>")
    }

    /// What a stream of these items is read and written by.
    fn chunk(&self, item: Option<&Type>) -> String {
        match item {
            Some(Type::U8) => "Uint8Array".to_owned(),
            item => self.or_void(item),
        }
    }

    fn parameters(&self, function: &Function) -> String {
        let is_method = matches!(
            function.kind,
            FunctionKind::Method(_) | FunctionKind::AsyncMethod(_)
        );
        let parameters = function.params.iter().skip(usize::from(is_method));
        let parameters = parameters.map(|parameter| {
            let name = parameter.name.to_lower_camel_case();
            let mark = if is_reserved(&name) { "_" } else { "" };
            format!("{name}{mark}: {}", self.ty(&parameter.ty))
        });
        parameters.collect::<Vec<_>>().join(", ")
    }

    fn or_void(&self, ty: Option<&Type>) -> String {
        ty.map_or("void".to_owned(), |ty| self.ty(ty))
    }

    /// A field's type, and `?` if the field is optional.
    fn optional(&self, ty: &Type) -> (&'static str, String) {
        match ty {
            Type::Id(id) => match &self.resolve.types[*id] {
                TypeDef {
                    name: None,
                    kind: TypeDefKind::Option(inner),
                    ..
                } if !self.is_option(inner) => ("?", format!("{} | null", self.ty(inner))),
                _ => ("", self.ty(ty)),
            },
            _ => ("", self.ty(ty)),
        }
    }

    fn ty(&self, ty: &Type) -> String {
        match ty {
            Type::Bool => "boolean".to_owned(),
            Type::U64 | Type::S64 => "bigint".to_owned(),
            Type::Char | Type::String => "string".to_owned(),
            Type::ErrorContext => "unknown".to_owned(),
            Type::Id(id) => match &self.resolve.types[*id] {
                TypeDef {
                    name: Some(name), ..
                } => name.to_upper_camel_case(),
                TypeDef { kind, .. } => self.kind(kind),
            },
            _ => "number".to_owned(),
        }
    }

    fn kind(&self, kind: &TypeDefKind) -> String {
        match kind {
            TypeDefKind::Enum(cases) => {
                union(cases.cases.iter().map(|case| format!("\"{}\"", case.name)))
            }
            TypeDefKind::Variant(variant) => union(variant.cases.iter().map(|case| {
                let value = case.ty.as_ref().map(|ty| format!("; val: {}", self.ty(ty)));
                format!("{{ tag: \"{}\"{} }}", case.name, value.unwrap_or_default())
            })),
            TypeDefKind::Tuple(tuple) => {
                let types: Vec<_> = tuple.types.iter().map(|ty| self.ty(ty)).collect();
                format!("[{}]", types.join(", "))
            }
            TypeDefKind::Option(inner) if self.is_option(inner) => {
                format!(
                    "{{ tag: \"some\"; val: {} }} | {{ tag: \"none\" }}",
                    self.ty(inner)
                )
            }
            // The host passes undefined, and null is taken as well.
            TypeDefKind::Option(inner) => format!("{} | null | undefined", self.ty(inner)),
            TypeDefKind::Result(result) => self.result(result),
            TypeDefKind::List(item) | TypeDefKind::FixedLengthList(item, _) => self.list(item),
            TypeDefKind::Map(key, value) => format!("[{}, {}][]", self.ty(key), self.ty(value)),
            TypeDefKind::Handle(Handle::Own(id) | Handle::Borrow(id)) => self.ty(&Type::Id(*id)),
            TypeDefKind::Type(ty) => self.ty(ty),
            TypeDefKind::Stream(item) => {
                format!("AsyncIterableIterator<{}>", self.chunk(item.as_ref()))
            }
            TypeDefKind::Future(value) => {
                format!("{{ read(): Promise<{}> }}", self.or_void(value.as_ref()))
            }
            _ => "unknown".to_owned(),
        }
    }

    fn result(&self, result: &wit_parser::Result_) -> String {
        let value = |ty: &Option<Type>| match ty {
            Some(ty) => format!("; val: {}", self.ty(ty)),
            None => "; val?: undefined".to_owned(),
        };
        format!(
            "{{ tag: \"ok\"{} }} | {{ tag: \"err\"{} }}",
            value(&result.ok),
            value(&result.err)
        )
    }

    fn list(&self, item: &Type) -> String {
        let item = match item {
            Type::U8 => return "Uint8Array".to_owned(),
            item => self.ty(item),
        };
        match &*item {
            // An array or a typed array, depending on the engine.
            "number" | "bigint" => format!("ArrayLike<{item}>"),
            _ if item.contains(' ') => format!("({item})[]"),
            _ => format!("{item}[]"),
        }
    }

    /// Whether null and undefined already have a meaning for the type.
    fn is_option(&self, ty: &Type) -> bool {
        match ty {
            Type::Id(id) => match &self.resolve.types[*id].kind {
                TypeDefKind::Option(_) => true,
                TypeDefKind::Type(ty) => self.is_option(ty),
                _ => false,
            },
            _ => false,
        }
    }
}

#[cfg(test)]
#[path = "declarations_tests.rs"]
mod tests;
