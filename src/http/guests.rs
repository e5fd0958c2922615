//! Who is connected: how many in all, and how many from each address.

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
    /// Proxies, behind which anybody may be.
    pub except: Vec<IpNet>,
}

#[derive(Default)]
pub struct Guests {
    count: AtomicUsize,
    by_address: Mutex<HashMap<IpAddr, usize>>,
}

/// A connection, counted for as long as it lives.
pub struct Guest {
    guests: Arc<Guests>,
    /// If it counts for its address.
    address: Option<IpAddr>,
}

impl Guests {
    pub fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    /// `None` if the address has its share already.
    pub fn admit(
        guests: &Arc<Guests>,
        peer: Option<SocketAddr>,
        limit: &PerAddress,
    ) -> Option<Guest> {
        let address = peer
            .filter(|_| limit.max > 0)
            .map(|peer| peer.ip().to_canonical())
            .filter(|address| !limit.except.iter().any(|net| net.contains(address)));
        if let Some(address) = address {
            let mut by_address = guests.by_address();
            let connections = by_address.entry(address).or_insert(0);
            if *connections >= limit.max {
                return None;
            }
            *connections += 1;
        }
        Some(Guests::count_in(guests, address))
    }

    /// One who is only told to go.
    pub fn admit_to_leave(guests: &Arc<Guests>) -> Guest {
        Guests::count_in(guests, None)
    }

    fn count_in(guests: &Arc<Guests>, address: Option<IpAddr>) -> Guest {
        guests.count.fetch_add(1, Ordering::SeqCst);
        Guest {
            guests: guests.clone(),
            address,
        }
    }

    fn by_address(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.by_address
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.guests.count.fetch_sub(1, Ordering::SeqCst);
        let Some(address) = self.address else {
            return;
        };
        let mut by_address = self.guests.by_address();
        if let Some(connections) = by_address.get_mut(&address) {
            *connections -= 1;
            if *connections == 0 {
                by_address.remove(&address);
            }
        }
    }
}
