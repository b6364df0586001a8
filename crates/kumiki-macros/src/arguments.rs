//! The arguments of the macro.

use proc_macro2::TokenStream;
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Error, Ident, LitBool, LitStr, Result, Token, Type, Visibility, braced};

/// `pub Name { path: "wit", world: "world", data: Data }`
pub(crate) struct Arguments {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) name: Ident,
    pub(crate) wit: Wit,
    pub(crate) world: LitStr,
    /// The contract's data for each instance; `()` unless given.
    pub(crate) data: Option<Type>,
    /// Whether host functions and calls are asynchronous.
    pub(crate) is_async: bool,
    /// Further options of wasmtime's `bindgen!`.
    pub(crate) bindgen: TokenStream,
}

/// Where the WIT is.
pub(crate) enum Wit {
    /// A file or folder, relative to the crate's folder.
    Path(LitStr),
    /// The text itself.
    Inline(LitStr),
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let name: Ident = input.parse()?;
        let fields;
        braced!(fields in input);
        let (mut wit, mut world, mut data, mut bindgen) = (None, None, None, None);
        let mut is_async = None;
        while !fields.is_empty() {
            // `async` is a keyword.
            let field = fields.call(Ident::parse_any)?;
            fields.parse::<Token![:]>()?;
            let is_new = match &*field.to_string() {
                "path" => wit.replace(Wit::Path(fields.parse()?)).is_none(),
                "inline" => wit.replace(Wit::Inline(fields.parse()?)).is_none(),
                "world" => world.replace(fields.parse()?).is_none(),
                "data" => data.replace(fields.parse()?).is_none(),
                "async" => is_async.replace(fields.parse::<LitBool>()?.value).is_none(),
                "bindgen" => {
                    let options;
                    braced!(options in fields);
                    bindgen.replace(options.parse()?).is_none()
                }
                _ => {
                    let message = "unknown field; expected `path`, `inline`, `world`, `data`, \
                                   `async` or `bindgen`";
                    return Err(Error::new(field.span(), message));
                }
            };
            if !is_new {
                let message = "this is already specified; `path` and `inline` exclude each other";
                return Err(Error::new(field.span(), message));
            }
            if !fields.is_empty() {
                fields.parse::<Token![,]>()?;
            }
        }
        let missing = |field: &str| Error::new(name.span(), format!("missing field {field}"));
        Ok(Self {
            wit: wit.ok_or_else(|| {
                missing("`path` (a file or folder of WIT) or `inline` (WIT as text)")
            })?,
            world: world
                .ok_or_else(|| missing("`world` (the name of the world that plugins implement)"))?,
            attributes,
            visibility,
            name,
            data,
            is_async: is_async.unwrap_or_default(),
            bindgen: bindgen.unwrap_or_default(),
        })
    }
}
