# SPDX-License-Identifier: Apache-2.0
"""The goals, and whether they were reached.

Law: a goal compares two rows of one run of the benchmark, round by round: the figure is the median of the rounds' ratios. If
its confidence interval contains the limit, or something could not be measured, the goal is neither reached nor missed. A goal
against several peers names the closest peer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from cells import Cell
from figures import Figures, label
from programs import Kind
from rounds import Row, Spread

CPP = (Kind.CPP,)
EXACT = (Kind.CPP, Kind.EXACT)
PEERS = (Kind.CPP, Kind.EXACT, Kind.COLLECTED)


NOT_MEASURED = "not measured"
ENOUGH_ROUNDS = 5  # if they agree


@dataclass(frozen=True)
class Goal:
    what: str
    target: str
    found: str = NOT_MEASURED
    reached: bool | None = None  # None: not measured, or no conclusion
    cells: tuple[Cell, ...] = ()  # more rounds of these may give a conclusion


def count(n: int) -> str:
    return f"{n:,} key{'s' * (n != 1)}"


def _judged(what: str, target: str, over: Row, under: Row, ratios: Sequence[float], limit: float, found: str, reached: Callable[[float], bool]) -> Goal:
    """No conclusion if the interval has values that reach the goal and values that miss it, by more than a twentieth."""
    ratio = Spread.of_median(ratios)
    told = reached(ratio.low) == reached(ratio.high) or ratio.high < 1.05 * limit and ratio.low > limit / 1.05
    more = "" if told else f", of {ratio.low:.2f} to {ratio.high:.2f}"
    more_may_tell = (not told or len(ratios) < ENOUGH_ROUNDS) and not over.is_slow and not under.is_slow
    cells = (over.cell, under.cell) if more_may_tell else ()
    return Goal(what, target, f"{ratio.median:.2f} ×{more}{found}", reached(ratio.median) if told else None, cells)


def _times(over: Row, under: Row) -> list[float]:
    """The ratio of the times in each round that both have run."""
    return [a / b for a, b in zip(over.times(), under.times())]


def _against_floor(figures: Figures, what: str, key_bytes: int, distinct: int, limit: float) -> Goal:
    target = f"at most {limit:g} × the floor"
    ibid = figures.one("ibid", "hit", key_bytes, distinct)
    floor = figures.one("floor", "hit", key_bytes, distinct)
    if ibid is None or floor is None:
        return Goal(what, target)
    return _judged(what, target, ibid, floor, _times(ibid, floor), limit, "", lambda r: r <= limit)


def _faster(what: str, target: str, ibid: Row | None, peers: Sequence[Row], times: float) -> Goal:
    """The time of the fastest peer against ibid's."""
    if ibid is None or not peers:
        return Goal(what, target)
    best = min(peers, key=lambda row: row.nanoseconds.median)
    found = f" ({label(best)})"
    return _judged(what, target, best, ibid, _times(best, ibid), times, found, lambda r: r > times if times == 1 else r >= times)


def _hits(figures: Figures) -> Iterator[Goal]:
    for distinct in (1, 1_000, 1_000_000):
        what = f"hit, 1 thread, 16-byte keys, {count(distinct)}"
        ibid = figures.one("ibid", "hit", 16, distinct)
        usual = [r for r in figures.at("hit", 16, distinct, kinds=CPP) if r.hash == "xxh3" or len(r.program.hashes) == 1]
        default = figures.one("flyweight", "hit", 16, distinct)
        yield _against_floor(figures, what, 16, distinct, 1.4)
        yield _faster(what, "at least 1.6 × faster than the best C++ peer", ibid, usual, 1.6)
        yield _faster(
            what, "at least 4 × faster than Boost.Flyweight’s default", ibid, [default] if default else [], 4
        )
    for distinct in (1, 1_000, 1_000_000):
        what = f"hit, 1 thread, 1,200-byte keys, {count(distinct)}"
        ibid = figures.one("ibid", "hit", 1200, distinct)
        rows = figures.at("hit", 1200, distinct, kinds=PEERS)
        yield _against_floor(figures, what, 1200, distinct, 1.15)
        same = [r for r in rows if r.hash == "xxh3"]
        own = [r for r in rows if r.hash == "own"]
        yield _faster(what, "ahead of every peer with the same hash", ibid, same, 1)
        yield _faster(what, "ahead of every peer as it comes", ibid, own, 1)


def _threads(figures: Figures) -> Iterator[Goal]:
    for distinct in (1_000, 1_000_000):
        one = figures.one("ibid", "hit", 16, distinct, 1)
        two = figures.one("ibid", "hit", 16, distinct, 2)
        what, target = f"hit, 2 threads, different keys, {count(distinct)}", "1.9 × the throughput of one thread"
        if one is None or two is None:
            yield Goal(what, target)
        else:
            gains = [a / b for a, b in zip(two.rates(), one.rates())]
            yield _judged(what, target, two, one, gains, 1.9, "", lambda r: r >= 1.9)
    what = "hit, 2 threads, the same key"
    for key_bytes in (16, 1200):
        ibid = figures.one("ibid", "hit", key_bytes, 1, 2)
        title = f"{what}, {key_bytes:,} bytes"
        exact = figures.at("hit", key_bytes, 1, 2, kinds=EXACT)
        collected = figures.at("hit", key_bytes, 1, 2, kinds=(Kind.COLLECTED,))
        yield _faster(title, "at least 2 × faster than every peer that evicts exactly", ibid, exact, 2)
        if ibid is None or not collected:
            yield Goal(title, "no slower than the collected peers")
        else:
            best = min(collected, key=lambda row: row.nanoseconds.median)
            found = f" ({label(best)})"
            yield _judged(title, "no slower than the collected peers", best, ibid, _times(best, ibid), 1, found, lambda r: r >= 1)


def _changes(figures: Figures) -> Iterator[Goal]:
    for key_bytes in (16, 1200):
        ibid = figures.one("ibid", "churn", key_bytes, 1)
        what = f"churn of one key, {key_bytes:,} bytes"
        exact = figures.at("churn", key_bytes, 1, kinds=EXACT)
        collected = figures.at("churn", key_bytes, 1, kinds=(Kind.COLLECTED,))
        yield _faster(what, "faster than every peer that evicts", ibid, exact, 1)
        yield _faster(what, "faster than the collected peers, which evict nothing here", ibid, collected, 1)
    for key_bytes in (16, 1200):
        ibid = figures.one("ibid", "insert", key_bytes, 1_000_000)
        peers = figures.at("insert", key_bytes, 1_000_000, kinds=CPP)
        what = f"first insert of 1,000,000 keys of {key_bytes:,} bytes"
        yield _faster(what, "faster than every C++ peer", ibid, peers, 1)
        what = f"bytes an entry beyond key and value, {key_bytes:,}-byte keys"

        def size(row: Row) -> float:
            return row.median("bytes_per_entry") or 0.0

        goal = Goal(what, "smaller than every C++ peer")
        if ibid is not None and peers:
            best = min(peers, key=size)
            found = f"{size(ibid):.0f} against {size(best):.0f} ({label(best)})"
            goal = Goal(what, goal.target, found, size(best) > size(ibid))
        yield goal


def _curve(figures: Figures) -> Iterator[Goal]:
    """Only cache misses may grow: a hit takes as many instructions in the largest table as in the smallest."""
    what, target = "hit from 1,000 to 10,000,000 entries", "grows with the memory hierarchy alone: no more instructions"
    rows = figures.curve("ibid")
    counted = [r for r in rows if r.median("counted", "instructions") is not None and r.cell.distinct >= 1_000]
    if len(counted) < 2 or rows[-1].cell.distinct != 10_000_000:
        yield Goal(what, target)
        return
    few, many = (r.median("counted", "instructions") for r in (counted[0], counted[-1]))
    first, last = rows[0].nanoseconds.median, rows[-1].nanoseconds.median
    found = (
        f"{few:.0f} to {many:.0f} instructions up to {counted[-1].cell.distinct:,} entries, "
        f"{first:.0f} to {last:.0f} ns"
    )
    yield Goal(what, target, found, many <= 1.05 * few)


def unsettled(figures: Figures) -> set[Cell]:
    """The cells of goals that need more rounds."""
    return {cell for goal in goals(figures) if goal.found != NOT_MEASURED for cell in goal.cells}


def goals(figures: Figures) -> list[Goal]:
    return [*_hits(figures), *_threads(figures), *_changes(figures), *_curve(figures)]
