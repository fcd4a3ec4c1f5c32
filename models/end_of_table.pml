/* SPDX-License-Identifier: Apache-2.0
 *
 * When the memory of a table is freed: the cache is closed while threads end its last entries (interner.h, reclaimer.h).
 *
 * Invariants: the table's memory is freed exactly once, and not touched after that. A thread's record stays.
 *
 * One step of the model is one atomic access in the code, or one critical section. What no other process can see is not a step.
 */
#ifndef A /* how many entries each thread ends */
#define A 2
#define B 2
#define C 0 /* 0: only two threads */
#endif
#define THREADS (C == 0 -> 2 : 3)
#define SHARDS 2

#define NONE 0
#define PINNED 1
#define COUNTED 2

bool locked[SHARDS];
byte entries[SHARDS]; /* the first thread's are in one shard, the others' in the other */
bool closed[SHARDS];
byte remaining = 1;
byte pin[4]; /* by _pid: 0 is init, the closer */

bool memory = true;
byte ended = 0; /* threads */

inline touch() { assert(memory) }
inline lock(s) { atomic { !locked[s] -> touch(); locked[s] = true } }
inline unlock(s) { atomic { touch(); locked[s] = false } }

/* release_table(), with pinned_by_a_thread(). */
inline release_table() {
    atomic { touch(); remaining--; last = (remaining == 0) };
    if
    :: last ->
#ifndef BROKEN_NOBODY_ASKED
#ifndef BROKEN_UNCOUNTED
        atomic { touch(); remaining = 1 };
#endif
        r = 1;
        do
        :: r <= THREADS ->
            atomic { touch(); remaining++ };
            atomic { stays = (pin[r] == PINNED); if :: stays -> pin[r] = COUNTED :: else fi };
            if
            :: !stays -> atomic { touch(); remaining-- }
            :: else
            fi;
            r++
        :: else -> break
        od;
#ifndef BROKEN_UNCOUNTED
        atomic { touch(); remaining--; last = (remaining == 0) };
#else
        last = (remaining == 0);
#endif
#endif
        if
        :: last -> atomic { touch(); memory = false }
        :: else
        fi
    :: else
    fi
}

/* end_value and retire_memory of an entry that stays counted: on a thread without a record, or within another end. */
inline counted_end(s) {
    lock(s); unlock(s);
    touch(); /* destroys the value, and retires the entry */
    lock(s);
    entries[s]--;
    was_closed = closed[s];
    unlock(s);
    if
    :: was_closed -> release_table()
    :: else
    fi
}

/* end_value if the thread's record, and not the entry, keeps the table. */
inline pinned_end(s) {
    lock(s);
#ifndef BROKEN_LATE_PIN
#ifdef BROKEN_NEVER_COUNTED
    pin[_pid] = PINNED;
#else
    pin[_pid] = (closed[s] -> COUNTED : PINNED);
#endif
#endif
    entries[s]--;
#ifdef BROKEN_LATE_PIN
    was_closed = closed[s];
    unlock(s);
    pin[_pid] = (was_closed -> COUNTED : PINNED);
#else
    unlock(s);
#endif
    touch(); /* destroys the value */
    if
    :: mine > 0 -> mine--; counted_end(s) /* the value held the last handle of another one */
    :: true
    fi;
    touch(); /* retires the entry */
    atomic { was_counted = (pin[_pid] == COUNTED); pin[_pid] = NONE };
    if
    :: was_counted -> release_table()
    :: else
    fi
}

proctype dropper(byte mine; byte home) {
    bool last, stays, was_closed, was_counted;
    byte r;
    do
    :: mine > 0 ->
        mine--;
        if
        :: pinned_end(home)
        :: counted_end(home)
        fi
    :: else -> break
    od;
    ended++
}

init {
    bool last, stays;
    byte r, s;
    atomic {
        entries[0] = A; entries[1] = B + C;
        run dropper(A, 0); run dropper(B, 1);
        if
        :: C > 0 -> run dropper(C, 1)
        :: else
        fi
    }
    /* interner::close */
    s = 0;
    do
    :: s < SHARDS ->
        lock(s);
        closed[s] = true;
        atomic { touch(); remaining = remaining + entries[s] };
        unlock(s);
        s++
    :: else -> break
    od;
    release_table();
    ended == THREADS -> assert(!memory)
}
