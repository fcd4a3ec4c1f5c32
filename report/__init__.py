# SPDX-License-Identifier: Apache-2.0
"""The look that the reports of the demo and of the benchmarks share: one HTML file, no scripts, nothing from outside."""
