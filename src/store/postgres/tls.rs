//! How a server proves that it is the one that the URL names; and if it does not, what its operator does about it.

use std::error::Error;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::CertificateError::{
    Expired, ExpiredContext, NotValidForName, NotValidForNameContext, UnknownIssuer,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// Certificates are checked, and that they are the host's: against the system's roots, or those of a file.
pub fn config(root: Option<&Path>) -> Result<ClientConfig, String> {
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

/// `None`: it was not for want of trust that there is no connection.
pub fn advice(error: &tokio_postgres::Error) -> Option<&'static str> {
    let cause = error.source()?;
    if let Some(cause) = cause.downcast_ref::<io::Error>() {
        return cause.get_ref()?.downcast_ref().map(of_tls);
    }
    // The driver has no type for it.
    (cause.to_string() == "server does not support TLS").then_some(
        "switch TLS on there (ssl = on), or, where nobody else can read the network, say sslmode=disable in the URL",
    )
}

fn of_tls(error: &rustls::Error) -> &'static str {
    let rustls::Error::InvalidCertificate(why) = error else {
        return "the server and this program have no TLS in common; PostgreSQL 12 and newer has TLS 1.2 and 1.3";
    };
    if *why == UnknownIssuer {
        "say in the URL which authority is yours: sslrootcert=FILE names the file of its root certificate"
    } else if matches!(why, NotValidForName | NotValidForNameContext { .. }) {
        "write the host in the URL as the certificate has it (subjectAltName), or give the server a certificate for this host"
    } else if matches!(why, Expired | ExpiredContext { .. }) {
        "give the server a new certificate, or set the clock of this machine right"
    } else {
        "give the server a certificate of its own that your authority has signed; one that is its own authority is none"
    }
}
