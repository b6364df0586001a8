//! TLS of a request: whom this machine trusts is trusted, and nobody else.

use std::io;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use wasmtime_wasi::runtime::spawn_blocking;
use wasmtime_wasi_http::Error;

use super::outcome::Outcome;
use super::target::TargetHost;

/// Read from the machine at the first request that needs it, once for the
/// process; none where TLS cannot be set up at all.
static CONFIG: OnceCell<Option<Arc<ClientConfig>>> = OnceCell::const_new();

fn config() -> Option<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    // What does not parse is trusted by nobody else either.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .ok()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Some(Arc::new(config))
}

/// Makes a connection to `place` a private one, once its certificate is found
/// to be that of `place`.
pub(super) async fn secure(stream: TcpStream, host: &TargetHost) -> Outcome<TlsStream<TcpStream>> {
    let config = CONFIG.get_or_init(async || spawn_blocking(config).await);
    let config = config.await.clone().ok_or(Error::ConfigurationError)?;
    let name = match host {
        TargetHost::Address(address) => ServerName::from(*address),
        TargetHost::Name(name) => {
            ServerName::try_from(name.clone()).map_err(|_| Error::HttpRequestUriInvalid)?
        }
    };
    TlsConnector::from(config)
        .connect(name, stream)
        .await
        .map_err(failed)
}

fn failed(error: io::Error) -> Error {
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(_)) => Error::TlsCertificateError,
        Some(rustls::Error::AlertReceived(alert)) => Error::TlsAlertReceived {
            alert_id: Some((*alert).into()),
            alert_message: alert.as_str().map(str::to_owned),
        },
        _ => Error::Tls(error),
    }
}
