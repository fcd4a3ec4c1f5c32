# SPDX-License-Identifier: Apache-2.0
"""Test suites of other projects, stock and under ibid, compared subtest by subtest (./dev suites).

A *suite* belongs to another project: it is fetched, unpacked and built below build/suites and never changed. It has
*units* (files, recipes), each started separately; a unit has *subtests*. A *trial* is one run of a suite in
one *mode*: stock, or under ibid with certain settings. A subtest that passes in the stock trial and not
in another is a *new failure*.
"""
