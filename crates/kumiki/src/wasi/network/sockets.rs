//! Sockets of guests. Each counts as a descriptor of its instance, functions that wait
//! keep the call's deadline, and the creation of a socket without a grant is reported.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::Semaphore;
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource, ResourceType};
use wasmtime_wasi::p2::bindings::sockets::network::{
    ErrorCode, Host as _, IpAddressFamily, IpSocketAddress,
};
use wasmtime_wasi::p2::bindings::sockets::tcp::HostTcpSocket;
use wasmtime_wasi::p2::bindings::sockets::tcp_create_socket::Host as _;
use wasmtime_wasi::p2::bindings::sockets::udp::{
    HostOutgoingDatagramStream, HostUdpSocket, IncomingDatagramStream, OutgoingDatagramStream,
};
use wasmtime_wasi::p2::bindings::sockets::udp_create_socket::Host as _;
use wasmtime_wasi::p2::{SocketError, SocketResult, TcpSocket, UdpSocket};
use wasmtime_wasi::sockets::WasiSocketsView;

use super::guard::Guard;
use crate::Denial;
use crate::wasi::Waits;
use crate::wasi::descriptors::{Permit, Refused};
use crate::wasi::version::WASI_VERSION;
use crate::wasi::waiting::{Timed, link_waiting};

/// Maximum datagrams that one instance sends or receives at a time, each of which holds up
/// to 64 KiB.
const MAX_DATAGRAMS: usize = 256;

/// The sockets of one instance.
pub(crate) struct Sockets {
    /// The permit of each socket, by its handle. Streams of WASI 0.3 share it.
    permits: HashMap<u32, Arc<Permit>>,
    /// For datagrams with WASI 0.3, of which an instance may start any number at a time.
    datagrams: Arc<Semaphore>,
    /// Whether the denial of sockets was reported.
    reported: bool,
}

impl Default for Sockets {
    fn default() -> Self {
        Self {
            permits: HashMap::new(),
            datagrams: Arc::new(Semaphore::new(MAX_DATAGRAMS)),
            reported: false,
        }
    }
}

impl Sockets {
    /// Keeps the permit of a socket until its handle is dropped.
    pub(crate) fn keep<S: 'static>(&mut self, socket: &Resource<S>, permit: Option<Permit>) {
        if let Some(permit) = permit {
            self.permits.insert(socket.rep(), Arc::new(permit));
        }
    }

    /// Returns the permit of a socket.
    pub(crate) fn permit<S: 'static>(&self, socket: &Resource<S>) -> Option<Arc<Permit>> {
        self.permits.get(&socket.rep()).cloned()
    }

    pub(crate) fn forget(&mut self, handle: u32) {
        self.permits.remove(&handle);
    }

    pub(crate) fn datagrams(&self) -> &Arc<Semaphore> {
        &self.datagrams
    }

    /// Reports the denial of a socket, once, if no network access is granted.
    pub(crate) fn report_if_denied(&mut self, guard: &Guard) {
        if !guard.grants_anything() && !std::mem::replace(&mut self.reported, true) {
            guard.report(Denial::Sockets);
        }
    }
}

/// The data of a store whose guest may create sockets.
pub(crate) trait HasSockets: Timed + Send {
    /// The sockets of the instance.
    fn own_sockets(&mut self) -> &mut Sockets;

    /// Takes a descriptor for a socket. Returns `None` and reports the denial if no network
    /// access is granted.
    fn take_socket(&mut self) -> Option<Result<Permit, Refused>>;
}

/// The result of a socket function.
type SocketReturn<R> = wasmtime::Result<(Result<R, ErrorCode>,)>;

/// Links the functions that create, drop or wait for sockets instead of wasmtime-wasi's.
pub(crate) fn link<T: HasSockets>(linker: &mut Linker<T>, waits: Waits) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    link_tcp(linker)?;
    link_udp(linker, waits)?;
    linker.allow_shadowing(false);
    Ok(())
}

fn link_tcp<T: HasSockets>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    let name = format!("wasi:sockets/tcp-create-socket@{WASI_VERSION}");
    linker.instance(&name)?.func_wrap(
        "create-tcp-socket",
        |mut store: StoreContextMut<'_, T>, (family,): (IpAddressFamily,)| {
            let state = store.data_mut();
            let socket = permit(state)
                .and_then(|permit| Ok((state.sockets().create_tcp_socket(family)?, permit)));
            let socket = socket.map(|(socket, permit)| count(state, socket, permit));
            answer(state, socket)
        },
    )?;
    let name = format!("wasi:sockets/tcp@{WASI_VERSION}");
    linker.instance(&name)?.resource(
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

fn link_udp<T: HasSockets>(linker: &mut Linker<T>, waits: Waits) -> wasmtime::Result<()> {
    let name = format!("wasi:sockets/udp-create-socket@{WASI_VERSION}");
    link_waiting!(linker.instance(&name)?, waits, "create-udp-socket", (
        state: &mut T, family: IpAddressFamily
    ) {
        let permit = match permit(state) {
            Ok(permit) => permit,
            Err(error) => return answer(state, Err(error)),
        };
        let socket = state.sockets().create_udp_socket(family).await;
        let socket = socket.map(|socket| count(state, socket, permit));
        answer(state, socket)
    })?;
    let name = format!("wasi:sockets/udp@{WASI_VERSION}");
    let mut udp = linker.instance(&name)?;
    link_waiting!(udp, waits, "[method]udp-socket.stream", (
        state: &mut T, socket: Resource<UdpSocket>, remote: Option<IpSocketAddress>
    ) {
        type Streams = (
            Resource<IncomingDatagramStream>,
            Resource<OutgoingDatagramStream>,
        );
        let streams = HostUdpSocket::stream(&mut state.sockets(), socket, remote).await;
        answer::<_, Streams>(state, streams)
    })?;
    link_waiting!(udp, waits, "outgoing-datagram-stream", drop (
        state: &mut T, stream: OutgoingDatagramStream
    ) {
        HostOutgoingDatagramStream::drop(&mut state.sockets(), stream).await
    })?;
    udp.resource(
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

/// Takes a descriptor for a socket. Without network access nothing is counted, and
/// wasmtime-wasi returns the error.
fn permit<T: HasSockets>(state: &mut T) -> SocketResult<Option<Permit>> {
    let taken = state.take_socket();
    taken
        .transpose()
        .map_err(|refused: Refused| match refused.reached() {
            Some(reached) => SocketError::trap(reached),
            None => ErrorCode::NewSocketLimit.into(),
        })
}

/// Counts a socket until its handle is dropped.
pub(super) fn count<T: HasSockets, S: 'static>(
    state: &mut T,
    socket: Resource<S>,
    permit: Option<Permit>,
) -> Resource<S> {
    state.own_sockets().keep(&socket, permit);
    socket
}

fn answer<T: HasSockets, R>(state: &mut T, result: SocketResult<R>) -> SocketReturn<R> {
    match result {
        Ok(result) => Ok((Ok(result),)),
        Err(error) => Ok((Err(state.sockets().convert_error_code(error)?),)),
    }
}
