//! How a server is reached: what the URL says, and what we add to it.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::server_error::ServerError;
use super::url::{Tls, Url};

/// What a session is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Batches, every one of them on the disk before it is answered.
    Write,
    /// Batches; a power loss may take the last ones back, never consistency.
    WriteUnsynced,
    /// Reads of what batches have written, and so where they write.
    Read,
    /// Reads for reports, wherever the URL points: a server that follows another one will do.
    Report,
}

/// A server that does not answer a connection within this time is passed over for the next host.
const CONNECT_MAX: Duration = Duration::from_secs(2);
/// A connection whose other end is gone is found out about as soon as this.
const KEEPALIVE: Duration = Duration::from_secs(1);
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(3);

/// A turn that is not taken within this time is asked for again, and one that is not used is taken away.
///
/// Without sequential scans and hash joins: a plan that is made while the tables are empty is kept, and would walk through
/// them for ever.
const OPTIONS: &str = "-c idle_in_transaction_session_timeout=1000 -c lock_timeout=500 \
    -c plan_cache_mode=force_generic_plan -c jit=off \
    -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off";
/// Reports read whole tables, and may take their time.
const REPORT_OPTIONS: &str = "-c default_transaction_read_only=on -c jit=off";

#[derive(Clone)]
pub struct Server {
    url: Url,
    tls: Option<Arc<ClientConfig>>,
}

impl Server {
    pub fn new(url: &Url) -> Result<Server, String> {
        let tls = match url.tls() {
            Tls::None => None,
            Tls::Verified { root } => Some(Arc::new(tls_config(root.as_deref())?)),
        };
        Ok(Server {
            url: url.clone(),
            tls,
        })
    }

    pub async fn connect(&self, role: Role) -> Result<Client, ServerError> {
        let config = self.config(role);
        match &self.tls {
            None => {
                let (client, connection) = config.connect(NoTls).await?;
                tokio::spawn(connection);
                Ok(client)
            }
            Some(tls) => {
                let tls = MakeRustlsConnect::new(ClientConfig::clone(tls));
                let (client, connection) = config.connect(tls).await?;
                tokio::spawn(connection);
                Ok(client)
            }
        }
    }

    fn config(&self, role: Role) -> Config {
        let mut config = self.url.config();
        let ours = match role {
            Role::Write | Role::Read => OPTIONS.to_owned(),
            Role::WriteUnsynced => format!("{OPTIONS} -c synchronous_commit=off"),
            Role::Report => REPORT_OPTIONS.to_owned(),
        };
        let theirs = config.get_options().unwrap_or_default();
        let options = format!("{theirs} {ours}");
        let target = match role {
            Role::Write | Role::WriteUnsynced | Role::Read => TargetSessionAttrs::ReadWrite,
            Role::Report => TargetSessionAttrs::Any,
        };
        config
            .application_name("flashsale")
            .options(options)
            .target_session_attrs(target)
            .connect_timeout(CONNECT_MAX)
            .keepalives(true)
            .keepalives_idle(KEEPALIVE)
            .keepalives_interval(KEEPALIVE)
            .keepalives_retries(3)
            .tcp_user_timeout(UNACKNOWLEDGED_MAX);
        config
    }
}

/// Certificates are checked, and that they are the host's: against the system's roots, or those of a file.
fn tls_config(root: Option<&std::path::Path>) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = root {
        let unreadable = |error| format!("sslrootcert: {error}");
        for certificate in CertificateDer::pem_file_iter(file).map_err(unreadable)? {
            let added = roots.add(certificate.map_err(unreadable)?);
            added.map_err(|error| format!("sslrootcert: {error}"))?;
        }
        if roots.is_empty() {
            return Err("sslrootcert: the file has no certificate".into());
        }
    } else {
        let native = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(native.certs);
        if roots.is_empty() {
            return Err("the system has no root certificates; install its ca-certificates, or name a file as sslrootcert in the URL".into());
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
