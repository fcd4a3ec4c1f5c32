// SPDX-License-Identifier: Apache-2.0

//! Rust's internment::ArcIntern as a peer: one process, one cell, one line of JSON, as bench/core/run_cell.h.
//!
//! Law: the keys and their order are those of bench/core/sequence.h, to the bit, and lie one after another in the order of
//! use. ArcIntern evicts exactly. Its hash is fixed (aHash); with "xxh3", a key's Hash gives aHash only one word, the XXH3 of
//! the key. With "own" the keys are `str`, the type for which ArcIntern needs no lookup of its table.

use internment::ArcIntern;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

mod workload;
use workload::{fingerprint, order, write_key, Cell};

/// The seed of XXH3's secret: bench/core/keys.h.
const SECRET: [u8; 192] = xxhash_rust::const_xxh3::const_custom_default_secret(0x1b1d);

/// Eight bytes of a key; slices of them hash with XXH3. Words, not bytes, because Rust compares slices of a user's type
/// element by element.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
struct Word(u64);

impl Hash for Word {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0);
    }
    fn hash_slice<H: Hasher>(words: &[Self], state: &mut H) {
        state.write_u64(xxhash_rust::xxh3::xxh3_64_with_secret(bytes_of(words), &SECRET));
    }
}

fn bytes_of(words: &[Word]) -> &[u8] {
    // SAFETY: Word is transparent, and u64 has no padding.
    unsafe { std::slice::from_raw_parts(words.as_ptr().cast::<u8>(), 8 * words.len()) }
}

/// A kind of key that ArcIntern takes by reference and stores in one allocation.
trait Key: Eq + Hash + Send + Sync + 'static {
    fn intern(bytes: &[u8]) -> ArcIntern<Self>;
    fn bytes(&self) -> &[u8];
}

impl Key for str {
    fn intern(bytes: &[u8]) -> ArcIntern<str> {
        // SAFETY: no key has a byte above 0x7f.
        ArcIntern::from(unsafe { std::str::from_utf8_unchecked(bytes) })
    }
    fn bytes(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl Key for [Word] {
    fn intern(bytes: &[u8]) -> ArcIntern<[Word]> {
        debug_assert!(bytes.as_ptr().cast::<Word>().is_aligned() && bytes.len() % 8 == 0);
        // SAFETY: Word is transparent; keys lie in a Stream, at multiples of eight bytes.
        ArcIntern::from(unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast::<Word>(), bytes.len() / 8) })
    }
    fn bytes(&self) -> &[u8] {
        bytes_of(self)
    }
}

fn require(holds: bool, what: &str) {
    if !holds {
        fail(what);
    }
}

fn fail(what: &str) -> ! {
    eprintln!("ibid-bench-peer: {what}");
    std::process::exit(1);
}

/// As bench/core/heap.h: counts whole chunks, and touches the heap's pages before the clock runs.
fn bytes_in_use() -> usize {
    let info = unsafe { libc::mallinfo2() };
    info.uordblks + info.hblkhd
}

fn warm_heap(bytes: usize) {
    unsafe {
        libc::mallopt(libc::M_MMAP_MAX, 0);
        libc::mallopt(libc::M_TRIM_THRESHOLD, -1);
        let block = libc::malloc(bytes);
        if !block.is_null() {
            libc::memset(block, 1, bytes);
            std::hint::black_box(block);
        }
        libc::free(block);
    }
}

/// Keys one after another, in words.
struct Stream {
    key_bytes: usize,
    block: Vec<u64>,
}

impl Stream {
    fn new(numbers: &[u32], key_bytes: usize) -> Self {
        let words = key_bytes / 8;
        let mut block = vec![0; numbers.len() * words];
        for (key, number) in block.chunks_exact_mut(words).zip(numbers) {
            write_key(key, u64::from(*number));
        }
        Stream { key_bytes, block }
    }
    fn len(&self) -> usize {
        8 * self.block.len() / self.key_bytes
    }
    fn get(&self, k: usize) -> &[u8] {
        let words = self.key_bytes / 8;
        let key = &self.block[k * words..][..words];
        // SAFETY: any word is eight bytes.
        unsafe { std::slice::from_raw_parts(key.as_ptr().cast::<u8>(), self.key_bytes) }
    }
}

#[derive(Default)]
struct Outcome {
    rates: Vec<f64>,
    operations: u64,
    bytes_per_entry: Option<f64>,
}

/// Calls body(t) on all threads at once; thread 0 is the caller's, whose heap is warm.
fn on_threads<R: Send>(threads: usize, body: impl Fn(usize) -> R + Sync) -> Vec<R> {
    let waiting = AtomicU64::new(threads as u64);
    let start = |t| {
        waiting.fetch_sub(1, Ordering::SeqCst);
        while waiting.load(Ordering::SeqCst) != 0 {
            std::hint::spin_loop();
        }
        body(t)
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads)
            .map(|t| {
                scope.spawn({
                    let start = &start;
                    move || start(t)
                })
            })
            .collect();
        let mut results = vec![start(0)];
        results.extend(others.into_iter().map(|other| other.join().unwrap()));
        results
    })
}

/// The windows of bench/core/measure.h.
fn run_windows(
    threads: usize,
    seconds: f64,
    count: usize,
    samples: usize,
    operation: impl Fn(usize, usize) + Sync,
) -> Outcome {
    const BETWEEN_LOOKS: usize = 128;
    let clock = Instant::now();
    let wall = || clock.elapsed().as_secs_f64();
    let each = on_threads(threads, |t| {
        let (mut k, mut operations) = (0, 0);
        let mut until = |end: f64| loop {
            let stop = samples.min(k + BETWEEN_LOOKS);
            operations += (stop - k) as u64;
            for k in k..stop {
                operation(t, k);
            }
            k = if stop == samples { 0 } else { stop };
            let now = wall();
            if now >= end {
                return (now, operations);
            }
        };
        let (first, mut before) = until(wall() + 2.0 * seconds);
        let mut began = first;
        let rates: Vec<f64> = (1..=count)
            .map(|w| {
                let (ended, after) = until(first + w as f64 * seconds);
                let rate = (after - before) as f64 / (ended - began);
                (began, before) = (ended, after);
                rate
            })
            .collect();
        (rates, before)
    });
    Outcome {
        rates: (0..count)
            .map(|w| each.iter().map(|(rates, _)| rates[w]).sum())
            .collect(),
        operations: each.iter().map(|(_, operations)| operations).sum(),
        bytes_per_entry: None,
    }
}

fn insert<K: Key + ?Sized>(cell: &Cell, streams: &[Stream], windows: usize) -> Outcome {
    let batches = cell.distinct < 100_000;
    let rounds = if batches { 50 * windows } else { 1 };
    let mut total = Outcome::default();
    for _ in 0..rounds {
        let places: Vec<_> = streams
            .iter()
            .map(|s| std::sync::Mutex::new(Vec::<ArcIntern<K>>::with_capacity(s.len())))
            .collect();
        let before = bytes_in_use();
        let clock = Instant::now();
        let times = on_threads(cell.threads as usize, |t| {
            let mut held = places[t].lock().unwrap();
            let began = clock.elapsed().as_secs_f64();
            for k in 0..streams[t].len() {
                held.push(K::intern(streams[t].get(k)));
            }
            (began, clock.elapsed().as_secs_f64())
        });
        let bytes = bytes_in_use() - before;
        let took = times.iter().map(|t| t.1).fold(0.0, f64::max)
            - times.iter().map(|t| t.0).fold(f64::MAX, f64::min);
        let operations = cell.threads as usize * streams[0].len();
        total.rates.push(operations as f64 / took);
        total.operations += operations as u64;
        if !batches {
            total.bytes_per_entry = Some(bytes as f64 / operations as f64 - cell.key_bytes as f64);
        }
        for (held, keys) in places.iter().zip(streams) {
            let held = held.lock().unwrap();
            for k in (0..keys.len()).step_by(997) {
                require(
                    held[k].as_ref().bytes() == keys.get(k),
                    "not the value that was interned",
                );
            }
        }
    }
    total
}

fn steady<K: Key + ?Sized>(cell: &Cell, orders: &[Vec<u32>], seconds: f64, windows: usize) -> Outcome {
    let mut held: Vec<ArcIntern<K>> = Vec::new();
    let mut bytes = None;
    if cell.workload != "churn" {
        held.reserve_exact(cell.distinct as usize);
        let before = bytes_in_use();
        // A thread for each thread's keys, so that the C library allocates them from a heap of their own.
        let own = cell.distinct / cell.threads;
        let parts = on_threads(cell.threads as usize, |t| {
            let t = t as u64;
            let end = if t + 1 == cell.threads { cell.distinct } else { (t + 1) * own };
            (t * own..end)
                .map(|i| K::intern(Stream::new(&[i as u32], cell.key_bytes as usize).get(0)))
                .collect::<Vec<_>>()
        });
        held.extend(parts.into_iter().flatten());
        if cell.distinct >= 1000 {
            bytes = Some((bytes_in_use() - before) as f64 / cell.distinct as f64 - cell.key_bytes as f64);
        }
    }
    let threads = cell.threads as usize;
    let mut total = if cell.workload == "clone" {
        run_windows(threads, seconds, windows, orders[0].len(), |t, k| {
            let copy = held[orders[t][k] as usize].clone();
            std::hint::black_box(&copy);
        })
    } else {
        let streams: Vec<Stream> = orders
            .iter()
            .map(|o| Stream::new(o, cell.key_bytes as usize))
            .collect();
        if cell.workload == "hit" {
            for k in (0..orders[0].len()).step_by(997) {
                let hit = K::intern(streams[0].get(k));
                require(
                    std::ptr::eq(hit.as_ref(), held[orders[0][k] as usize].as_ref()),
                    "two values for one key",
                );
            }
        }
        run_windows(threads, seconds, windows, streams[0].len(), |t, k| {
            std::hint::black_box(&K::intern(streams[t].get(k)));
        })
    };
    total.bytes_per_entry = bytes;
    total
}

fn run<K: Key + ?Sized>(cell: &Cell, seconds: f64, windows: usize) {
    let orders: Vec<Vec<u32>> = (0..cell.threads).map(|t| order(cell, t)).collect();
    warm_heap(cell.distinct as usize * (cell.key_bytes as usize + 256) + (4 << 20));
    // A sleeping thread, as in bench/core/measure.h: the C library is faster in a process with one thread.
    let parked = std::thread::spawn(std::thread::park);
    let total = if cell.workload == "insert" {
        let streams: Vec<Stream> = orders
            .iter()
            .map(|o| Stream::new(o, cell.key_bytes as usize))
            .collect();
        insert::<K>(cell, &streams, windows)
    } else {
        steady::<K>(cell, &orders, seconds, windows)
    };
    parked.thread().unpark();
    let _ = parked.join();
    require(
        ArcIntern::<K>::num_objects_interned() == 0,
        "entries without a handle",
    );
    let bytes = total
        .bytes_per_entry
        .map_or(String::new(), |b| format!(",\"bytes_per_entry\":{b}"));
    println!(
        "{{\"rates\":{:?},\"operations\":{},\"fingerprint\":{}{bytes}}}",
        total.rates,
        total.operations,
        fingerprint(&orders[0])
    );
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.len() != 8 {
        fail("usage: PROGRAM WORKLOAD KEY_BYTES DISTINCT THREADS HASH WINDOW_MS WINDOWS");
    }
    let number = |i: usize| match arguments[i].parse::<u64>() {
        Ok(n) if n > 0 => n,
        _ => fail(&format!("not a count: {}", arguments[i])),
    };
    let cell = Cell {
        workload: arguments[1].clone(),
        key_bytes: number(2),
        distinct: number(3),
        threads: number(4),
    };
    let (seconds, windows) = (number(6) as f64 / 1000.0, number(7) as usize);
    match arguments[5].as_str() {
        "own" => run::<str>(&cell, seconds, windows),
        "xxh3" => run::<[Word]>(&cell, seconds, windows),
        other => fail(&format!("no such hash here: {other}")),
    }
}
