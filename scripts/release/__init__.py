# SPDX-License-Identifier: Apache-2.0
"""What a release holds beside the binaries: a wheel, a list of what is in them."""
