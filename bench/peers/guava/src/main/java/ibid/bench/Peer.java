// SPDX-License-Identifier: Apache-2.0
package ibid.bench;

import com.google.common.collect.Interner;
import com.google.common.collect.Interners;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Guava's weak interner as a peer: one process, one cell, one line of JSON, as bench/core/run_cell.h.
 *
 * <p>Law: keys and their order are those of bench/core/sequence.h, to the bit. The interner keeps its
 * argument itself, so an insert gets a copy; a lookup that hits gets the sample. Entries are removed after a collection;
 * the collector's time is reported separately.
 */
public final class Peer {
    private static final int BETWEEN_LOOKS = 128;

    private final Workload cell;
    private final Function<byte[], Key> make;
    private final double windowSeconds;
    private final int windows;
    private final int[][] orders;
    private final Interner<Key> interner = Interners.newWeakInterner();

    private double[] rates;
    private long operations;
    private double workers;
    private double process;
    private double collector;
    private Double collectionMs;
    private Double bytesPerEntry;

    private Peer(Workload cell, Function<byte[], Key> make, double windowSeconds, int windows) {
        this.cell = cell;
        this.make = make;
        this.windowSeconds = windowSeconds;
        this.windows = windows;
        orders = new int[cell.threads()][];
        for (int t = 0; t < orders.length; t++) {
            orders[t] = cell.order(t);
        }
    }

    private Key[] stream(int[] numbers) {
        Key[] keys = new Key[numbers.length];
        for (int k = 0; k < keys.length; k++) {
            keys[k] = make.apply(cell.key(numbers[k]));
        }
        return keys;
    }

    private interface Body {
        void run(int thread);
    }

    private static void onThreads(int threads, Body body) {
        AtomicInteger waiting = new AtomicInteger(threads);
        Thread[] all = new Thread[threads];
        Throwable[] failed = {null};
        for (int t = 0; t < threads; t++) {
            int thread = t;
            all[t] = new Thread(() -> {
                waiting.decrementAndGet();
                while (waiting.get() != 0) {
                    Thread.onSpinWait();
                }
                body.run(thread);
            });
            all[t].setUncaughtExceptionHandler((ignored, e) -> failed[0] = e);
            all[t].start();
        }
        for (Thread each : all) {
            try {
                each.join();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
        if (failed[0] != null) {
            throw new IllegalStateException(failed[0]);
        }
    }

    /** Called with -1 where the clock starts and with 1 where it stops: adds the CPU time in between to the totals. */
    private void account(int sign) {
        process += sign * Cpu.process();
        collector += sign * Cpu.collector();
    }

    private static double wall() {
        return System.nanoTime() / 1e9;
    }

    private static long heapInUse() {
        for (int i = 0; i < 3; i++) {
            System.gc();
        }
        return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }

    /** The loops write here, so that no result is unused. */
    private static final Key[] KEPT = new Key[64 * 16];

    /** One thread's run over its samples: the windows of bench/core/measure.h. */
    private final class Runner {
        final Key[] keys;
        final int[] numbers;
        final int thread;
        final double[] own = new double[windows];
        int k;
        long done;

        Runner(Key[] keys, int[] numbers, int thread) {
            this.keys = keys;
            this.numbers = numbers;
            this.thread = thread;
        }

        double until(double end) {
            while (true) {
                int stop = Math.min(k + BETWEEN_LOOKS, keys.length);
                done += stop - k;
                KEPT[16 * thread] = some(k, stop);
                k = stop == keys.length ? 0 : stop;
                double now = wall();
                if (now >= end) {
                    return now;
                }
            }
        }

        Key some(int from, int to) {
            boolean inserts = cell.name().equals("churn");
            Key last = null;
            for (int i = from; i < to; i++) {
                Key key = keys[i];
                if (inserts || numbers[i] >= cell.distinct()) {
                    key = key.copy();
                }
                last = interner.intern(key);
            }
            return last;
        }

        void run() {
            until(wall() + Math.max(0.5, 10 * windowSeconds)); // the compiler needs it
            long doneBefore = done;
            if (thread == 0) {
                account(-1);
            }
            double first = wall();
            double began = first;
            double cpu = Cpu.thread();
            for (int w = 0; w < windows; w++) {
                long before = done;
                double ended = until(first + (w + 1) * windowSeconds);
                own[w] = (done - before) / (ended - began);
                began = ended;
            }
            cpu = Cpu.thread() - cpu;
            if (thread == 0) {
                account(1);
            }
            synchronized (Peer.this) {
                operations += done - doneBefore;
                workers += cpu;
                for (int w = 0; w < windows; w++) {
                    rates[w] += own[w];
                }
            }
        }
    }

    private void steady() {
        Key[] held = null;
        if (!cell.name().equals("churn")) {
            held = new Key[(int) cell.distinct()];
            long before = heapInUse();
            for (int i = 0; i < held.length; i++) {
                held[i] = interner.intern(make.apply(cell.key(i)));
            }
            if (cell.distinct() >= 100_000) {
                bytesPerEntry = (double) (heapInUse() - before) / held.length - cell.keyBytes();
            }
        }
        Runner[] runners = new Runner[cell.threads()];
        for (int t = 0; t < runners.length; t++) {
            runners[t] = new Runner(stream(orders[t]), orders[t], t);
        }
        if (cell.name().equals("hit")) {
            for (int k = 0; k < orders[0].length; k += 997) {
                require(interner.intern(runners[0].keys[k]) == held[orders[0][k]], "two values for one key");
            }
        }
        rates = new double[windows];
        account(-1); // once before the measurement, to load its classes
        account(1);
        process = 0;
        collector = 0;
        onThreads(cell.threads(), t -> runners[t].run());
        double before = Cpu.process();
        System.gc();
        collectionMs = 1e3 * (Cpu.process() - before);
        java.lang.ref.Reference.reachabilityFence(held);
    }

    private void insert() {
        boolean batches = cell.distinct() < 100_000;
        int rounds = batches ? 10 * windows : 1;
        double[] took = new double[rounds];
        Key[][] streams = new Key[cell.threads()][];
        for (int t = 0; t < streams.length; t++) {
            streams[t] = stream(orders[t]);
        }
        rates = new double[rounds];
        if (!batches) {
            warmUp();
        }
        for (int round = 0; round < rounds; round++) {
            long before = heapInUse();
            Key[][] held = new Key[cell.threads()][streams[0].length];
            double[] starts = new double[cell.threads()];
            double[] ends = new double[cell.threads()];
            account(-1);
            onThreads(cell.threads(), t -> {
                Key[] keys = streams[t];
                Key[] own = held[t];
                double cpu = Cpu.thread();
                starts[t] = wall();
                for (int k = 0; k < keys.length; k++) {
                    own[k] = interner.intern(keys[k].copy());
                }
                ends[t] = wall();
                cpu = Cpu.thread() - cpu;
                synchronized (this) {
                    workers += cpu;
                }
            });
            account(1);
            long done = (long) cell.threads() * streams[0].length;
            rates[round] = done / (Arrays.stream(ends).max().orElse(0) - Arrays.stream(starts).min().orElse(0));
            operations += done;
            if (!batches) {
                bytesPerEntry = (double) (heapInUse() - before) / done - cell.keyBytes();
            }
            for (int t = 0; t < held.length; t++) {
                for (int k = 0; k < held[t].length; k += 997) {
                    require(held[t][k].equals(streams[t][k]), "not the value that was interned");
                }
            }
        }
    }

    /** Makes the JIT compile the insert, on a separate interner, so that the first insert is not measured in the interpreter. */
    private void warmUp() {
        Interner<Key> other = Interners.newWeakInterner();
        double end = wall() + 1;
        for (int i = Integer.MAX_VALUE; wall() < end; i--) {
            other.intern(make.apply(cell.key(i)).copy());
        }
    }

    private static void require(boolean holds, String what) {
        if (!holds) {
            throw new IllegalStateException(what);
        }
    }

    private String json() {
        StringBuilder text = new StringBuilder("{\"rates\":[");
        text.append(Arrays.stream(rates).mapToObj(Double::toString).collect(Collectors.joining(",")));
        text.append("],\"operations\":").append(operations);
        text.append(",\"background_ns\":").append(1e9 * Math.max(0, process - workers) / operations);
        text.append(",\"collector_ns\":").append(1e9 * collector / operations);
        if (collectionMs != null) {
            text.append(",\"collection_ms\":").append(collectionMs);
        }
        if (bytesPerEntry != null) {
            text.append(",\"bytes_per_entry\":").append(bytesPerEntry);
        }
        text.append(",\"fingerprint\":").append(Long.toUnsignedString(Workload.fingerprint(orders[0])));
        return text.append('}').toString();
    }

    /** See the usage line. */
    public static void main(String[] arguments) {
        if (arguments.length != 7) {
            System.err.println("usage: Peer WORKLOAD KEY_BYTES DISTINCT THREADS HASH WINDOW_MS WINDOWS");
            System.exit(2);
        }
        Workload cell = new Workload(arguments[0], Integer.parseInt(arguments[1]), Long.parseLong(arguments[2]),
                Integer.parseInt(arguments[3]));
        Function<byte[], Key> make = switch (arguments[4]) {
            case "own" -> Key.Own::new;
            case "xxh3" -> Key.Xxh3::new;
            default -> throw new IllegalArgumentException("no such hash here: " + arguments[4]);
        };
        Peer peer = new Peer(cell, make, Double.parseDouble(arguments[5]) / 1000, Integer.parseInt(arguments[6]));
        if (cell.name().equals("insert")) {
            peer.insert();
        } else {
            peer.steady();
        }
        System.out.println(peer.json());
    }
}
