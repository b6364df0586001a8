//! Fast conversion between bytes and strings in QuickJS, which has none: a small component
//! does it. The module imports it, and the build puts it into the plugin's component.

use std::convert::Infallible;

use wasm_encoder::reencode::{self, Reencode, ReencodeComponent};
use wasm_encoder::{
    Component, ComponentImportSection, ComponentInstanceSection, ComponentSectionId, RawSection,
};
use wasmparser::{ComponentImportSectionReader, Parser, Payload, Validator, WasmFeatures};
use wit_component::WitPrinter;
use wit_parser::{Resolve, WorldId, WorldItem, WorldKey};

/// The interface that the classes of `text_coding.js` import.
pub(super) const INTERFACE: &str = "kumiki:text-coding/utf8";

const WIT: &str = "package kumiki:text-coding;
interface utf8 {
    /// None if the bytes are not UTF-8.
    decode: func(bytes: list<u8>) -> option<string>;
    encode: func(text: string) -> list<u8>;
}";

/// The component, in WebAssembly text format.
pub(super) const COMPONENT: &str = include_str!("text_coding.wat");

/// The WIT of a world that imports [`INTERFACE`] too.
pub(super) fn extended_wit(mut resolve: Resolve, world: WorldId) -> Result<String, String> {
    let reason = |error| format!("{error:#}");
    let package = resolve
        .push_source("text_coding.wit", WIT)
        .map_err(|error| error.to_string())?;
    let id = resolve.packages[package].interfaces["utf8"];
    let item = WorldItem::Interface {
        id,
        stability: Default::default(),
        external_id: None,
        docs: Default::default(),
        span: Default::default(),
    };
    let main = resolve.worlds[world].package;
    let main = main.ok_or("the world is in no package")?;
    let imports = &mut resolve.worlds[world].imports;
    imports.insert(WorldKey::Interface(id), item);
    let packages = resolve.packages.iter().map(|(id, _)| id);
    let others: Vec<_> = packages.filter(|id| *id != main).collect();
    let mut printer = WitPrinter::default();
    printer.print(&resolve, main, &others).map_err(reason)?;
    Ok(printer.output.to_string())
}

/// Replaces the import of [`INTERFACE`] by an instance of the component. A component without
/// this import is returned unchanged.
pub(super) fn link(component: &[u8]) -> Result<Vec<u8>, String> {
    let coding = wat::parse_str(COMPONENT).map_err(|error| error.to_string())?;
    let mut linker = Linker {
        coding: &coding,
        components: 0,
        inserted: None,
    };
    let mut linked = Component::new();
    linker
        .parse_component(&mut linked, Parser::new(0), component)
        .map_err(|error| error.to_string())?;
    if linker.inserted.is_none() {
        return Ok(component.to_owned());
    }
    let linked = linked.finish();
    Validator::new_with_features(WasmFeatures::all())
        .validate_all(&linked)
        .map_err(|error| error.to_string())?;
    Ok(linked)
}

/// Copies a component, with another one in it.
struct Linker<'a> {
    coding: &'a [u8],
    /// The number of nested components so far.
    components: u32,
    /// The index of the inserted component: later ones have the next index.
    inserted: Option<u32>,
}

type Error = reencode::Error<Infallible>;

impl Reencode for Linker<'_> {
    type Error = Infallible;
}

impl ReencodeComponent for Linker<'_> {
    fn component_index(&mut self, index: u32) -> u32 {
        match self.inserted {
            Some(inserted) if index >= inserted => index + 1,
            _ => index,
        }
    }

    fn parse_component_payload(
        &mut self,
        component: &mut Component,
        payload: Payload<'_>,
        whole: &[u8],
    ) -> Result<(), Error> {
        match payload {
            // What is nested has its own indices.
            Payload::ComponentSection {
                unchecked_range, ..
            } => {
                self.components += 1;
                nest(
                    component,
                    ComponentSectionId::Component,
                    &whole[unchecked_range],
                );
                Ok(())
            }
            Payload::ModuleSection {
                unchecked_range, ..
            } => {
                nest(
                    component,
                    ComponentSectionId::CoreModule,
                    &whole[unchecked_range],
                );
                Ok(())
            }
            Payload::ComponentImportSection(section) => self.imports(component, section),
            payload => {
                reencode::component_utils::parse_component_payload(self, component, payload, whole)
            }
        }
    }
}

impl Linker<'_> {
    /// Copies imports. The instance takes the place of the import, so no index of an instance
    /// changes.
    fn imports(
        &mut self,
        component: &mut Component,
        section: ComponentImportSectionReader<'_>,
    ) -> Result<(), Error> {
        for import in section {
            let import = import?;
            if import.name.name != INTERFACE {
                let ty = self.component_type_ref(import.ty)?;
                let mut imports = ComponentImportSection::new();
                imports.import(import.name.name, ty);
                component.section(&imports);
                continue;
            }
            nest(component, ComponentSectionId::Component, self.coding);
            let mut instances = ComponentInstanceSection::new();
            let none: [(&str, wasm_encoder::ComponentExportKind, u32); 0] = [];
            instances.instantiate(self.components, none);
            component.section(&instances);
            self.inserted = Some(self.components);
        }
        Ok(())
    }
}

fn nest(component: &mut Component, id: ComponentSectionId, data: &[u8]) {
    let id = id.into();
    component.section(&RawSection { id, data });
}

#[cfg(test)]
#[path = "text_coding_tests.rs"]
mod tests;
