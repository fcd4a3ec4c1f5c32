// SPDX-License-Identifier: Apache-2.0
package ibid.bench;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.function.LongUnaryOperator;

/** Which keys a cell works on, and in what order: bench/core/sequence.h, to the bit. */
record Workload(String name, int keyBytes, long distinct, int threads) {
    private static final VarHandle WORDS =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    static long mix(long x) {
        x += 0x9e3779b97f4a7c15L;
        x = (x ^ (x >>> 30)) * 0xbf58476d1ce4e5b9L;
        x = (x ^ (x >>> 27)) * 0x94d049bb133111ebL;
        return x ^ (x >>> 31);
    }

    private static long keyWord(long key, long word) {
        return mix(256 * key + word) & 0x7f7f7f7f7f7f7f7fL;
    }

    private static long draw(long thread, long k) {
        return mix((1L << 63) + (thread << 40) + k);
    }

    private static long coin(long thread, long k) {
        return mix((1L << 62) + (thread << 40) + k);
    }

    byte[] key(long number) {
        byte[] bytes = new byte[keyBytes];
        for (int j = 0; j < keyBytes / 8; j++) {
            WORDS.set(bytes, 8 * j, keyWord(number, j));
        }
        return bytes;
    }

    private LongUnaryOperator zipf() {
        double[] cumulated = new double[(int) distinct];
        double sum = 0;
        for (int i = 0; i < cumulated.length; i++) {
            sum += 1.0 / (i + 1);
            cumulated[i] = sum;
        }
        double total = sum;
        return random -> {
            double u = (random >>> 11) * 0x1p-53 * total;
            int low = 0;
            int high = cumulated.length;
            while (low < high) {
                int middle = (low + high) >>> 1;
                if (cumulated[middle] > u) {
                    high = middle;
                } else {
                    low = middle + 1;
                }
            }
            return Math.min(low, cumulated.length - 1);
        };
    }

    int[] order(int thread) {
        long own = Math.max(distinct / threads, 1);
        LongUnaryOperator number = i -> distinct < threads ? 0 : thread * own + i;
        long samples = Math.min(Math.max(distinct, (256L << 10) / keyBytes), (256L << 20) / keyBytes);
        int[] result = new int[(int) (name.equals("insert") ? own : samples)];
        LongUnaryOperator key = switch (name) {
            case "hit" -> k -> number.applyAsLong(Long.remainderUnsigned(draw(thread, k), own));
            case "insert", "churn" -> k -> number.applyAsLong(k % own);
            case "mix99", "mix90" -> {
                long percent = name.equals("mix99") ? 1 : 10;
                LongUnaryOperator hot = zipf();
                long[] fresh = {0};
                yield k -> Long.remainderUnsigned(coin(thread, k), 100) < percent
                        ? distinct + fresh[0]++ * threads + thread
                        : hot.applyAsLong(draw(thread, k));
            }
            default -> throw new IllegalArgumentException("no such workload here: " + name);
        };
        for (int k = 0; k < result.length; k++) {
            result[k] = (int) key.applyAsLong(k);
        }
        return result;
    }

    static long fingerprint(int[] numbers) {
        long h = 0;
        for (int n : numbers) {
            h = mix(h ^ keyWord(n, 1));
        }
        return h;
    }
}
