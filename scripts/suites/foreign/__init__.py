# SPDX-License-Identifier: Apache-2.0
"""The suites, one kind in each module. catalogue.py lists them."""
