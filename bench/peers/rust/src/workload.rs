// SPDX-License-Identifier: Apache-2.0

//! Which keys a cell works on, and in what order: bench/core/sequence.h, to the bit.

pub fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

fn key_word(key: u64, word: u64) -> u64 {
    mix(256 * key + word) & 0x7f7f_7f7f_7f7f_7f7f
}

fn draw(thread: u64, k: u64) -> u64 {
    mix((1 << 63) + (thread << 40) + k)
}

fn coin(thread: u64, k: u64) -> u64 {
    mix((1 << 62) + (thread << 40) + k)
}

pub fn write_key(to: &mut [u64], key: u64) {
    for (j, word) in to.iter_mut().enumerate() {
        *word = key_word(key, j as u64).to_le();
    }
}

pub struct Cell {
    pub workload: String,
    pub key_bytes: u64,
    pub distinct: u64,
    pub threads: u64,
}

struct Zipf(Vec<f64>);

impl Zipf {
    fn new(ranks: u64) -> Self {
        let mut sum = 0.0;
        Zipf(
            (0..ranks)
                .map(|i| {
                    sum += 1.0 / (i + 1) as f64;
                    sum
                })
                .collect(),
        )
    }
    fn rank(&self, random: u64) -> u64 {
        let u = (random >> 11) as f64 * (1.0 / (1u64 << 53) as f64) * self.0[self.0.len() - 1];
        self.0.partition_point(|&c| c <= u).min(self.0.len() - 1) as u64
    }
}

pub fn order(cell: &Cell, thread: u64) -> Vec<u32> {
    let own = (cell.distinct / cell.threads).max(1);
    let number = |i: u64| {
        if cell.distinct < cell.threads {
            0
        } else {
            thread * own + i
        }
    };
    let samples = cell
        .distinct
        .max((256 << 10) / cell.key_bytes)
        .min((256 << 20) / cell.key_bytes);
    let keys: Vec<u64> = match cell.workload.as_str() {
        "hit" | "clone" => (0..samples).map(|k| number(draw(thread, k) % own)).collect(),
        "insert" => (0..own).map(number).collect(),
        "churn" => (0..samples).map(|k| number(k % own)).collect(),
        "mix99" | "mix90" => {
            let percent = if cell.workload == "mix99" { 1 } else { 10 };
            let hot = Zipf::new(cell.distinct);
            let mut fresh = 0;
            let mut key = |k: u64| {
                if coin(thread, k) % 100 < percent {
                    fresh += 1;
                    cell.distinct + (fresh - 1) * cell.threads + thread
                } else {
                    hot.rank(draw(thread, k))
                }
            };
            (0..samples).map(&mut key).collect()
        }
        other => crate::fail(&format!("no such workload: {other}")),
    };
    keys.into_iter().map(|key| key as u32).collect()
}

pub fn fingerprint(numbers: &[u32]) -> u64 {
    numbers.iter().fold(0, |h, &n| mix(h ^ key_word(u64::from(n), 1)))
}
