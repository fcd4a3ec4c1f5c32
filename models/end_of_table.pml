/* SPDX-License-Identifier: Apache-2.0
 *
 * When the memory of a table goes: the cache is closed while threads end its last entries (interner.h, reclaimer.h).
 *
 * Law: the table's memory goes once, and always; nobody touches it after that. A thread's place is its own and stays.
 *
 * One step here is one atomic access there, or what a lock makes one. What no other process can see is not a step.
 */
#ifndef A /* how many entries each thread ends */
#define A 2
#define B 2
#define C 0 /* 0: only two threads */
#endif
#define THREADS (C == 0 -> 2 : 3)
#define SHARDS 2

#define NONE 0
#define UNDER_WAY 1
#define AWAITED 2

bool locked[SHARDS];
byte entries[SHARDS]; /* the first thread's are in one shard, the others' in the other */
bool closed[SHARDS];
byte remaining = 1;
byte last_steps[4]; /* by _pid: 0 is init, the closer */

bool memory = true;
byte ended = 0; /* threads */

inline touch() { assert(memory) }
inline lock(s) { atomic { !locked[s] -> touch(); locked[s] = true } }
inline unlock(s) { atomic { touch(); locked[s] = false } }

/* leave(), with pinned_by_a_thread(). */
inline leave() {
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
            atomic { stays = (last_steps[r] == UNDER_WAY); if :: stays -> last_steps[r] = AWAITED :: else fi };
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

/* end_value and retire_memory: counted to the end, as by a thread without a place, or within another end. */
inline counted_end(s) {
    lock(s); unlock(s);
    touch(); /* destroys the value, and buries the entry */
    lock(s);
    entries[s]--;
    was_closed = closed[s];
    unlock(s);
    if
    :: was_closed -> leave()
    :: else
    fi
}

/* end_value, where the thread's place keeps the table in the entry's stead. */
inline placed_end(s) {
    lock(s);
#ifndef BROKEN_LATE_STEPS
#ifdef BROKEN_NEVER_AWAITED
    last_steps[_pid] = UNDER_WAY;
#else
    last_steps[_pid] = (closed[s] -> AWAITED : UNDER_WAY);
#endif
#endif
    entries[s]--;
#ifdef BROKEN_LATE_STEPS
    was_closed = closed[s];
    unlock(s);
    last_steps[_pid] = (was_closed -> AWAITED : UNDER_WAY);
#else
    unlock(s);
#endif
    touch(); /* destroys the value */
    if
    :: mine > 0 -> mine--; counted_end(s) /* which held the last handle of another */
    :: true
    fi;
    touch(); /* buries the entry */
    atomic { pending_checks = (last_steps[_pid] == AWAITED); last_steps[_pid] = NONE };
    if
    :: pending_checks -> leave()
    :: else
    fi
}

proctype dropper(byte mine; byte home) {
    bool last, stays, was_closed, pending_checks;
    byte r;
    do
    :: mine > 0 ->
        mine--;
        if
        :: placed_end(home)
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
    leave();
    ended == THREADS -> assert(!memory)
}
