# SPDX-License-Identifier: Apache-2.0
"""What the reports of the demo and of the benchmarks share: each is one HTML file without scripts, which loads nothing."""
