/* SPDX-License-Identifier: Apache-2.0
 *
 * A published handle: its word has the value and how many references are in stock (ibid/atomic_handle.h).
 *
 * Invariants: a value ends exactly once, when no reference is left: neither a thread's nor one in stock. No thread touches the count of a
 * value that has ended. A value that load() returns is alive. No reference is lost.
 *
 * One step of the model is one atomic access in the code. There are two values at two addresses; an address is reused after its value has
 * ended.
 */
#ifndef A /* how many operations each thread has, before it drops what it holds */
#define A 3
#define B 3
#define C 0 /* 0: only two threads */
#endif
#define THREADS (C == 0 -> 2 : 3)
#define MOST 3 /* a store adds this many references */
#define HALF 1 /* a load that leaves this many or fewer adds MORE */
#define MORE 2
#ifdef BROKEN_LAST
#define KEPT 0
#else
#define KEPT 1
#endif

byte stored = 0; byte left = 0; /* one word: 0, or an address; and the stock */

short count[3];  /* value_header::count. Nothing is at address 0 */
byte life[3];    /* counts the values at this address */
byte holders[3]; /* handles of threads, for the invariants */
byte finished = 0;

inline alive(v) { assert(count[v] > 0) }

/* value_header::release(n) */
inline release(v, n) {
    atomic {
        assert(count[v] >= n);
        count[v] = count[v] - n;
        assert(count[v] > 0 || (holders[v] == 0 && stored != v))
    }
}

/* A new value at a free address. This thread has its only reference. */
inline make() {
    if
    :: atomic { count[1] == 0 -> v = 1; count[1] = 1; life[1]++; holders[1]++; mine = 1; my_life = life[1] }
    :: atomic { count[2] == 0 -> v = 2; count[2] = 1; life[2]++; holders[2]++; mine = 2; my_life = life[2] }
    :: atomic { count[1] != 0 && count[2] != 0 -> skip }
    fi;
    v = 0
}

inline drop_mine() {
    atomic { alive(mine); assert(my_life == life[mine]); holders[mine]--; v = mine; mine = 0; my_life = 0 };
    release(v, 1);
    v = 0
}

/* atomic_handle::replenish, with the reference that load() has taken */
inline replenish() {
    atomic { alive(mine); count[mine] = count[mine] + MORE };
    done = false;
    do
    :: atomic { !done ->
        if
#ifdef BROKEN_ANY_VALUE
        :: stored != 0 && left + MORE <= MOST -> left = left + MORE; done = true
#else
        :: stored == mine && left + MORE <= MOST -> left = left + MORE; done = true
#endif
        :: else -> break
        fi }
    :: done -> break
    od;
    if
#ifndef BROKEN_KEPT
    :: !done -> release(mine, MORE)
#endif
    :: else
    fi;
    done = false
}

/* atomic_handle::load, into `mine` */
inline load() {
    do
    :: atomic { stored == 0 -> break }
    :: atomic { stored != 0 && left > KEPT ->
        /* One step: the compare-exchange fails if the word has changed since it was read. */
        left--; mine = stored; alive(mine); holders[mine]++; my_life = life[mine]; few = (left <= HALF);
        break }
    od; /* otherwise it waits; spin reports a deadlock */
    if
    :: few -> replenish()
    :: else
    fi;
    few = false
}

/* atomic_handle::stock_of(mine), which may be empty */
inline stock() {
    if
    :: mine != 0 -> atomic { alive(mine); count[mine] = count[mine] + MOST }
    :: else
    fi
}
inline drop_stock() {
    if
    :: v != 0 && n != 0 -> release(v, n)
    :: else
    fi;
    v = 0; n = 0
}

inline store() {
#ifndef BROKEN_LATE_STOCK
    stock();
#endif
    atomic { v = stored; n = left; stored = mine; left = (mine != 0 -> MOST : 0) };
#ifdef BROKEN_LATE_STOCK
    stock();
#endif
    drop_stock()
}

/* atomic_handle::exchange(nullptr), by a thread that holds nothing */
inline take() {
    atomic {
        v = stored; n = left; stored = 0; left = 0;
        if
        :: v != 0 -> mine = v; my_life = life[v]; holders[v]++; n--
        :: else
        fi
    };
    drop_stock()
}

/* atomic_handle::compare_exchange_strong(mine, nullptr) */
inline replace() {
    if
    :: atomic { stored == mine -> v = stored; n = left; stored = 0; left = 0; assert(my_life == life[v]) };
        drop_stock()
    :: atomic { stored != mine -> skip }
    fi
}

proctype thread(byte todo) {
    byte mine, my_life, v, n;
    bool few, done;
    do
    :: todo > 0 ->
        todo--;
        if
        :: mine == 0 -> load()
        :: mine == 0 -> make()
        :: mine == 0 -> take()
        :: mine != 0 -> drop_mine()
        :: mine != 0 -> replace()
        :: store()
        fi
    :: todo == 0 -> break
    od;
    if :: mine != 0 -> drop_mine() :: else fi;
    atomic {
        finished++;
        if
        :: finished == THREADS -> /* only the word holds a reference */
            assert(stored == 1 || count[1] == 0);
            assert(stored == 2 || count[2] == 0);
            assert(stored == 0 || count[stored] == left)
        :: else
        fi
    }
}

init {
    atomic {
        count[1] = MOST - 1; life[1] = 1; stored = 1; left = MOST - 1; /* one is stored */
        run thread(A); run thread(B); if :: C > 0 -> run thread(C) :: else fi
    }
}
