//! Chance by a seed: the same one again for the same seed.

/// xorshift64*
pub struct Dice(u64);

impl Dice {
    /// Neighbours begin far from each other, and none at 0, where this generator would stay.
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 << 63)
    }

    pub fn below(&mut self, bound: i64) -> i64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        i64::try_from(bits).unwrap() % bound
    }

    pub fn flips(&mut self) -> bool {
        self.below(2) == 0
    }

    /// Once in so many times.
    pub fn rarely(&mut self, times: i64) -> bool {
        self.below(times) == 0
    }

    pub fn one_of<T: Clone>(&mut self, choices: &[T]) -> T {
        let index = self.below(i64::try_from(choices.len()).unwrap());
        choices[usize::try_from(index).unwrap()].clone()
    }
}
