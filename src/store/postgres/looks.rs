//! Looks at one product are combined: a reader that comes while a look is under way waits for the next one, which answers
//! all who wait. Each answer is as fresh as if each reader had looked, and the server sees one look at a time, whatever the
//! crowd.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::sale::ProductId;

pub struct Looks<T> {
    flights: Mutex<HashMap<ProductId, Arc<Flight<T>>>>,
}

struct Flight<T> {
    state: Mutex<State<T>>,
    landed: Condvar,
}

struct State<T> {
    readers: usize,
    is_under_way: bool,
    /// How many looks have begun.
    begun: u64,
    /// The number of the newest look that has an answer, and that.
    answer: Option<(u64, T)>,
}

impl<T> Default for Looks<T> {
    fn default() -> Looks<T> {
        Looks {
            flights: Mutex::default(),
        }
    }
}

impl<T: Clone> Looks<T> {
    /// What a look that begins after this call finds: by this reader or by another.
    pub fn look<E>(&self, id: ProductId, look: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let flight = self.board(id);
        let seen = flight.next(look);
        self.leave(id, &flight);
        seen
    }

    fn board(&self, id: ProductId) -> Arc<Flight<T>> {
        let mut flights = lock(&self.flights);
        let flight = flights.entry(id).or_insert_with(|| {
            Arc::new(Flight {
                state: Mutex::new(State {
                    readers: 0,
                    is_under_way: false,
                    begun: 0,
                    answer: None,
                }),
                landed: Condvar::new(),
            })
        });
        lock(&flight.state).readers += 1;
        flight.clone()
    }

    fn leave(&self, id: ProductId, flight: &Flight<T>) {
        let mut flights = lock(&self.flights);
        let mut state = lock(&flight.state);
        state.readers -= 1;
        if state.readers == 0 {
            flights.remove(&id);
        }
    }
}

impl<T: Clone> Flight<T> {
    fn next<E>(&self, look: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let mut state = lock(&self.state);
        let wanted = state.begun + 1;
        loop {
            if let Some((number, answer)) = &state.answer
                && *number >= wanted
            {
                return Ok(answer.clone());
            }
            if !state.is_under_way {
                break;
            }
            state = self
                .landed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.begun += 1;
        state.is_under_way = true;
        let number = state.begun;
        drop(state);
        let seen = look();
        let mut state = lock(&self.state);
        state.is_under_way = false;
        if let Ok(seen) = &seen {
            state.answer = Some((number, seen.clone()));
        }
        self.landed.notify_all();
        seen
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[test]
    fn who_comes_during_a_look_is_answered_by_the_next_one() {
        let looks = Looks::default();
        let count = AtomicUsize::new(0);
        let (under_way, first_is_under_way) = mpsc::channel();
        let (go_on, told_to_go_on) = mpsc::channel::<()>();
        thread::scope(|scope| {
            let (looks, count) = (&looks, &count);
            let look = move || Ok::<_, ()>(count.fetch_add(1, Ordering::SeqCst) + 1);
            scope.spawn(move || {
                let seen = looks.look(ProductId::FIRST, || {
                    under_way.send(()).unwrap();
                    told_to_go_on.recv().unwrap();
                    look()
                });
                assert_eq!(seen, Ok(1));
            });
            first_is_under_way.recv().unwrap();
            let others: Vec<_> = (0..8)
                .map(|_| scope.spawn(move || looks.look(ProductId::FIRST, look)))
                .collect();
            let all_wait = || {
                let flight = lock(&looks.flights)[&ProductId::FIRST].clone();
                let readers = lock(&flight.state).readers;
                readers == 9
            };
            while !all_wait() {
                thread::yield_now();
            }
            go_on.send(()).unwrap();
            for other in others {
                let seen = other.join().unwrap().unwrap();
                assert!((2..=9).contains(&seen), "{seen}");
            }
        });
        assert!(lock(&looks.flights).is_empty());
    }
}
