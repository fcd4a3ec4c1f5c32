/* SPDX-License-Identifier: Apache-2.0
 *
 * References that are counted centrally and in stripes: promotion, collapse and generations
 * (references.h, sharded_count.h, hot_values.h).
 *
 * Invariants: a value ends exactly once, when no reference is left. Its memory is not touched after it is freed. The thread that
 * ends it has dropped a reference to it, not to another value at the same address with the same cell.
 *
 * One step of the model is one atomic access in the code, or one critical section. What no other process can see is not a step.
 */
#ifndef A /* how many operations each thread has, before it drops what it holds */
#define A 2
#define B 1
#define C 1 /* 0: only two threads */
#endif
#define THREADS (C == 0 -> 2 : 3)
#define STRIPES 2
#ifdef BROKEN_NO_BIAS
#define BIAS 0
#else
#define BIAS 8
#endif
#define GENERATIONS 2

/* value_header: one value at a time at the one address */
short count = THREADS; bool promoted; /* one word */
bool hot; byte generation;             /* one word */
/* the cell in hot_values */
byte stripe_generation[STRIPES]; /* 0: closed; one word with the count below */
short stripe_count[STRIPES];
byte pending_checks; /* threads that will still check for the end */
bool mutex_taken;

/* For the invariants. */
byte references = THREADS;
byte life = 1;  /* counts the values at this address */
byte ends = 0;  /* of the present value */
bool memory = true;
byte inside = 0; /* lock-free readers; table.pml shows that memory waits for them */
bool rebirth = false;

inline take_mutex() { atomic { !mutex_taken -> mutex_taken = true } }
inline give_mutex() { mutex_taken = false }
inline touch() { assert(memory) }

/* sharded_count::add. `done`: it was counted here. */
inline add(t, n, done) {
    atomic {
#ifdef BROKEN_ANY_GENERATION
        done = (stripe_generation[_pid % STRIPES] != 0);
#else
        done = (stripe_generation[_pid % STRIPES] == t);
#endif
        if
        :: done -> stripe_count[_pid % STRIPES] = stripe_count[_pid % STRIPES] + n; references = references + n
        :: else
        fi
    }
}

/* owned_values::end_value; then, once, a new value at the same address. */
inline retire() {
    atomic {
        touch();
        ends++;
        assert(ends == 1 && references == 0 && pending_checks == 0);
        if
        :: inside == 0 ->
            memory = false; hot = false; generation = 0; promoted = false
        :: else /* waits in limbo, which is not modelled here */
        fi
    }
    if
    :: atomic { !memory && !rebirth ->
        rebirth = true; memory = true; life++; ends = 0; count = 1; references = 1 };
        had[0] = 1; where[0] = 0
    :: true
    fi
}

/* hot_values::add_pending_check, after taking the first central reference */
inline revive() {
#ifdef BROKEN_UNTOLD
    revived = false
#else
    if
    :: revived ->
        take_mutex();
        atomic { touch(); pending_checks++ };
        give_mutex()
    :: else
    fi
#endif
}

/* hot_values::collapse, with close(). The check is for the value whose reference was dropped. */
inline collapse() {
    take_mutex();
    over = false;
    atomic {
        touch();
        assert(life == asked && pending_checks > 0);
        pending_checks--;
#ifdef BROKEN_IMPATIENT
        settled = false
#else
        settled = (pending_checks > 0)
#endif
    };
    atomic {
        if
        :: !settled && promoted && count == BIAS -> promoted = false
        :: else -> settled = true
        fi
    };
    if
    :: !settled ->
        sum = 0; s = 0;
        do
        :: s < STRIPES ->
#ifdef BROKEN_STAYS_OPEN
            atomic { sum = sum + stripe_count[s]; s++ }
#else
            atomic { sum = sum + stripe_count[s]; stripe_count[s] = 0; stripe_generation[s] = 0; s++ }
#endif
        :: else -> break
        od;
        atomic { touch(); hot = false };
        atomic { touch(); count = count - BIAS + sum; assert(count >= 0); over = (count == 0) }
    :: else
    fi;
    give_mutex();
    if :: over -> retire() :: else fi
}

/* value_header::release, of a central reference. */
inline release() {
    atomic {
        touch();
        last = (count == 1 && !promoted);
        ask = (promoted && count == BIAS + 1);
        count--; references--; asked = life;
        assert(count >= 0) /* otherwise it would borrow from the bit above */
    };
    if
    :: last -> retire()
#ifndef BROKEN_NOBODY_ASKS
    :: ask -> collapse()
#endif
    :: else
    fi
}

/* value_header::release(counted_in) */
inline drop(i) {
    atomic { clean(); w = where[i]; had[i] = 0; where[i] = 0 };
    if
    :: w != 0 -> touch(); add(w, -1, done)
    :: else -> done = false
    fi;
    if :: done :: else -> release() fi
}

/* value_header::acquire_near: copies the handle that is held to the second one. */
inline copy() {
    atomic { touch(); w = (hot -> generation : 0) };
    if
    :: w != 0 -> add(w, 1, done)
    :: else -> done = false
    fi;
    if
    :: done -> where[1] = w
    :: else ->
        atomic { touch(); revived = (promoted && count == BIAS); count++; references++; where[1] = 0 };
        revive()
    fi;
    had[1] = 1
}

/* lock_free_lookup::try_find of an entry that peek() has found; the result is the first handle. */
inline lookup() {
    if
    :: atomic { memory -> inside++ };
        atomic { touch(); w = (hot -> generation : 0) };
        if
        :: w != 0 -> add(w, 1, done)
        :: else -> done = false
        fi;
        if
        :: done -> had[0] = 1; where[0] = w
        :: else ->
            atomic {
                touch();
                if
                :: count != 0 || promoted ->
                    revived = (promoted && count == BIAS);
                    count++; references++; had[0] = 1; where[0] = 0
                :: else
                fi
            };
            revive()
        fi;
        inside--
    :: !memory
    fi
}

/* hot_values::promote */
inline promote() {
    take_mutex();
    touch();
    if
    :: !hot && generation < GENERATIONS && count > 1 ->
        pending_checks = 1; s = 0;
        do
        :: s < STRIPES -> atomic { stripe_generation[s] = generation + 1; stripe_count[s] = 0; s++ }
        :: else -> break
        od;
        atomic { touch(); count = count + BIAS; promoted = true };
        atomic { touch(); hot = true; generation++ }
    :: else
    fi;
    give_mutex()
}

/* Local variables that have no meaning between two operations are reset, to reduce the number of states. */
inline clean() { w = 0; s = 0; sum = 0; done = false; last = false; ask = false; over = false; settled = false;
    revived = false; asked = 0 }

byte finished = 0;

proctype thread(byte left) {
    byte had[2]; byte where[2];
    byte w, s; short sum;
    bool done, last, ask, over, settled, revived;
    byte asked;
    had[0] = 1;
    do
    :: left > 0 ->
        atomic { left--; clean() };
        if
        :: had[0] -> promote()
        :: had[0] && !had[1] -> copy()
        :: had[0] -> drop(0)
        :: !had[0] && had[1] -> drop(1)
        :: !had[0] -> lookup()
        fi
    :: had[0] -> drop(0)
    :: !had[0] && had[1] -> drop(1)
    :: left == 0 && !had[0] && !had[1] -> break
    od;
    atomic {
        finished++;
        if
        :: finished == THREADS -> assert(references == 0 && ends == 1) /* no reference is left, and the value has ended */
        :: else
        fi
    }
}

init { atomic { run thread(A); run thread(B); if :: C > 0 -> run thread(C) :: else fi } }
