# SPDX-License-Identifier: Apache-2.0
"""The programs, each a few lines of data; to add one, add it to the list of its family."""

from __future__ import annotations

from ..subject import Client, Server
from .databases import DATABASES
from .languages import LANGUAGES
from .mail import MAIL
from .network import NETWORK
from .rust import RUST
from .web_clients import WEB_CLIENTS
from .web_servers import WEB_SERVERS

SUBJECTS: tuple[Client | Server, ...] = (*WEB_SERVERS, *WEB_CLIENTS, *LANGUAGES, *RUST, *MAIL, *DATABASES, *NETWORK)
