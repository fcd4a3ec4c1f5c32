// SPDX-License-Identifier: Apache-2.0
package ibid.bench;

import java.util.Arrays;
import net.openhft.hashing.LongHashFunction;

/**
 * Bytes that are interned.
 *
 * <p>Law: the hash is computed at every lookup, as for bytes that have just been received. (A String would keep its
 * hash, so from the second pass over the same samples on, a lookup would not hash at all.)
 */
abstract class Key {
    final byte[] bytes;

    Key(byte[] bytes) {
        this.bytes = bytes;
    }

    /** A copy of the bytes, like that of a peer that copies what it inserts. */
    abstract Key copy();

    @Override
    public final boolean equals(Object other) {
        return other instanceof Key key && Arrays.equals(bytes, key.bytes);
    }

    @Override
    public abstract int hashCode();

    /** Hashed like Java's arrays. */
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
