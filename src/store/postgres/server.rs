//! How a server is reached: what the URL says, and what we add to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustls::ClientConfig;
use tokio::time::timeout;
use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::server_error::ServerError;
use super::tls;
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

/// How long an answer is waited for where no request waits for it.
const PATIENCE: Duration = Duration::from_secs(3);
/// A host that has not let us in within half of our patience is passed over for the next one; a server that stands still lets
/// in nobody, but takes connections. Not before the first of these, nor later than the second.
const CONNECT_MIN: Duration = Duration::from_millis(500);
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
    patience: Duration,
    /// The number of the host to begin with: where the last session that may write was let in, and all who share this go there.
    first: Arc<AtomicUsize>,
    /// What its sessions are called, for the server's operator, and for who must know whether anybody writes.
    name: String,
}

impl Server {
    pub fn new(url: &Url) -> Result<Server, String> {
        let tls = match url.tls() {
            Tls::None => None,
            Tls::Verified { root } => Some(Arc::new(tls::config(root.as_deref())?)),
        };
        Ok(Server {
            url: url.clone(),
            tls,
            patience: PATIENCE,
            first: Arc::default(),
            name: "flashsale".into(),
        })
    }

    /// The same one, which is waited for so long.
    pub fn waited_for(self, patience: Duration) -> Server {
        Server { patience, ..self }
    }

    /// The same one, by this process of the table `writers`.
    pub fn for_writer(&self, writer: &str) -> Server {
        let name = format!("flashsale {writer}");
        Server {
            name,
            ..self.clone()
        }
    }

    pub fn patience(&self) -> Duration {
        self.patience
    }

    /// Where its sessions may write is another host by now, or should be.
    pub fn has_moved(&self, host: usize) -> bool {
        self.first.load(Ordering::SeqCst) != host
    }

    /// This host lets us in, and answers no commit: the other ones are tried first from now on. A primary that was relieved and
    /// does not know it is such a one.
    pub fn pass_over(&self, host: usize) {
        let _ = self
            .first
            .compare_exchange(host, host + 1, Ordering::SeqCst, Ordering::SeqCst);
    }

    /// To the first host that can be used, and its number.
    pub async fn connect(&self, role: Role) -> Result<(Client, usize), ServerError> {
        let mut failure = ServerError::Lost("it has no host".into());
        let first = match role {
            Role::Write | Role::WriteUnsynced | Role::Read => self.first.load(Ordering::SeqCst),
            Role::Report => 0,
        };
        let mut configs: Vec<(usize, Config)> =
            self.url.configs().into_iter().enumerate().collect();
        let hosts = configs.len().max(1);
        configs.rotate_left(first % hosts);
        for (host, config) in configs {
            let connect_max = (self.patience / 2).clamp(CONNECT_MIN, CONNECT_MAX);
            let connected = timeout(connect_max, self.connect_to(self.with_ours(config, role)));
            let too_late = || ServerError::Lost(format!("it lets nobody in for {connect_max:?}"));
            match connected.await.unwrap_or_else(|_| Err(too_late())) {
                Ok(client) => {
                    if role != Role::Report {
                        self.first.store(host, Ordering::SeqCst);
                    }
                    return Ok((client, host));
                }
                // That a host is not there says less than what another one has said.
                Err(lost) if lost.is_lost() && !failure.is_lost() => {}
                Err(other) => failure = other,
            }
        }
        Err(failure)
    }

    async fn connect_to(&self, config: Config) -> Result<Client, ServerError> {
        match &self.tls {
            None => {
                let connected = config.connect(NoTls).await;
                let (client, connection) = connected.map_err(ServerError::unconnected)?;
                tokio::spawn(connection);
                Ok(client)
            }
            Some(tls) => {
                let tls = MakeRustlsConnect::new(ClientConfig::clone(tls));
                let connected = config.connect(tls).await;
                let (client, connection) = connected.map_err(ServerError::unconnected)?;
                tokio::spawn(connection);
                Ok(client)
            }
        }
    }

    fn with_ours(&self, mut config: Config, role: Role) -> Config {
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
            .application_name(&self.name)
            .options(options)
            .target_session_attrs(target)
            .keepalives(true)
            .keepalives_idle(KEEPALIVE)
            .keepalives_interval(KEEPALIVE)
            .keepalives_retries(3)
            .tcp_user_timeout(UNACKNOWLEDGED_MAX);
        config
    }
}
