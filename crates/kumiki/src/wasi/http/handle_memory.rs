//! What handles of `wasi:http` keep in the host's memory: names, paths and headers
//! that the guest has set, the buffers of bodies, and what came of responses. WASI
//! bounds the headers of one handle, and nothing else. An instance has 10,000 handles.

use std::any::Any;
use std::collections::HashSet;

use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource, ResourceTable};
use wasmtime_wasi_http::FieldMap;
use wasmtime_wasi_http::p2::HeaderResult;
use wasmtime_wasi_http::p2::bindings::http::outgoing_handler;
use wasmtime_wasi_http::p2::bindings::http::types::{
    ErrorCode, HeaderError, Host as _, HostFields, HostOutgoingBody as Bodies,
    HostOutgoingRequest as Requests, Method, RequestOptions, Scheme,
};
use wasmtime_wasi_http::p2::body::{HostIncomingBody, HostOutgoingBody};
use wasmtime_wasi_http::p2::types::{
    HostFutureIncomingResponse, HostIncomingResponse, HostOutgoingRequest, HostOutgoingResponse,
};

use super::{CHUNK, READ_AHEAD};
use crate::limits::{Limit, Reached};
use crate::wasi::HasWasi;
use crate::wasi::interfaces::WASI_VERSION;

/// Bytes that all handles of one instance may keep together.
const MOST: usize = 128 << 20;
/// Bytes of an authority: a host name has at most 253.
const AUTHORITY: usize = 1 << 10;
/// Bytes of a path with its query.
const PATH: usize = 64 << 10;
/// Bytes of a method or scheme.
const WORD: usize = 64;
/// Bytes of one header besides its text, about.
const HEADER: usize = 128;
/// Bytes of the index of names for each header that it has room for. The room stays
/// when headers are deleted.
const INDEX: usize = 8;
/// Bytes that the body of a request may hold: chunks that wait, and one more.
const BODY: usize = 3 * CHUNK;
/// Bytes that a response may hold: headers, and as much of its body.
const RESPONSE: usize = 2 * READ_AHEAD;

/// Counts what handles keep. What a dropped handle kept is found out only when the
/// count reaches the bound: then all handles are looked at.
#[derive(Default)]
pub(crate) struct HandleMemory {
    counted: usize,
}

impl HandleMemory {
    /// Counts `bytes` more.
    ///
    /// # Errors
    /// The bound is reached: this ends the call.
    pub(crate) fn add(&mut self, table: &mut ResourceTable, bytes: usize) -> wasmtime::Result<()> {
        if self.counted.saturating_add(bytes) > MOST {
            self.counted = kept_by(table);
        }
        let all = self.counted.saturating_add(bytes);
        if all > MOST {
            return Err(Reached(Limit::Http(MOST)).into());
        }
        self.counted = all;
        Ok(())
    }
}

/// Bytes that all handles keep. Headers that several share count once.
fn kept_by(table: &mut ResourceTable) -> usize {
    let mut seen = HashSet::new();
    let mut headers = |fields: &FieldMap| match seen.insert(&raw const **fields) {
        true => size_of_headers(fields),
        false => 0,
    };
    let mut all = 0_usize;
    for entry in table.iter_mut() {
        let entry: &dyn Any = entry;
        let bytes = if let Some(fields) = entry.downcast_ref::<FieldMap>() {
            headers(fields)
        } else if let Some(request) = entry.downcast_ref::<HostOutgoingRequest>() {
            let texts = [&request.authority, &request.path_with_query];
            let texts = texts.into_iter().flatten().map(String::len).sum::<usize>();
            let body = request.body.as_ref().map_or(0, |_| BODY);
            texts + body + headers(&request.headers)
        } else if entry.is::<HostFutureIncomingResponse>() || entry.is::<HostIncomingResponse>() {
            RESPONSE
        } else if entry.is::<HostIncomingBody>() {
            READ_AHEAD
        } else if entry.is::<HostOutgoingBody>() {
            BODY
        } else {
            0
        };
        all = all.saturating_add(bytes);
    }
    all
}

fn size_of_headers(fields: &FieldMap) -> usize {
    let headers = fields.iter();
    let sizes = headers.map(|(name, value)| name.as_str().len() + value.len() + HEADER);
    sizes.sum::<usize>() + fields.capacity() * INDEX
}

fn size_of_values(name: &str, values: &[Vec<u8>]) -> usize {
    let values = values.iter().map(|value| value.len() + HEADER);
    values.fold(name.len(), usize::saturating_add)
}

/// Replaces the functions of WASI that make handles keep memory.
pub(crate) fn link<T: HasWasi>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    link_requests(linker)?;
    link_sending(linker)?;
    link_fields(linker)?;
    link_refused(linker)?;
    linker.allow_shadowing(false);
    Ok(())
}

type Request = Resource<HostOutgoingRequest>;
type Fields = Resource<FieldMap>;
type Body = Resource<HostOutgoingBody>;
type Response = Resource<HostOutgoingResponse>;
/// What comes of a function that says nothing of why it fails.
type Set = wasmtime::Result<(Result<(), ()>,)>;

/// Counts a text of a request, or refuses one that is too long.
fn set<T: HasWasi>(
    mut store: StoreContextMut<'_, T>,
    length: usize,
    most: usize,
    set: impl FnOnce(&mut T) -> wasmtime::Result<Result<(), ()>>,
) -> Set {
    if length > most {
        return Ok((Err(()),));
    }
    let state = store.data_mut();
    state.wasi().keep_http(length)?;
    Ok((set(state)?,))
}

fn link_requests<T: HasWasi>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    let name = format!("wasi:http/types@{WASI_VERSION}");
    let mut types = linker.instance(&name)?;
    types.func_wrap(
        "[method]outgoing-request.set-authority",
        |store: StoreContextMut<'_, T>, (request, authority): (Request, Option<String>)| {
            let length = authority.as_ref().map_or(0, String::len);
            set(store, length, AUTHORITY, |state| {
                Requests::set_authority(&mut state.http(), request, authority)
            })
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.set-path-with-query",
        |store: StoreContextMut<'_, T>, (request, path): (Request, Option<String>)| {
            let length = path.as_ref().map_or(0, String::len);
            set(store, length, PATH, |state| {
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
            set(store, length, WORD, |state| {
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
            set(store, length, WORD, |state| {
                Requests::set_scheme(&mut state.http(), request, scheme)
            })
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.body",
        |mut store: StoreContextMut<'_, T>, (request,): (Request,)| {
            let state = store.data_mut();
            state.wasi().keep_http(BODY)?;
            Ok((Requests::body(&mut state.http(), request)?,))
        },
    )
}

/// Counts what may come of a response when its request is sent.
fn link_sending<T: HasWasi>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    type Options = Option<Resource<RequestOptions>>;
    let name = format!("wasi:http/outgoing-handler@{WASI_VERSION}");
    linker.instance(&name)?.func_wrap(
        "handle",
        |mut store: StoreContextMut<'_, T>, (request, options): (Request, Options)| {
            let state = store.data_mut();
            state.wasi().keep_http(RESPONSE)?;
            match outgoing_handler::Host::handle(&mut state.http(), request, options) {
                Ok(response) => Ok((Ok(response),)),
                Err(error) => Ok((Err(state.http().convert_error_code(error)?),)),
            }
        },
    )
}

/// Refuses what is kept where it cannot be counted: responses that a plugin makes, for
/// which it has no use, and trailers, which wait in a channel.
fn link_refused<T: HasWasi>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
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

/// What comes of a function of headers.
type Answered<R> = wasmtime::Result<(Result<R, HeaderError>,)>;

/// Frees what headers have kept for values that were removed: changing a map that is
/// shared copies it, and a copy has no spare room.
fn compact<T: HasWasi>(state: &mut T, fields: u32) -> HeaderResult<()> {
    const NOT_THERE: &str = "kumiki-not-there";
    let fields = || Resource::<FieldMap>::new_borrow(fields);
    let mut http = state.http();
    let shared = http.table.get(&fields())?.clone();
    HostFields::delete(&mut http, fields(), NOT_THERE.to_owned())?;
    drop(shared);
    Ok(())
}

/// Counts what is added to headers, and adds it.
fn change<T: HasWasi, R>(
    mut store: StoreContextMut<'_, T>,
    fields: Option<&Fields>,
    added: usize,
    change: impl FnOnce(&mut T) -> HeaderResult<R>,
) -> Answered<R> {
    let state = store.data_mut();
    // Headers that were shared become a copy when they are changed.
    let copied = match fields {
        Some(fields) => size_of_headers(state.http().table.get(fields)?),
        None => 0,
    };
    state.wasi().keep_http(copied.saturating_add(added))?;
    match change(state) {
        Ok(result) => Ok((Ok(result),)),
        Err(error) => Ok((Err(state.http().convert_header_error(error)?),)),
    }
}

fn link_fields<T: HasWasi>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    let name = format!("wasi:http/types@{WASI_VERSION}");
    let mut types = linker.instance(&name)?;
    types.func_wrap(
        "[static]fields.from-list",
        |store: StoreContextMut<'_, T>, (entries,): (Vec<(String, Vec<u8>)>,)| {
            let sizes = entries.iter().map(|(name, value)| {
                name.len()
                    .saturating_add(value.len())
                    .saturating_add(HEADER)
            });
            let added = sizes.fold(0, usize::saturating_add);
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
                compact(state, changed)
            })
        },
    )?;
    types.func_wrap(
        "[method]fields.append",
        |store: StoreContextMut<'_, T>, (fields, name, value): (Fields, String, Vec<u8>)| {
            let added = name.len() + value.len() + HEADER;
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
                compact(state, changed)
            })
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_dropped_makes_room() {
        let (mut kept, mut table) = (HandleMemory::default(), ResourceTable::new());
        for _ in 0..10 {
            kept.add(&mut table, MOST / 2).unwrap();
        }
        let body = || HostOutgoingRequest {
            method: Method::Get,
            scheme: None,
            authority: Some("a".repeat(AUTHORITY)),
            path_with_query: Some("/".repeat(PATH)),
            headers: FieldMap::default(),
            body: None,
        };
        let mut held = 0;
        while kept.add(&mut table, AUTHORITY + PATH).is_ok() {
            table.push(body()).unwrap();
            held += 1;
            assert!(held <= MOST / (AUTHORITY + PATH), "{held}");
        }
        assert!(held > MOST / (AUTHORITY + PATH) - 2, "{held}");
        drop(table);
        kept.add(&mut ResourceTable::new(), MOST).unwrap();
    }
}
