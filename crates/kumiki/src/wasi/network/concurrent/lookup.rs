//! `wasi:sockets/ip-name-lookup` of WASI 0.3, for granted names only.

use wasmtime::component::{Accessor, HasData, Linker};
use wasmtime_wasi::p3::bindings::sockets::ip_name_lookup::{self, ErrorCode, Host, HostWithStore};
use wasmtime_wasi::p3::bindings::sockets::types::IpAddress;

use crate::wasi::network::lookup::{Lookups, StartedLookup};
use crate::wasi::network::resolver::Failure;

struct ConcurrentLookups;

impl HasData for ConcurrentLookups {
    type Data<'a> = Lookups<'a>;
}

/// Links the lookup function instead of wasmtime-wasi's, which does not check names and has
/// no bounds.
pub(crate) fn link<T: Send + 'static>(
    linker: &mut Linker<T>,
    lookups: fn(&mut T) -> Lookups<'_>,
) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    ip_name_lookup::add_to_linker::<T, ConcurrentLookups>(linker, lookups)?;
    linker.allow_shadowing(false);
    Ok(())
}

impl Host for Lookups<'_> {}

impl<T: Send + 'static> HostWithStore<T> for ConcurrentLookups {
    async fn resolve_addresses(
        store: &Accessor<T, Self>,
        name: String,
    ) -> wasmtime::Result<Result<Vec<IpAddress>, ErrorCode>> {
        let started = store.with(|mut store| {
            let guard = store.get().guard;
            Some((StartedLookup::of(guard, &name)?, guard.clone()))
        });
        // It may be long.
        drop(name);
        let (name, mut lookup, guard) = match started {
            None => return Ok(Err(ErrorCode::AccessDenied)),
            Some((StartedLookup::Address(address), _)) => return Ok(Ok(vec![address.into()])),
            Some((StartedLookup::Name(name, lookup), guard)) => (name, lookup, guard),
        };
        Ok(match lookup.answer().await {
            Ok(addresses) => {
                guard.record_lookup(name, addresses.clone());
                Ok(addresses.iter().copied().map(IpAddress::from).collect())
            }
            Err(Failure::Unknown) => Err(ErrorCode::NameUnresolvable),
            Err(Failure::Unavailable) => Err(ErrorCode::TemporaryResolverFailure),
        })
    }
}
