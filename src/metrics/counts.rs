//! Counters of one name, told apart by a word. Words are texts of the program, never a client's, and so there are few: a word
//! takes its place when it is first counted. No thread waits for another.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// More words than any of the program's tables has.
const WORDS_MAX: usize = 128;

pub struct Counts {
    places: Box<[Place]>,
}

#[derive(Default)]
struct Place {
    word: OnceLock<&'static str>,
    count: AtomicU64,
}

impl Counts {
    /// These words are counted from the beginning: nothing has happened so far, and that is known. The most frequent ones stand
    /// first, where they are found soonest.
    pub fn of(words: &[&'static str]) -> Counts {
        let counts = Counts {
            places: (0..WORDS_MAX).map(|_| Place::default()).collect(),
        };
        for word in words {
            counts.add(word, 0);
        }
        counts
    }

    /// # Panics
    /// If there are more words than there are places, as if words were a client's.
    pub fn add(&self, word: &'static str, count: u64) {
        let place = self.places.iter().find(|place| {
            let known = place.word.get_or_init(|| word);
            *known == word
        });
        let place = place.expect("there are fewer words than places");
        place.count.fetch_add(count, Ordering::Relaxed);
    }

    /// By word.
    pub fn read(&self) -> Vec<(&'static str, u64)> {
        let known = self.places.iter().filter_map(|place| {
            let word = place.word.get()?;
            Some((*word, place.count.load(Ordering::Relaxed)))
        });
        let mut known: Vec<_> = known.collect();
        known.sort_unstable();
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_counted_by_many_threads_at_once() {
        let counts = Counts::of(&["b"]);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for word in ["a", "b", "c", "a"].repeat(100) {
                        counts.add(word, 1);
                    }
                });
            }
        });
        assert_eq!(counts.read(), [("a", 800), ("b", 400), ("c", 400)]);
        assert_eq!(Counts::of(&["x"]).read(), [("x", 0)]);
    }
}
