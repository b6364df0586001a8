//! Who asks which addresses a name has: only for names that are granted. What
//! is asked for travels to strangers, and would be a way out for anything. Who
//! asks for a socket where nothing is granted is told of here, too.

use wasmtime::component::{HasData, Linker, Resource};
use wasmtime_wasi::p2::bindings::sockets::ip_name_lookup::{
    self, Host, HostResolveAddressStream, ResolveAddressStream,
};
use wasmtime_wasi::p2::bindings::sockets::network::{
    self, ErrorCode, HostNetwork, IpAddress, IpAddressFamily,
};
use wasmtime_wasi::p2::bindings::sockets::tcp_create_socket;
use wasmtime_wasi::p2::bindings::sync::sockets::udp_create_socket;
use wasmtime_wasi::p2::{DynPollable, Network, SocketError, SocketResult, TcpSocket, UdpSocket};
use wasmtime_wasi::sockets::WasiSocketsCtxView;

use super::Denial;
use super::guard::Guard;

/// What one instance's lookups go through.
pub(crate) struct Lookups<'a> {
    pub(crate) guard: &'a Guard,
    /// Whether it was told that there are no sockets.
    pub(crate) socketless: &'a mut bool,
    pub(crate) sockets: WasiSocketsCtxView<'a>,
}

struct HasLookups;

impl HasData for HasLookups {
    type Data<'a> = Lookups<'a>;
}

/// Links lookups in the place of WASI's own, which know of no names.
pub(crate) fn link<T: Send + 'static>(
    linker: &mut Linker<T>,
    lookups: fn(&mut T) -> Lookups<'_>,
) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    ip_name_lookup::add_to_linker::<T, HasLookups>(linker, lookups)?;
    tcp_create_socket::add_to_linker::<T, HasLookups>(linker, lookups)?;
    udp_create_socket::add_to_linker::<T, HasLookups>(linker, lookups)?;
    linker.allow_shadowing(false);
    Ok(())
}

impl Host for Lookups<'_> {
    fn resolve_addresses(
        &mut self,
        network: Resource<Network>,
        name: String,
    ) -> SocketResult<Resource<ResolveAddressStream>> {
        if !self.guard.allows_name(&name) {
            return Err(ErrorCode::AccessDenied.into());
        }
        Host::resolve_addresses(&mut self.sockets, network, name)
    }
}

impl Lookups<'_> {
    /// Tells of a guest that asks for a socket where there are none.
    fn asked_for_socket(&mut self) {
        if !self.guard.grants_anything() && !std::mem::replace(self.socketless, true) {
            self.guard.tell(Denial::Sockets);
        }
    }
}

impl tcp_create_socket::Host for Lookups<'_> {
    fn create_tcp_socket(&mut self, family: IpAddressFamily) -> SocketResult<Resource<TcpSocket>> {
        self.asked_for_socket();
        self.sockets.create_tcp_socket(family)
    }
}

impl udp_create_socket::Host for Lookups<'_> {
    fn create_udp_socket(&mut self, family: IpAddressFamily) -> SocketResult<Resource<UdpSocket>> {
        self.asked_for_socket();
        self.sockets.create_udp_socket(family)
    }
}

impl HostResolveAddressStream for Lookups<'_> {
    fn resolve_next_address(
        &mut self,
        stream: Resource<ResolveAddressStream>,
    ) -> SocketResult<Option<IpAddress>> {
        self.sockets.resolve_next_address(stream)
    }

    fn subscribe(
        &mut self,
        stream: Resource<ResolveAddressStream>,
    ) -> wasmtime::Result<Resource<DynPollable>> {
        HostResolveAddressStream::subscribe(&mut self.sockets, stream)
    }

    fn drop(&mut self, stream: Resource<ResolveAddressStream>) -> wasmtime::Result<()> {
        HostResolveAddressStream::drop(&mut self.sockets, stream)
    }
}

impl network::Host for Lookups<'_> {
    fn convert_error_code(&mut self, error: SocketError) -> wasmtime::Result<ErrorCode> {
        self.sockets.convert_error_code(error)
    }

    fn network_error_code(
        &mut self,
        error: Resource<wasmtime::Error>,
    ) -> wasmtime::Result<Option<ErrorCode>> {
        self.sockets.network_error_code(error)
    }
}

impl HostNetwork for Lookups<'_> {
    fn drop(&mut self, network: Resource<Network>) -> wasmtime::Result<()> {
        HostNetwork::drop(&mut self.sockets, network)
    }
}
