//! Limits the host memory of `wasi:http` handles: authorities, paths and headers that the
//! guest has set, buffers of bodies, and received responses. wasmtime-wasi-http limits only
//! the headers of one handle, and an instance may have 10,000 handles.

use std::any::Any;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource, ResourceTable};
use wasmtime_wasi_http::FieldMap;
use wasmtime_wasi_http::p2::bindings::http::outgoing_handler;
use wasmtime_wasi_http::p2::bindings::http::types::{
    ErrorCode, HeaderError, Host as _, HostFields, HostOutgoingBody as Bodies,
    HostOutgoingRequest as Requests, Method, RequestOptions, Scheme,
};
use wasmtime_wasi_http::p2::body::{HostIncomingBody, HostOutgoingBody};
use wasmtime_wasi_http::p2::types::{
    HostFutureIncomingResponse, HostIncomingResponse, HostOutgoingRequest, HostOutgoingResponse,
};
use wasmtime_wasi_http::p2::{HeaderError as HeaderFailure, HeaderResult};
use wasmtime_wasi_http::p3;

use super::{CHUNK, READ_AHEAD};
use crate::limits::{Limit, Reached};
use crate::wasi::HasWasi;
use crate::wasi::version::WASI_VERSION;

/// Maximum bytes of all handles of one instance together.
const MAX_BYTES: usize = 128 << 20;
/// Maximum bytes of an authority; a host name has at most 253.
pub(super) const MAX_AUTHORITY: usize = 1 << 10;
/// Maximum bytes of a path with its query.
pub(super) const MAX_PATH: usize = 64 << 10;
/// Maximum bytes of a method or scheme.
pub(super) const MAX_TOKEN: usize = 64;
/// Approximate bytes of one header besides its text.
pub(super) const HEADER_OVERHEAD: usize = 128;
/// Bytes of the name index for each header of a map's capacity. The capacity does not
/// shrink when headers are deleted.
const INDEX_ENTRY: usize = 8;
/// Maximum bytes that the body of a request holds: queued chunks and one more.
const BODY_BUFFER: usize = 3 * CHUNK;
/// Maximum bytes that a response holds: headers, and as much of its body.
const RESPONSE_BUFFER: usize = 2 * READ_AHEAD;

/// Counts the bytes that handles hold. Dropped handles are subtracted only when the count
/// reaches the limit: then all handles are measured again.
#[derive(Default)]
pub(crate) struct HandleMemory {
    counted: usize,
    /// The bytes of [`HeldBytes`].
    held: Arc<AtomicUsize>,
}

/// Bytes that count until this is dropped: requests and responses of WASI 0.3, which are in
/// no table while they are transferred.
#[derive(Debug)]
pub(crate) struct HeldBytes {
    held: Arc<AtomicUsize>,
    bytes: usize,
}

impl Drop for HeldBytes {
    fn drop(&mut self) {
        self.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl HandleMemory {
    /// Adds `bytes` to the count.
    ///
    /// # Errors
    /// When the limit is reached; the error ends the call.
    pub(crate) fn add(&mut self, table: &mut ResourceTable, bytes: usize) -> wasmtime::Result<()> {
        let added = bytes.saturating_add(self.held.load(Ordering::Relaxed));
        if self.counted.saturating_add(added) > MAX_BYTES {
            self.counted = measure(table);
        }
        if self.counted.saturating_add(added) > MAX_BYTES {
            return Err(Reached(Limit::Http(MAX_BYTES)).into());
        }
        self.counted += bytes;
        Ok(())
    }

    /// Counts a request of WASI 0.3 that is sent, and its response.
    ///
    /// # Errors
    /// As for [`HandleMemory::add`].
    pub(super) fn hold(
        &mut self,
        table: &mut ResourceTable,
        request: &Resource<p3::Request>,
    ) -> wasmtime::Result<HeldBytes> {
        let size = size_of_request(table.get(request)?);
        let bytes = size + BODY_BUFFER + RESPONSE_BUFFER;
        self.add(table, bytes)?;
        self.counted -= bytes;
        self.held.fetch_add(bytes, Ordering::Relaxed);
        Ok(HeldBytes {
            held: self.held.clone(),
            bytes,
        })
    }
}

/// Returns the bytes of all handles. Headers that several handles share count once.
fn measure(table: &mut ResourceTable) -> usize {
    let mut seen = HashSet::new();
    let mut headers = |fields: &FieldMap| match seen.insert(&raw const **fields) {
        true => size_of_headers(fields),
        false => 0,
    };
    let mut total = 0_usize;
    for entry in table.iter_mut() {
        let entry: &dyn Any = entry;
        let bytes = if let Some(fields) = entry.downcast_ref::<FieldMap>() {
            headers(fields)
        } else if let Some(request) = entry.downcast_ref::<HostOutgoingRequest>() {
            let texts = [&request.authority, &request.path_with_query];
            let texts = texts.into_iter().flatten().map(String::len).sum::<usize>();
            let body = request.body.as_ref().map_or(0, |_| BODY_BUFFER);
            texts + body + headers(&request.headers)
        } else if let Some(request) = entry.downcast_ref::<p3::Request>() {
            size_of_texts(request) + headers(&request.headers)
        } else if entry.is::<HostFutureIncomingResponse>() || entry.is::<HostIncomingResponse>() {
            RESPONSE_BUFFER
        } else if entry.is::<HostIncomingBody>() {
            READ_AHEAD
        } else if entry.is::<HostOutgoingBody>() {
            BODY_BUFFER
        } else {
            0
        };
        total = total.saturating_add(bytes);
    }
    total
}

fn size_of_headers(fields: &FieldMap) -> usize {
    let headers = fields.iter();
    let sizes = headers.map(|(name, value)| name.as_str().len() + value.len() + HEADER_OVERHEAD);
    sizes.sum::<usize>() + fields.capacity() * INDEX_ENTRY
}

fn size_of_texts(request: &p3::Request) -> usize {
    let authority = request.authority.as_ref().map_or(0, |it| it.as_str().len());
    let path = &request.path_with_query;
    authority + path.as_ref().map_or(0, |path| path.as_str().len())
}

fn size_of_request(request: &p3::Request) -> usize {
    size_of_texts(request) + size_of_headers(&request.headers)
}

pub(super) fn size_of_values(name: &str, values: &[Vec<u8>]) -> usize {
    let values = values.iter().map(|value| value.len() + HEADER_OVERHEAD);
    values.fold(name.len(), usize::saturating_add)
}

/// Links the functions that make handles hold memory instead of wasmtime-wasi-http's.
pub(crate) fn link<T: HasWasi>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    link_requests(linker)?;
    link_sending(linker)?;
    link_fields(linker)?;
    link_unsupported(linker)?;
    linker.allow_shadowing(false);
    Ok(())
}

type Request = Resource<HostOutgoingRequest>;
type Fields = Resource<FieldMap>;
type Body = Resource<HostOutgoingBody>;
type Response = Resource<HostOutgoingResponse>;
/// The result of a setter, whose error has no details.
type SetReturn = wasmtime::Result<(Result<(), ()>,)>;

/// Sets a text of a request and counts its bytes. Fails if it is longer than `max_length`.
pub(super) fn set_text<T: HasWasi>(
    mut store: StoreContextMut<'_, T>,
    length: usize,
    max_length: usize,
    set: impl FnOnce(&mut T) -> wasmtime::Result<Result<(), ()>>,
) -> SetReturn {
    if length > max_length {
        return Ok((Err(()),));
    }
    let state = store.data_mut();
    state.wasi().add_http_memory(length)?;
    Ok((set(state)?,))
}

fn link_requests<T: HasWasi>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    let name = format!("wasi:http/types@{WASI_VERSION}");
    let mut types = linker.instance(&name)?;
    types.func_wrap(
        "[method]outgoing-request.set-authority",
        |store: StoreContextMut<'_, T>, (request, authority): (Request, Option<String>)| {
            let length = authority.as_ref().map_or(0, String::len);
            set_text(store, length, MAX_AUTHORITY, |state| {
                Requests::set_authority(&mut state.http(), request, authority)
            })
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.set-path-with-query",
        |store: StoreContextMut<'_, T>, (request, path): (Request, Option<String>)| {
            let length = path.as_ref().map_or(0, String::len);
            set_text(store, length, MAX_PATH, |state| {
                Requests::set_path_with_query(&mut state.http(), request, path)
            })
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.set-method",
        |store: StoreContextMut<'_, T>, (request, method): (Request, Method)| {
            let length = match &method {
                Method::Other(method) => method.len(),
                _ => 0,
            };
            set_text(store, length, MAX_TOKEN, |state| {
                Requests::set_method(&mut state.http(), request, method)
            })
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.set-scheme",
        |store: StoreContextMut<'_, T>, (request, scheme): (Request, Option<Scheme>)| {
            let length = match &scheme {
                Some(Scheme::Other(scheme)) => scheme.len(),
                _ => 0,
            };
            set_text(store, length, MAX_TOKEN, |state| {
                Requests::set_scheme(&mut state.http(), request, scheme)
            })
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.body",
        |mut store: StoreContextMut<'_, T>, (request,): (Request,)| {
            let state = store.data_mut();
            state.wasi().add_http_memory(BODY_BUFFER)?;
            Ok((Requests::body(&mut state.http(), request)?,))
        },
    )
}

/// Counts the buffer of a response when its request is sent.
fn link_sending<T: HasWasi>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    type Options = Option<Resource<RequestOptions>>;
    let name = format!("wasi:http/outgoing-handler@{WASI_VERSION}");
    linker.instance(&name)?.func_wrap(
        "handle",
        |mut store: StoreContextMut<'_, T>, (request, options): (Request, Options)| {
            let state = store.data_mut();
            state.wasi().add_http_memory(RESPONSE_BUFFER)?;
            match outgoing_handler::Host::handle(&mut state.http(), request, options) {
                Ok(response) => Ok((Ok(response),)),
                Err(error) => Ok((Err(state.http().convert_error_code(error)?),)),
            }
        },
    )
}

/// Rejects what cannot be counted: trailers, which are held in a channel, and responses
/// created by a plugin, which it has no use for.
fn link_unsupported<T: HasWasi>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    type Finished = wasmtime::Result<(Result<(), ErrorCode>,)>;
    let name = format!("wasi:http/types@{WASI_VERSION}");
    let mut types = linker.instance(&name)?;
    types.func_wrap(
        "[constructor]outgoing-response",
        |_: StoreContextMut<'_, T>, _: (Fields,)| -> wasmtime::Result<(Response,)> {
            wasmtime::bail!("a plugin has no requests to respond to")
        },
    )?;
    types.func_wrap(
        "[static]outgoing-body.finish",
        |mut store: StoreContextMut<'_, T>, (body, trailers): (Body, Option<Fields>)| -> Finished {
            let mut http = store.data_mut().http();
            if let Some(trailers) = trailers {
                HostFields::drop(&mut http, trailers)?;
                Bodies::drop(&mut http, body)?;
                let reason = "trailers are not supported".to_owned();
                return Ok((Err(ErrorCode::InternalError(Some(reason))),));
            }
            match Bodies::finish(&mut http, body, None) {
                Ok(()) => Ok((Ok(()),)),
                Err(error) => Ok((Err(http.convert_error_code(error)?),)),
            }
        },
    )
}

/// The result of a function on headers.
type HeaderReturn<R> = wasmtime::Result<(Result<R, HeaderError>,)>;

/// Frees the spare capacity that headers keep after values were removed: a change to a
/// shared map copies it, and the copy has no spare capacity.
pub(super) fn compact<T: HasWasi>(state: &mut T, fields: u32) -> wasmtime::Result<()> {
    const ABSENT_NAME: &str = "kumiki-not-there";
    let fields = || Resource::<FieldMap>::new_borrow(fields);
    let mut http = state.http();
    let shared = http.table.get(&fields())?.clone();
    // Fails only for headers that cannot be changed, and these were.
    let _ = HostFields::delete(&mut http, fields(), ABSENT_NAME.to_owned());
    drop(shared);
    Ok(())
}

/// Changes headers and counts `added` bytes.
fn change<T: HasWasi, R>(
    mut store: StoreContextMut<'_, T>,
    fields: Option<&Fields>,
    added: usize,
    change: impl FnOnce(&mut T) -> HeaderResult<R>,
) -> HeaderReturn<R> {
    let state = store.data_mut();
    count_change(state, fields, added)?;
    match change(state) {
        Ok(result) => Ok((Ok(result),)),
        Err(error) => Ok((Err(state.http().convert_header_error(error)?),)),
    }
}

/// Counts a change to headers that adds this many bytes.
pub(super) fn count_change<T: HasWasi>(
    state: &mut T,
    fields: Option<&Fields>,
    added: usize,
) -> wasmtime::Result<()> {
    // A change to shared headers copies them.
    let copied = match fields {
        Some(fields) => size_of_headers(state.http().table.get(fields)?),
        None => 0,
    };
    state.wasi().add_http_memory(copied.saturating_add(added))
}

pub(super) fn size_of_entries(entries: &[(String, Vec<u8>)]) -> usize {
    let sizes = entries.iter().map(|(name, value)| {
        name.len()
            .saturating_add(value.len())
            .saturating_add(HEADER_OVERHEAD)
    });
    sizes.fold(0, usize::saturating_add)
}

fn link_fields<T: HasWasi>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    let name = format!("wasi:http/types@{WASI_VERSION}");
    let mut types = linker.instance(&name)?;
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
            let added = size_of_values(&name, &values);
            let changed = Resource::new_borrow(fields.rep());
            change(store, Some(&changed), added, |state| {
                let changed = fields.rep();
                HostFields::set(&mut state.http(), fields, name, values)?;
                compact(state, changed).map_err(HeaderFailure::trap)
            })
        },
    )?;
    types.func_wrap(
        "[method]fields.append",
        |store: StoreContextMut<'_, T>, (fields, name, value): (Fields, String, Vec<u8>)| {
            let added = name.len() + value.len() + HEADER_OVERHEAD;
            let changed = Resource::new_borrow(fields.rep());
            change(store, Some(&changed), added, |state| {
                HostFields::append(&mut state.http(), fields, name, value)
            })
        },
    )?;
    types.func_wrap(
        "[method]fields.delete",
        |store: StoreContextMut<'_, T>, (fields, name): (Fields, String)| {
            let changed = Resource::new_borrow(fields.rep());
            change(store, Some(&changed), 0, |state| {
                let changed = fields.rep();
                HostFields::delete(&mut state.http(), fields, name)?;
                compact(state, changed).map_err(HeaderFailure::trap)
            })
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropped_handles_make_room() {
        const REQUEST: usize = MAX_AUTHORITY + MAX_PATH;
        let (mut memory, mut table) = (HandleMemory::default(), ResourceTable::new());
        for _ in 0..10 {
            memory.add(&mut table, MAX_BYTES / 2).unwrap();
        }
        let request = || HostOutgoingRequest {
            method: Method::Get,
            scheme: None,
            authority: Some("a".repeat(MAX_AUTHORITY)),
            path_with_query: Some("/".repeat(MAX_PATH)),
            headers: FieldMap::default(),
            body: None,
        };
        let mut held = 0;
        while memory.add(&mut table, REQUEST).is_ok() {
            table.push(request()).unwrap();
            held += 1;
            assert!(held <= MAX_BYTES / REQUEST, "{held}");
        }
        assert!(held > MAX_BYTES / REQUEST - 2, "{held}");
        drop(table);
        memory.add(&mut ResourceTable::new(), MAX_BYTES).unwrap();
    }
}
