# SPDX-License-Identifier: Apache-2.0
"""The parts of a release besides the binaries: a wheel, an image, and a list of the contents."""
