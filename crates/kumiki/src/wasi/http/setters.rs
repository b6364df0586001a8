//! The functions of `wasi:http/types` that give a request its method, scheme,
//! authority and path. WASI's own keep text of any length, which no limit of the
//! guest's memory counts: 10,000 requests could hold terabytes.

use wasmtime::component::{Linker, Resource};
use wasmtime::{Result, StoreContextMut};
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::p2::bindings::http::types::{
    HostOutgoingRequest, Method, OutgoingRequest, Scheme,
};

use crate::wasi::interfaces::WASI_VERSION;

/// Bytes of a method or scheme; the longest registered method has 17.
const WORD: usize = 64;
/// Bytes of an authority: a host name has at most 253.
const AUTHORITY: usize = 1024;
/// Bytes of a path with its query; servers take 8 KiB of them.
const PATH: usize = 8 << 10;

type Request = Resource<OutgoingRequest>;
type Answer = (std::result::Result<(), ()>,);

/// Links them in the place of WASI's own. What is too long is refused like what is
/// malformed.
pub(crate) fn link<T: WasiHttpView + 'static>(linker: &mut Linker<T>) -> Result<()> {
    linker.allow_shadowing(true);
    let mut types = linker.instance(&format!("wasi:http/types@{WASI_VERSION}"))?;
    types.func_wrap(
        "[method]outgoing-request.set-method",
        |mut store: StoreContextMut<'_, T>, (this, method): (Request, Method)| {
            let length = match &method {
                Method::Other(text) => text.len(),
                _ => 0,
            };
            bounded(length, WORD, || {
                store.data_mut().http().set_method(this, method)
            })
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.set-scheme",
        |mut store: StoreContextMut<'_, T>, (this, scheme): (Request, Option<Scheme>)| {
            let length = match &scheme {
                Some(Scheme::Other(text)) => text.len(),
                _ => 0,
            };
            bounded(length, WORD, || {
                store.data_mut().http().set_scheme(this, scheme)
            })
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.set-authority",
        |mut store: StoreContextMut<'_, T>, (this, text): (Request, Option<String>)| {
            bounded(text.as_ref().map_or(0, String::len), AUTHORITY, || {
                store.data_mut().http().set_authority(this, text)
            })
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.set-path-with-query",
        |mut store: StoreContextMut<'_, T>, (this, text): (Request, Option<String>)| {
            bounded(text.as_ref().map_or(0, String::len), PATH, || {
                store.data_mut().http().set_path_with_query(this, text)
            })
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

fn bounded(
    length: usize,
    most: usize,
    set: impl FnOnce() -> Result<std::result::Result<(), ()>>,
) -> Result<Answer> {
    match length <= most {
        true => Ok((set()?,)),
        false => Ok((Err(()),)),
    }
}
