/* SPDX-License-Identifier: Apache-2.0
 *
 * One key in one shard: a hit without a lock, the last release, flight and insert, resize, failed makes, threads that join and
 * exit, and when memory is freed (interner.h, reclaimer.h, weak_table.h, flight.h, qsbr_domain.h).
 *
 * Invariants: at most one published value is alive, and none ends while it is held. No thread touches an entry or an array
 * that has been freed. Everything is freed in the end.
 *
 * One step of the model is one atomic access in the code, or one critical section. What no other process can see is not a step.
 */
#ifndef A /* how many times each thread interns and drops */
#define A 2
#define B 1
#define C 1 /* 0: only two threads */
#endif
#define ENTRIES 3 /* numbered from 1; freed memory may be reused for another entry */
#define ARRAYS 3

bool lock_taken;
/* weak_table */
byte array;                                   /* array_, which readers load */
byte slot[ARRAYS];                            /* each array has one slot for the key; 0: empty */
bool array_there[ARRAYS], array_dead[ARRAYS]; /* dead: outgrown, and not freed yet */
/* entries */
byte count[ENTRIES + 1];
bool entry_there[ENTRIES + 1];
/* the flight of the key */
byte leader;    /* 0: none; else process + 1 */
bool waits[4];  /* by process */
bool landed[4];
byte result[4];
/* readers */
bool inside[4], occupied[4];
byte threads;
byte epoch, quiesced[4];
/* each thread's limbo list: a bit for each entry */
byte sealed[4], sealed_by[4], unsealed[4];
byte outgrown_by; /* the epoch that began with the latest outgrown array */
#define BIT(e) (1 << (e))

/* For the invariants. */
byte holders[ENTRIES + 1];
byte living; /* published, and not yet ended */

inline take_lock() { atomic { !lock_taken -> lock_taken = true } }
inline give_lock() { lock_taken = false }

#ifdef BROKEN_ALWAYS_SINGLE
#define SINGLE_READER true
#else
#define SINGLE_READER (threads == 0 || (threads == 1 && occupied[_pid]))
#endif

/* qsbr_domain::quiesce */
inline quiesce() {
    b = epoch;
    atomic { quiesced[_pid] = b; b = 0 }
}

/* qsbr_domain::join: the number first, then each lock once. */
inline join() {
    if
    :: !occupied[_pid] ->
#ifndef BROKEN_LATE_JOIN
        quiesce();
        atomic { occupied[_pid] = true; threads++ };
#endif
        take_lock();
        give_lock()
    :: else
    fi
}

/* lock_free_lookup::try_find */
inline lookup() {
#ifndef BROKEN_LATE_TURN
    inside[_pid] = true;
#endif
    a = array;
#ifdef BROKEN_LATE_TURN
    inside[_pid] = true;
#endif
    atomic { assert(array_there[a]); e = slot[a] };
#ifdef BROKEN_LATE_QUIESCE
    quiesce();
#endif
    if
    :: e != 0 ->
        atomic {
            assert(entry_there[e]);
            if
#ifdef BROKEN_SECOND_LIFE
            :: true -> count[e]++; holders[e]++
#else
            :: count[e] != 0 -> count[e]++; holders[e]++
            :: else -> e = 0
#endif
            fi
        }
    :: else
    fi;
#ifdef BROKEN_LATE_JOIN
    atomic { if :: !occupied[_pid] -> occupied[_pid] = true; threads++ :: else fi };
#endif
    inside[_pid] = false
}

/* Under the lock: shard::acquire. There is no second try. */
inline acquire() {
    atomic {
        assert(array_there[array]);
        e = slot[array];
        if
        :: e != 0 ->
            assert(entry_there[e]);
            if
            :: count[e] != 0 -> count[e]++; holders[e]++
            :: else -> slot[array] = 0; e = 0
            fi
        :: else
        fi
    }
}

/* Under the lock: weak_table::resize and reclaimer::retire, if there is a free array. */
inline resize() {
    free_outgrown();
    if
    :: atomic { !array_there[0] -> b = 0 }
    :: atomic { array_there[0] && !array_there[1] -> b = 1 }
    :: atomic { array_there[0] && array_there[1] && !array_there[2] -> b = 2 }
    :: true -> b = ARRAYS /* optional */
    fi;
    if
    :: b < ARRAYS ->
        atomic { array_there[b] = true; slot[b] = slot[array] };
        atomic { a = array; array = b };
        atomic {
            if
            :: SINGLE_READER -> array_there[a] = false
#ifdef FENCES_ALONE /* arrays wait for reclaim(), which keeps three threads within memory */
            :: else -> array_dead[a] = true
#else
            :: else -> array_dead[a] = true; epoch++; outgrown_by = epoch
#endif
            fi
        }
    :: else
    fi
}

/* Under the lock: reclaimer::free_outgrown. One step: a reader that has seen an epoch stays so, so it makes no difference whether
 * the readers are checked at once or one after another. */
inline free_outgrown() {
#ifdef FENCES_ALONE
    skip
#else
    atomic {
        outside = true; i = 1;
        do
#ifdef BROKEN_ONE_SEES_ARRAYS
        :: i <= 1 ->
#else
        :: i <= 3 ->
#endif
            outside = outside && (!occupied[i] || quiesced[i] >= outgrown_by); i++
        :: else -> break
        od;
        i = 0;
        do
        :: i < ARRAYS ->
            if
            :: outside && array_dead[i] -> array_dead[i] = false; array_there[i] = false
            :: else
            fi;
            i++
        :: else -> break
        od;
        i = 0; outside = false
    }
#endif
}

/* reclaimer::retire when the open list is full: if all have seen the epoch of the sealed list, the sealed list is freed. */
inline retire_entry() {
    outside = true; i = 1;
    do
#ifdef BROKEN_ONE_SEES
    :: i <= 1 ->
#else
    :: i <= 3 ->
#endif
        atomic { outside = outside && (sealed[_pid] == 0 || !occupied[i] || quiesced[i] >= sealed_by[_pid]); i++ }
    :: else -> break
    od;
    if
    :: outside ->
        give_back(sealed[_pid]);
        atomic { epoch++; sealed[_pid] = unsealed[_pid]; sealed_by[_pid] = epoch; unsealed[_pid] = 0 }
    :: else
    fi;
    outside = false
}

inline give_back(which) {
    atomic {
        i = 1;
        do
        :: i <= ENTRIES ->
            if
            :: ((which) & BIT(i)) != 0 -> assert(entry_there[i]); entry_there[i] = false
            :: else
            fi;
            i++
        :: else -> break
        od;
        i = 0
    }
}

/* reclaimer::reclaim: takes this thread's limbo list and the arrays, checks each reader, and frees all or puts all back. */
inline reclaim() {
    take_lock();
    atomic {
        i = 0;
        do
        :: i < ARRAYS -> taken_array[i] = array_dead[i]; array_dead[i] = false; i++
        :: else -> break
        od;
        i = 1
    };
    give_lock();
    outside = true;
    do
#ifdef BROKEN_ONE_READER
    :: i <= 1 ->
#else
    :: i <= 3 ->
#endif
        atomic { outside = outside && !inside[i]; i++ }
    :: else -> break
    od;
    if
    :: outside ->
        give_back(sealed[_pid] | unsealed[_pid]);
        atomic { sealed[_pid] = 0; unsealed[_pid] = 0 }
    :: else -> take_lock()
    fi;
    atomic {
        i = 0;
        do
        :: i < ARRAYS ->
            if
            :: taken_array[i] && outside -> array_there[i] = false
            :: taken_array[i] && !outside -> array_dead[i] = true
            :: else
            fi;
            taken_array[i] = false; i++
        :: else -> break
        od;
        i = 0
    };
    if
    :: !outside -> give_lock()
    :: else
    fi;
    outside = false
}

/* value_header::release, owned_values::end_value and retire_memory */
inline drop() {
    atomic {
        assert(entry_there[e] && count[e] > 0);
        holders[e]--; count[e]--;
        last = (count[e] == 0)
    };
    if
    :: last ->
        take_lock();
        atomic {
#ifndef BROKEN_STAYS_LINKED
            if :: slot[array] == e -> slot[array] = 0 :: else fi;
#endif
            now = SINGLE_READER
        };
        give_lock();
        atomic { assert(holders[e] == 0); living-- }; /* the value is destroyed */
        if
        :: now -> atomic { entry_there[e] = false }
        :: else ->
            now = SINGLE_READER; /* without a lock */
            if
            :: now -> entry_there[e] = false
            :: else ->
                quiesce();
                unsealed[_pid] = unsealed[_pid] | BIT(e);
                if
                :: retire_entry()
                :: reclaim()
                :: true /* not full, and no fence yet */
                fi
            fi
        fi
    :: else
    fi;
    atomic { e = 0; last = false; now = false }
}

/* cache::intern: peek, then interner::begin, and publish or abandon. */
inline intern() {
    join();
    lookup();
#ifndef BROKEN_LATE_QUIESCE
    if
    :: e == 0 -> quiesce()
    :: else
    fi;
#endif
    do
    :: e != 0 -> break
    :: else ->
        take_lock();
        acquire();
        if
        :: e != 0 -> give_lock()
        :: e == 0 && leader != 0 ->
            atomic { waits[_pid] = true; landed[_pid] = false };
            give_lock();
            atomic { landed[_pid] -> landed[_pid] = false; e = result[_pid]; result[_pid] = 0 };
            take_lock(); /* the leader no longer touches this waiter */
            give_lock()
        :: e == 0 && leader == 0 ->
            resize();
#ifndef BROKEN_NO_FLIGHT
            leader = _pid;
#endif
            give_lock();
            /* make, outside the lock; it may fail once, and then its caller gives up */
            if
            :: left > 0 -> failed = true
            :: true -> failed = false
            fi;
            take_lock();
            if
            :: failed -> left--
            :: else ->
                atomic {
                    i = 1;
                    do
                    :: i <= ENTRIES && entry_there[i] -> i++
                    :: i <= ENTRIES && !entry_there[i] -> break
                    :: i > ENTRIES -> i = 0; break /* no memory: the same as a make that fails */
                    od;
                    e = i; i = 0;
                    if
                    :: e != 0 ->
                        entry_there[e] = true; count[e] = 1; holders[e] = 1;
                        living++;
                        slot[array] = e
                    :: else
                    fi
                }
            fi;
            /* publish: a reference for each waiter before any of them runs */
            atomic {
                leader = 0;
                i = 1;
                do
                :: i <= 3 ->
                    if
                    :: waits[i] ->
                        if :: e != 0 -> count[e]++; holders[e]++ :: else fi;
                        result[i] = e; waits[i] = false; landed[i] = true
                    :: else
                    fi;
                    i++
                :: else -> break
                od;
                i = 0;
                one_value()
            };
            give_lock();
            if
            :: e == 0 -> break
            :: else
            fi
        fi
    od
}

/* All handles of one key refer to one value. */
inline one_value() {
    assert((holders[1] > 0) + (holders[2] > 0) + (holders[3] > 0) <= 1)
}

byte finished;

proctype thread(byte left) {
    byte a, b, e, i;
    bool last, now, failed, outside;
    bool taken_array[ARRAYS];
    do
    :: left > 0 ->
        left--;
        intern();
        a = 0; b = 0; failed = false;
        if
        :: e != 0 -> drop()
        :: else
        fi
    :: left == 0 -> break
    od;
    /* thread_participation::end */
    atomic {
        if :: occupied[_pid] -> occupied[_pid] = false; threads-- :: else fi;
        finished++;
        last = (finished == (C == 0 -> 2 : 3))
    };
    if
    :: last ->
        reclaim(); /* as at the end of the table, with all limbo lists */
        give_back(sealed[1] | unsealed[1] | sealed[2] | unsealed[2] | sealed[3] | unsealed[3]);
        assert(living == 0 && !entry_there[1] && !entry_there[2] && !entry_there[3]);
        assert(array_there[0] + array_there[1] + array_there[2] == 1)
    :: else
    fi
}

init {
    atomic {
        array_there[0] = true;
        run thread(A); run thread(B);
        if :: C > 0 -> run thread(C) :: else fi
    }
}
