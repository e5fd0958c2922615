//! How many connections there are in all, how many from each address, and how many there may be.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipnet::IpNet;

/// How many connections one address may have.
#[derive(Clone, Debug, Default)]
pub struct PerAddress {
    /// 0: no limit.
    pub max: usize,
    /// Proxies, behind which many clients may be.
    pub except: Vec<IpNet>,
}

pub struct ConnectionLimit {
    max: usize,
    per_address: PerAddress,
    count: AtomicUsize,
    by_address: Mutex<HashMap<IpAddr, usize>>,
}

/// A connection, counted for as long as it lives.
pub struct Permit {
    limit: Arc<ConnectionLimit>,
    /// If the connection counts for its address.
    address: Option<IpAddr>,
}

impl ConnectionLimit {
    pub fn new(max: usize, per_address: PerAddress) -> ConnectionLimit {
        ConnectionLimit {
            max,
            per_address,
            count: AtomicUsize::new(0),
            by_address: Mutex::default(),
        }
    }

    pub fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    pub fn is_reached(&self) -> bool {
        self.count() >= self.max
    }

    /// By a connection that is to give way, but has not yet.
    pub fn is_exceeded(&self) -> bool {
        self.count() > self.max
    }

    /// `None` if the address has its share already.
    pub fn admit(limit: &Arc<ConnectionLimit>, peer: Option<SocketAddr>) -> Option<Permit> {
        let PerAddress { max, except } = &limit.per_address;
        let address = peer
            .filter(|_| *max > 0)
            .map(|peer| peer.ip().to_canonical())
            .filter(|address| !except.iter().any(|net| net.contains(address)));
        if let Some(address) = address {
            let mut by_address = limit.by_address();
            let connections = by_address.entry(address).or_insert(0);
            if *connections >= *max {
                return None;
            }
            *connections += 1;
        }
        Some(ConnectionLimit::permit(limit, address))
    }

    /// For a connection that is turned away.
    pub fn admit_to_leave(limit: &Arc<ConnectionLimit>) -> Permit {
        ConnectionLimit::permit(limit, None)
    }

    fn permit(limit: &Arc<ConnectionLimit>, address: Option<IpAddr>) -> Permit {
        limit.count.fetch_add(1, Ordering::SeqCst);
        Permit {
            limit: limit.clone(),
            address,
        }
    }

    fn by_address(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.by_address
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.limit.count.fetch_sub(1, Ordering::SeqCst);
        let Some(address) = self.address else {
            return;
        };
        let mut by_address = self.limit.by_address();
        if let Some(connections) = by_address.get_mut(&address) {
            *connections -= 1;
            if *connections == 0 {
                by_address.remove(&address);
            }
        }
    }
}
