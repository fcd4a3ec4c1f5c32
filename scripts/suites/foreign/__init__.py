# SPDX-License-Identifier: Apache-2.0
"""The suites, one kind a module. catalogue.py lists them."""
