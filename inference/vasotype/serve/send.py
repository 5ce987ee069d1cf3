"""The sending side: a folder of results goes to its peer by C-STORE."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import pydicom
from pydicom.dataset import FileDataset
from pydicom.uid import UID
from pynetdicom import AE
from pynetdicom.association import Association

from vasotype.serve.peer import Peer

log = logging.getLogger(__name__)

TIMEOUT_S = 30.0
WARNINGS = range(0xB000, 0xC000)
"""Statuses of an object that was kept all the same (PS3.7 annex C)."""


def send(aet: str, peer: Peer, files: Sequence[Path]) -> bool:
    """Send DICOM files to a peer, as ``aet``; whether nothing is left to be sent again.

    Each file goes in the transfer syntax that it has. A kind of object that the peer does not take
    is logged and left out: it would not take it later either.
    """
    objects = [pydicom.dcmread(file) for file in files]
    if not objects:  # every writer failed: there is nothing to send, now or later
        return True
    entity = AE(ae_title=aet)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = TIMEOUT_S
    entity.connection_timeout = TIMEOUT_S
    for one in objects:
        entity.add_requested_context(one.SOPClassUID, one.file_meta.TransferSyntaxUID)
    association = entity.associate(peer.host, peer.port, ae_title=peer.aet)
    if not association.is_established:
        log.warning("%s takes no association", peer.aet)
        return False
    accepted = {context.abstract_syntax for context in association.accepted_contexts}
    try:
        taken = [_store(association, one, peer, accepted) for one in objects]
    finally:
        association.release()
    return all(taken)


def _store(
    association: Association, one: FileDataset, peer: Peer, accepted: set[UID | None]
) -> bool:
    """Whether the matter is settled: the peer kept the object, or will never take its kind."""
    if one.SOPClassUID not in accepted:
        log.warning("%s does not take %s", peer.aet, one.SOPClassUID.name)
        return True
    status = association.send_c_store(one).get("Status")
    if status == 0 or status in WARNINGS:
        return True
    told = "no answer" if status is None else f"status {status:04X}"
    log.warning("%s did not keep %s: %s", peer.aet, one.SOPClassUID.name, told)
    return False
