//! How many connections an address has, and all of them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use flashsale_schedules::as_it_is::connection_limit::{ConnectionLimit, PerAddress};
use shuttle::thread;

use crate::explored::holds;

#[test]
fn an_address_never_has_more_than_its_share_and_none_is_lost() {
    holds("connection limit", || {
        let per_address = PerAddress {
            max: 2,
            except: Vec::new(),
        };
        let limit = Arc::new(ConnectionLimit::new(9, per_address));
        let held = Arc::new(AtomicUsize::new(0));
        let peer: SocketAddr = "10.0.0.1:1".parse().unwrap();
        let clients: Vec<_> = (0..3)
            .map(|_| {
                let (limit, held) = (limit.clone(), held.clone());
                thread::spawn(move || {
                    for _ in 0..2 {
                        let Some(permit) = ConnectionLimit::admit(&limit, Some(peer)) else {
                            continue;
                        };
                        assert!(held.fetch_add(1, Ordering::SeqCst) < 2);
                        thread::yield_now();
                        assert!(limit.count() >= 1);
                        held.fetch_sub(1, Ordering::SeqCst);
                        drop(permit);
                    }
                })
            })
            .collect();
        clients
            .into_iter()
            .for_each(|client| client.join().unwrap());
        assert_eq!(limit.count(), 0);
        let again = [(); 2].map(|()| ConnectionLimit::admit(&limit, Some(peer)));
        assert!(
            again.iter().all(Option::is_some),
            "all that was taken came back"
        );
        assert!(ConnectionLimit::admit(&limit, Some(peer)).is_none());
    });
}
