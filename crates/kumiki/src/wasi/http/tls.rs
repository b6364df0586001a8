//! TLS for requests, with this machine's trusted root certificates.

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

/// The TLS configuration, created once per process at the first request that needs it.
/// `None` if TLS cannot be set up.
static CONFIG: OnceCell<Option<Arc<ClientConfig>>> = OnceCell::const_new();

fn config() -> Option<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    // Certificates that do not parse are skipped: other software does not trust them either.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .ok()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Some(Arc::new(config))
}

/// Starts TLS on a connection, and verifies that the certificate is valid for `host`.
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
        .map_err(tls_error)
}

fn tls_error(error: io::Error) -> Error {
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
