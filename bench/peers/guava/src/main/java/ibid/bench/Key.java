// SPDX-License-Identifier: Apache-2.0
package ibid.bench;

import java.util.Arrays;
import net.openhft.hashing.LongHashFunction;

/**
 * Bytes that are interned.
 *
 * <p>Law: the hash is computed at every lookup, as it must be for bytes that have just come in. (A String would keep its
 * hash, and from the second pass over the same samples on a lookup would not hash at all.)
 */
abstract class Key {
    final byte[] bytes;

    Key(byte[] bytes) {
        this.bytes = bytes;
    }

    /** Equal bytes in memory of their own, as a peer that copies what it inserts would make. */
    abstract Key copy();

    @Override
    public final boolean equals(Object other) {
        return other instanceof Key key && Arrays.equals(bytes, key.bytes);
    }

    @Override
    public abstract int hashCode();

    /** Hashed as Java hashes arrays. */
    static final class Own extends Key {
        Own(byte[] bytes) {
            super(bytes);
        }

        @Override
        Key copy() {
            return new Own(bytes.clone());
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(bytes);
        }
    }

    /** Hashed with XXH3, keyed by the seed of bench/core/keys.h: the library takes no secret. */
    static final class Xxh3 extends Key {
        private static final LongHashFunction HASH = LongHashFunction.xx3(0x1b1d);

        Xxh3(byte[] bytes) {
            super(bytes);
        }

        @Override
        Key copy() {
            return new Xxh3(bytes.clone());
        }

        @Override
        public int hashCode() {
            return (int) HASH.hashBytes(bytes);
        }
    }
}
