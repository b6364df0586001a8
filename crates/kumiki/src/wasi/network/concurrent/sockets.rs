//! Sockets of WASI 0.3. Each counts as a descriptor of its instance until it and its streams
//! are dropped, and the number of datagrams at a time is limited.

use std::sync::Arc;

use tokio::sync::Semaphore;
use wasmtime::component::{
    Access, Accessor, FutureReader, Linker, LinkerInstance, Resource, ResourceType, StreamReader,
};
use wasmtime::{AsContextMut as _, StoreContextMut};
use wasmtime_wasi::p3;
use wasmtime_wasi::p3::bindings::sockets::types::{
    ErrorCode, Host as _, HostTcpSocket, HostTcpSocketWithStore, HostUdpSocket,
    HostUdpSocketWithStore, IpAddressFamily, IpSocketAddress,
};
use wasmtime_wasi::p3::sockets::{SocketError, SocketResult};
use wasmtime_wasi::sockets::{TcpSocket, UdpSocket, WasiSockets, WasiSocketsView};

use super::held::hold;
use crate::wasi::descriptors::Permit;
use crate::wasi::network::sockets::{HasSockets, count};
use crate::wasi::version::WASI_0_3_VERSION;

/// Maximum bytes of a datagram, as in wasmtime-wasi.
const MAX_DATAGRAM: usize = u16::MAX as usize;

/// The result of a socket function.
type SocketReturn<R> = wasmtime::Result<(Result<R, ErrorCode>,)>;

type Ended = Result<(), ErrorCode>;

/// Links `wasi:sockets/types`: wasmtime-wasi's functions, except for those that create, drop,
/// read or write sockets.
pub(crate) fn link<T: HasSockets>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    p3::sockets::add_to_linker(linker)?;
    linker.allow_shadowing(true);
    let mut types = linker.instance(&format!("wasi:sockets/types@{WASI_0_3_VERSION}"))?;
    link_tcp(&mut types)?;
    link_tcp_streams(&mut types)?;
    link_udp(&mut types)?;
    link_datagrams(&mut types)?;
    linker.allow_shadowing(false);
    Ok(())
}

fn link_tcp<T: HasSockets>(types: &mut LinkerInstance<'_, T>) -> wasmtime::Result<()> {
    types.func_wrap(
        "[static]tcp-socket.create",
        |mut store: StoreContextMut<'_, T>, (family,): (IpAddressFamily,)| {
            let state = store.data_mut();
            let socket = permit(state).and_then(|permit| {
                Ok((HostTcpSocket::create(&mut state.sockets(), family)?, permit))
            });
            let socket = socket.map(|(socket, permit)| count(state, socket, permit));
            answer(state, socket)
        },
    )?;
    types.resource(
        "tcp-socket",
        ResourceType::host::<TcpSocket>(),
        |mut store, handle| {
            let state: &mut T = store.data_mut();
            HostTcpSocket::drop(&mut state.sockets(), Resource::new_own(handle))?;
            state.own_sockets().forget(handle);
            Ok(())
        },
    )
}

fn link_tcp_streams<T: HasSockets>(types: &mut LinkerInstance<'_, T>) -> wasmtime::Result<()> {
    types.func_wrap(
        "[method]tcp-socket.send",
        |mut store: StoreContextMut<'_, T>,
         (socket, data): (Resource<TcpSocket>, StreamReader<u8>)| {
            let permit = store.data_mut().own_sockets().permit(&socket);
            let access = Access::<T, WasiSockets>::new(store.as_context_mut(), T::sockets);
            let sent: FutureReader<Ended> =
                <WasiSockets as HostTcpSocketWithStore<T>>::send(access, socket, data)?;
            Ok((hold(store, sent, permit)?,))
        },
    )?;
    types.func_wrap(
        "[method]tcp-socket.receive",
        |mut store: StoreContextMut<'_, T>, (socket,): (Resource<TcpSocket>,)| {
            let permit = store.data_mut().own_sockets().permit(&socket);
            let access = Access::<T, WasiSockets>::new(store.as_context_mut(), T::sockets);
            let (stream, received) =
                <WasiSockets as HostTcpSocketWithStore<T>>::receive(access, socket)?;
            Ok(((stream, hold(store, received, permit)?),))
        },
    )
}

fn link_udp<T: HasSockets>(types: &mut LinkerInstance<'_, T>) -> wasmtime::Result<()> {
    types.func_wrap_async(
        "[static]udp-socket.create",
        |mut store: StoreContextMut<'_, T>, (family,): (IpAddressFamily,)| {
            Box::new(async move {
                let state = store.data_mut();
                let permit = match permit(state) {
                    Ok(permit) => permit,
                    Err(error) => return answer(state, Err(error)),
                };
                let socket = HostUdpSocket::create(&mut state.sockets(), family).await;
                let socket = socket.map(|socket| count(state, socket, permit));
                answer(state, socket)
            })
        },
    )?;
    types.resource(
        "udp-socket",
        ResourceType::host::<UdpSocket>(),
        |mut store, handle| {
            let state: &mut T = store.data_mut();
            HostUdpSocket::drop(&mut state.sockets(), Resource::new_own(handle))?;
            state.own_sockets().forget(handle);
            Ok(())
        },
    )
}

/// A datagram that waits holds its bytes, and the descriptor of its socket.
fn link_datagrams<T: HasSockets>(types: &mut LinkerInstance<'_, T>) -> wasmtime::Result<()> {
    type Received = (Vec<u8>, IpSocketAddress);
    types.func_wrap_concurrent(
        "[method]udp-socket.send",
        |store: &Accessor<T>,
         (socket, data, to): (Resource<UdpSocket>, Vec<u8>, Option<IpSocketAddress>)| {
            Box::pin(async move {
                if data.len() > MAX_DATAGRAM {
                    return Ok((Err(ErrorCode::DatagramTooLarge),));
                }
                let (turns, _permit) = shared(store, &socket);
                let Ok(_turn) = turns.try_acquire_owned() else {
                    return Ok((Err(ErrorCode::OutOfMemory),));
                };
                let sockets = store.with_getter::<WasiSockets>(T::sockets);
                let sent =
                    <WasiSockets as HostUdpSocketWithStore<T>>::send(&sockets, socket, data, to);
                let sent = sent.await;
                store.with(|mut store| answer(store.data_mut(), sent))
            })
        },
    )?;
    types.func_wrap_concurrent(
        "[method]udp-socket.receive",
        |store: &Accessor<T>, (socket,): (Resource<UdpSocket>,)| {
            Box::pin(async move {
                let (turns, _permit) = shared(store, &socket);
                let _turn = turns.acquire_owned().await?;
                let sockets = store.with_getter::<WasiSockets>(T::sockets);
                let received =
                    <WasiSockets as HostUdpSocketWithStore<T>>::receive(&sockets, socket).await;
                store.with(|mut store| answer::<_, Received>(store.data_mut(), received))
            })
        },
    )
}

/// Returns the turns of datagrams, and the permit of a socket.
fn shared<T: HasSockets>(
    store: &Accessor<T>,
    socket: &Resource<UdpSocket>,
) -> (Arc<Semaphore>, Option<Arc<Permit>>) {
    store.with(|mut store| {
        let sockets = store.data_mut().own_sockets();
        (sockets.datagrams().clone(), sockets.permit(socket))
    })
}

/// Takes a descriptor for a socket. Without network access nothing is counted, and
/// wasmtime-wasi returns the error.
fn permit<T: HasSockets>(state: &mut T) -> SocketResult<Option<Permit>> {
    let taken = state.take_socket().transpose();
    taken.map_err(|refused| match refused.reached() {
        Some(reached) => SocketError::trap(reached),
        // 0.3 has no code for the limit of sockets.
        None => ErrorCode::OutOfMemory.into(),
    })
}

fn answer<T: HasSockets, R>(state: &mut T, result: SocketResult<R>) -> SocketReturn<R> {
    match result {
        Ok(result) => Ok((Ok(result),)),
        Err(error) => Ok((Err(state.sockets().convert_error_code(error)?),)),
    }
}
