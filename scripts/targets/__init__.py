# SPDX-License-Identifier: Apache-2.0
"""Compilers for other C libraries and processors, and what a test of their binaries needs. Used by releases and by './dev systems'."""
