//! `wasi:http` of WASI 0.3: requests are sent by the same [`Outgoing`](super::Outgoing) as
//! with 0.2, under the same limits. There is no `handler` for plugins to call.

use wasmtime::StoreContextMut;
use wasmtime::component::{Accessor, FutureReader, Linker, LinkerInstance, Resource, StreamReader};
use wasmtime_wasi::TrappableError;
use wasmtime_wasi_http::p3::bindings::http::client::HostWithStore;
use wasmtime_wasi_http::p3::bindings::http::types::{
    ErrorCode, HeaderError, Host as _, HostFields, HostRequest, Method, Scheme,
};
use wasmtime_wasi_http::p3::{Request, Response, add_to_linker};
use wasmtime_wasi_http::{FieldMap, WasiHttp};

use super::handle_memory::{
    HEADER_OVERHEAD, MAX_AUTHORITY, MAX_PATH, MAX_TOKEN, compact, count_change, set_text,
    size_of_entries, size_of_values,
};
use crate::wasi::HasWasi;
use crate::wasi::version::WASI_0_3_VERSION;
use crate::wasi::waiting::in_runtime;

type Fields = Resource<FieldMap>;

/// Links `wasi:http/client` and `wasi:http/types`: wasmtime-wasi-http's functions, except
/// for those that send, or that hold memory.
pub(crate) fn link<T: HasWasi>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    add_to_linker(linker)?;
    linker.allow_shadowing(true);
    link_sending(linker)?;
    let mut types = linker.instance(&format!("wasi:http/types@{WASI_0_3_VERSION}"))?;
    link_requests(&mut types)?;
    link_changes(&mut types)?;
    link_deletions(&mut types)?;
    link_unsupported(&mut types)?;
    linker.allow_shadowing(false);
    Ok(())
}

/// Counts a request and its response until the response was received, and sends in a runtime
/// of tokio.
fn link_sending<T: HasWasi>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    let name = format!("wasi:http/client@{WASI_0_3_VERSION}");
    linker.instance(&name)?.func_wrap_concurrent(
        "send",
        |store: &Accessor<T>, (request,): (Resource<Request>,)| {
            Box::pin(in_runtime(async move {
                store.with(|mut store| store.data_mut().wasi().hold_http_request(&request))?;
                let client = store.with_getter::<WasiHttp>(T::http);
                let sent = <WasiHttp as HostWithStore<T>>::send(&client, request).await;
                match sent {
                    Ok(response) => Ok((Ok(response),)),
                    Err(error) => store.with(|mut store| {
                        let code = store.data_mut().http().convert_error_code(error)?;
                        Ok((Err::<Resource<Response>, _>(code),))
                    }),
                }
            }))
        },
    )
}

fn link_requests<T: HasWasi>(types: &mut LinkerInstance<'_, T>) -> wasmtime::Result<()> {
    types.func_wrap(
        "[method]request.set-authority",
        |store: StoreContextMut<'_, T>,
         (request, authority): (Resource<Request>, Option<String>)| {
            let length = authority.as_ref().map_or(0, String::len);
            set_text(store, length, MAX_AUTHORITY, |state| {
                HostRequest::set_authority(&mut state.http(), request, authority)
            })
        },
    )?;
    types.func_wrap(
        "[method]request.set-path-with-query",
        |store: StoreContextMut<'_, T>, (request, path): (Resource<Request>, Option<String>)| {
            let length = path.as_ref().map_or(0, String::len);
            set_text(store, length, MAX_PATH, |state| {
                HostRequest::set_path_with_query(&mut state.http(), request, path)
            })
        },
    )?;
    types.func_wrap(
        "[method]request.set-method",
        |store: StoreContextMut<'_, T>, (request, method): (Resource<Request>, Method)| {
            let length = match &method {
                Method::Other(method) => method.len(),
                _ => 0,
            };
            set_text(store, length, MAX_TOKEN, |state| {
                HostRequest::set_method(&mut state.http(), request, method)
            })
        },
    )?;
    types.func_wrap(
        "[method]request.set-scheme",
        |store: StoreContextMut<'_, T>, (request, scheme): (Resource<Request>, Option<Scheme>)| {
            let length = match &scheme {
                Some(Scheme::Other(scheme)) => scheme.len(),
                _ => 0,
            };
            set_text(store, length, MAX_TOKEN, |state| {
                HostRequest::set_scheme(&mut state.http(), request, scheme)
            })
        },
    )
}

/// Rejects responses created by a plugin, which it has no use for.
fn link_unsupported<T: HasWasi>(types: &mut LinkerInstance<'_, T>) -> wasmtime::Result<()> {
    type Trailers = FutureReader<Result<Option<Fields>, ErrorCode>>;
    type Created = (Resource<Response>, FutureReader<Result<(), ErrorCode>>);
    types.func_wrap(
        "[static]response.new",
        |_: StoreContextMut<'_, T>,
         _: (Fields, Option<StreamReader<u8>>, Trailers)|
         -> wasmtime::Result<(Created,)> {
            wasmtime::bail!("a plugin has no requests to respond to")
        },
    )
}

/// The result of a function on headers.
type HeaderReturn<R> = wasmtime::Result<(Result<R, HeaderError>,)>;

/// Changes headers and counts `added` bytes.
fn change<T: HasWasi, R>(
    mut store: StoreContextMut<'_, T>,
    fields: Option<u32>,
    added: usize,
    change: impl FnOnce(&mut T) -> Result<R, TrappableError<HeaderError>>,
) -> HeaderReturn<R> {
    let state = store.data_mut();
    let borrowed = fields.map(Resource::new_borrow);
    count_change(state, borrowed.as_ref(), added)?;
    match change(state) {
        Ok(result) => Ok((Ok(result),)),
        Err(error) => Ok((Err(state.http().convert_header_error(error)?),)),
    }
}

fn link_changes<T: HasWasi>(types: &mut LinkerInstance<'_, T>) -> wasmtime::Result<()> {
    types.func_wrap(
        "[static]fields.from-list",
        |store: StoreContextMut<'_, T>, (entries,): (Vec<(String, Vec<u8>)>,)| {
            let added = size_of_entries(&entries);
            change(store, None, added, |state| {
                HostFields::from_list(&mut state.http(), entries)
            })
        },
    )?;
    types.func_wrap(
        "[method]fields.set",
        |store: StoreContextMut<'_, T>, (fields, name, values): (Fields, String, Vec<Vec<u8>>)| {
            let (added, changed) = (size_of_values(&name, &values), fields.rep());
            change(store, Some(changed), added, |state| {
                HostFields::set(&mut state.http(), fields, name, values)?;
                compact(state, changed).map_err(TrappableError::trap)
            })
        },
    )?;
    types.func_wrap(
        "[method]fields.append",
        |store: StoreContextMut<'_, T>, (fields, name, value): (Fields, String, Vec<u8>)| {
            let added = name.len() + value.len() + HEADER_OVERHEAD;
            change(store, Some(fields.rep()), added, |state| {
                HostFields::append(&mut state.http(), fields, name, value)
            })
        },
    )
}

fn link_deletions<T: HasWasi>(types: &mut LinkerInstance<'_, T>) -> wasmtime::Result<()> {
    types.func_wrap(
        "[method]fields.delete",
        |store: StoreContextMut<'_, T>, (fields, name): (Fields, String)| {
            let changed = fields.rep();
            change(store, Some(changed), 0, |state| {
                HostFields::delete(&mut state.http(), fields, name)?;
                compact(state, changed).map_err(TrappableError::trap)
            })
        },
    )?;
    types.func_wrap(
        "[method]fields.get-and-delete",
        |store: StoreContextMut<'_, T>, (fields, name): (Fields, String)| {
            let changed = fields.rep();
            change(store, Some(changed), 0, |state| {
                let deleted = HostFields::get_and_delete(&mut state.http(), fields, name)?;
                compact(state, changed).map_err(TrappableError::trap)?;
                Ok(deleted)
            })
        },
    )
}
