# SPDX-License-Identifier: Apache-2.0
"""Foreign test suites, stock and under ibid, compared subtest by subtest (./dev suites).

A *suite* is somebody else's: it is fetched, unpacked and built below build/suites and never changed. It has
*units* (files, recipes), each of which is started alone; a unit has *subtests*. A *trial* is one run of a suite in
one *mode*: stock, or under ibid with certain settings. A subtest that is good in the stock trial and not in another
is a *new failure*.
"""
