//! The code that the macro expands to.

use heck::ToSnakeCase as _;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Error, Result};

use crate::arguments::{Arguments, Wit};
use crate::world::{World, identifier};

pub(crate) fn expand(arguments: &Arguments) -> Result<TokenStream> {
    let world = World::read(arguments)?;
    let Arguments {
        attributes,
        visibility,
        name,
        data,
        ..
    } = arguments;
    let module = identifier(name.to_string().to_snake_case());
    if module == "kumiki" {
        let message = "the module of its bindings would be `kumiki`, like the crate; choose \
                       another name";
        return Err(Error::new(name.span(), message));
    }
    let data = data.as_ref().map_or_else(|| quote!(()), |it| quote!(#it));
    let state = quote!(::kumiki::HostState<#data>);
    let bindings = bindings(arguments, &module);
    let (type_name, pre_name) = (&world.type_name, format_ident!("{}Pre", world.type_name));
    let (text, world_name) = (&world.text, &arguments.world);
    let link = match world.has_imports {
        true => quote! {
            #module::#type_name::add_to_linker::<
                _,
                ::kumiki::wasmtime::component::HasSelf<#state>,
            >(linker, |store| store.host_mut())
        },
        false => quote! {
            let _ = linker;
            ::std::result::Result::Ok(())
        },
    };
    let types_only = world.types_only.iter().map(|path| {
        quote! { impl #module::#(#path)::*::Host for #state {} }
    });
    let (is_async, is_concurrent) = (arguments.is_async, world.imports_async);
    let async_contract = is_async.then(|| {
        quote! {
            impl ::kumiki::AsyncContract for #name {
                async fn instantiate_async(
                    pre: &Self::Pre,
                    store: &mut ::kumiki::wasmtime::Store<::kumiki::StoreData>,
                ) -> ::kumiki::wasmtime::Result<Self::Bindings> {
                    pre.instantiate_async(store).await
                }
            }
        }
    });
    Ok(quote! {
        #bindings

        #(#attributes)*
        #visibility struct #name;

        impl ::kumiki::Contract for #name {
            const WIT: &'static str = #text;
            const WORLD: &'static str = #world_name;
            const ASYNC: bool = #is_async;
            const CONCURRENT: bool = #is_concurrent;

            type Data = #data;
            type Pre = #module::#pre_name<::kumiki::StoreData>;
            type Bindings = #module::#type_name;

            fn link(
                linker: &mut ::kumiki::wasmtime::component::Linker<::kumiki::StoreData>,
            ) -> ::kumiki::wasmtime::Result<()> {
                #link
            }

            fn pre(
                pre: ::kumiki::wasmtime::component::InstancePre<::kumiki::StoreData>,
            ) -> ::kumiki::wasmtime::Result<Self::Pre> {
                #module::#pre_name::new(pre)
            }

            fn instantiate(
                pre: &Self::Pre,
                store: &mut ::kumiki::wasmtime::Store<::kumiki::StoreData>,
            ) -> ::kumiki::wasmtime::Result<Self::Bindings> {
                pre.instantiate(store)
            }

            async fn instantiate_concurrent(
                pre: &Self::Pre,
                store: &mut ::kumiki::wasmtime::Store<::kumiki::StoreData>,
            ) -> ::kumiki::wasmtime::Result<Self::Bindings> {
                pre.instantiate_async(store).await
            }
        }

        #async_contract

        #(#types_only)*
    })
}

/// The module of the bindings.
fn bindings(arguments: &Arguments, module: &syn::Ident) -> TokenStream {
    let Arguments {
        visibility,
        wit,
        world,
        is_async,
        bindgen,
        ..
    } = arguments;
    let mode = is_async.then(|| {
        quote! {
            imports: { default: async },
            exports: { default: async },
        }
    });
    let wit = match wit {
        Wit::Path(path) => quote!(path: #path),
        Wit::Inline(text) => quote!(inline: #text),
    };
    quote! {
        #[allow(missing_docs, reason = "generated from the WIT, which documents itself")]
        #visibility mod #module {
            ::kumiki::wasmtime::component::bindgen!({
                #wit,
                world: #world,
                wasmtime_crate: ::kumiki::wasmtime,
                #mode
                #bindgen
            });
        }
    }
}
