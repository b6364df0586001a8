//! `wasi:sockets/ip-name-lookup`, for granted names only: a DNS query reaches other
//! machines, so a lookup of any name could carry data out.

use std::net::IpAddr;
use std::sync::Arc;

use wasmtime::component::{HasData, Linker, Resource};
use wasmtime_wasi::p2::bindings::sockets::ip_name_lookup::{
    self, Host, HostResolveAddressStream, ResolveAddressStream,
};
use wasmtime_wasi::p2::bindings::sockets::network::{self, ErrorCode, HostNetwork, IpAddress};
use wasmtime_wasi::p2::{DynPollable, Network, Pollable, SocketError, SocketResult, subscribe};
use wasmtime_wasi::sockets::WasiSocketsCtxView;

use super::guard::Guard;
use crate::wasi::network::resolver::{Failure, Lookup};

/// The lookups of one instance.
pub(crate) struct Lookups<'a> {
    pub(crate) guard: &'a Guard,
    pub(crate) sockets: WasiSocketsCtxView<'a>,
}

struct HasLookups;

impl HasData for HasLookups {
    type Data<'a> = Lookups<'a>;
}

/// Links the lookup functions instead of wasmtime-wasi's, which do not check names and
/// have no bounds.
pub(crate) fn link<T: Send + 'static>(
    linker: &mut Linker<T>,
    lookups: fn(&mut T) -> Lookups<'_>,
) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    ip_name_lookup::add_to_linker::<T, HasLookups>(linker, lookups)?;
    linker.allow_shadowing(false);
    Ok(())
}

/// A lookup that is allowed.
pub(super) enum StartedLookup {
    /// An address instead of a name, which needs no lookup.
    Address(IpAddr),
    /// The name as grants spell it.
    Name(String, Lookup),
}

impl StartedLookup {
    /// Starts a lookup, or returns `None` if the grants do not allow it.
    pub(super) fn of(guard: &Guard, name: &str) -> Option<Self> {
        match name.parse::<IpAddr>() {
            Ok(address) => guard
                .grants_anything()
                .then(|| Self::Address(address.to_canonical())),
            Err(_) => {
                let (name, lookup) = guard.look_up(name)?;
                Some(Self::Name(name, lookup))
            }
        }
    }
}

/// The stream of a name's addresses. Stored in the resource table instead of
/// wasmtime-wasi's type.
enum Addresses {
    /// The lookup runs. `name` is spelled as in grants.
    Pending {
        name: String,
        lookup: Lookup,
        guard: Guard,
    },
    Found {
        addresses: Arc<[IpAddr]>,
        next: usize,
    },
    Failed(ErrorCode),
}

type Addressed = Resource<ResolveAddressStream>;

/// Converts a handle to the type of its entry in the table.
fn own(stream: &Addressed) -> Resource<Addresses> {
    match stream.owned() {
        true => Resource::new_own(stream.rep()),
        false => Resource::new_borrow(stream.rep()),
    }
}

impl Addresses {
    fn of(address: IpAddr) -> Self {
        Self::Found {
            addresses: [address].into(),
            next: 0,
        }
    }

    /// Takes the result of the lookup, if it is available.
    fn update(&mut self) {
        let Self::Pending {
            name,
            lookup,
            guard,
        } = self
        else {
            return;
        };
        let Some(answer) = lookup.try_answer() else {
            return;
        };
        *self = match answer {
            Ok(addresses) => {
                guard.record_lookup(std::mem::take(name), addresses.clone());
                Self::Found { addresses, next: 0 }
            }
            Err(failure) => Self::Failed(failure.into()),
        };
    }
}

impl From<Failure> for ErrorCode {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unknown => Self::NameUnresolvable,
            Failure::Unavailable => Self::TemporaryResolverFailure,
        }
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Addresses {
    async fn ready(&mut self) {
        if let Self::Pending { lookup, .. } = self {
            let _ = lookup.answer().await;
        }
    }
}

impl Host for Lookups<'_> {
    fn resolve_addresses(
        &mut self,
        network: Resource<Network>,
        name: String,
    ) -> SocketResult<Addressed> {
        // Only checks that the handle is valid.
        self.sockets.table.get(&network)?;
        let started = StartedLookup::of(self.guard, &name);
        let addresses = match started.ok_or(ErrorCode::AccessDenied)? {
            StartedLookup::Address(address) => Addresses::of(address),
            StartedLookup::Name(name, lookup) => {
                let guard = self.guard.clone();
                let mut addresses = Addresses::Pending {
                    name,
                    lookup,
                    guard,
                };
                addresses.update();
                addresses
            }
        };
        if let Addresses::Failed(code) = addresses {
            return Err(code.into());
        }
        let stream = self.sockets.table.push(addresses)?;
        Ok(Resource::new_own(stream.rep()))
    }
}

impl HostResolveAddressStream for Lookups<'_> {
    fn resolve_next_address(&mut self, stream: Addressed) -> SocketResult<Option<IpAddress>> {
        let addresses = self.sockets.table.get_mut(&own(&stream))?;
        addresses.update();
        match addresses {
            Addresses::Pending { .. } => Err(ErrorCode::WouldBlock.into()),
            Addresses::Failed(code) => Err((*code).into()),
            Addresses::Found { addresses, next } => {
                let address = addresses.get(*next).copied();
                *next += usize::from(address.is_some());
                Ok(address.map(IpAddress::from))
            }
        }
    }

    fn subscribe(&mut self, stream: Addressed) -> wasmtime::Result<Resource<DynPollable>> {
        subscribe(self.sockets.table, own(&stream))
    }

    fn drop(&mut self, stream: Addressed) -> wasmtime::Result<()> {
        self.sockets.table.delete(own(&stream))?;
        Ok(())
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
