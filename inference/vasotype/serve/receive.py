"""The receiving side: who gets an association, and what becomes of an object."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from pydicom.uid import (
    JPEG2000,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)
from pynetdicom import AE, evt
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined] # made at run time

from vasotype.serve.peer import Peer
from vasotype.serve.spool import Spool, SpoolFullError
from vasotype.study.dicom.gather import IMAGES

log = logging.getLogger(__name__)

SYNTAXES = [
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
    RLELossless,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    JPEG2000Lossless,
    JPEG2000,
    HTJ2KLossless,
    JPEGBaseline8Bit,
]
"""What the reader decodes."""

# Association rejections, (result, source, reason): PS3.8 table 9-21.
CALLING_TITLE_NOT_RECOGNISED = (1, 1, 3)
# Statuses of C-STORE: PS3.4 table B.2-1.
SUCCESS, OUT_OF_RESOURCES, CANNOT_UNDERSTAND = 0x0000, 0xA700, 0xC000


def make_entity(aet: str) -> AE:
    """An application entity that takes MR and PET images and answers C-ECHO, addressed as ``aet``.

    Objects of other kinds, our own results among them, get no presentation context.
    """
    entity = AE(ae_title=aet)
    entity.require_called_aet = True
    entity.add_supported_context(Verification)
    for image in IMAGES:
        entity.add_supported_context(image, SYNTAXES)
    return entity


def handlers(peers: Sequence[Peer], spool: Spool) -> list[tuple[Any, ...]]:
    """Event handlers of the entity: the allow-list and the store."""
    return [(evt.EVT_REQUESTED, _admit, [peers]), (evt.EVT_C_STORE, _keep, [spool])]


def _admit(event: evt.Event, peers: Sequence[Peer]) -> None:
    """Reject an association whose title and address together belong to no peer."""
    association = event.assoc
    request = association.requestor.primitive
    aet = request.calling_ae_title.strip() if request else ""
    address = association.requestor.address
    if not any(peer.is_at(aet, address) for peer in peers):
        log.warning("association of %r from %s rejected: no such peer", aet, address)
        association.acse.send_reject(*CALLING_TITLE_NOT_RECOGNISED)
        association.kill()


def _keep(event: evt.Event, spool: Spool) -> int:
    """Store an object; the status says what became of it."""
    aet = event.assoc.requestor.ae_title.strip()
    try:
        study = str(event.dataset.StudyInstanceUID)
        instance = str(event.dataset.SOPInstanceUID)
        content = event.encoded_dataset()
    except Exception as error:  # an odd object has many ways to be unreadable
        log.warning("an object of %s can't be read: %s", aet, type(error).__name__)
        return CANNOT_UNDERSTAND
    try:
        spool.store(aet, study, instance, content)
    except SpoolFullError:
        log.warning("an object of %s is refused: the disk limit is reached", aet)
        return OUT_OF_RESOURCES
    except OSError as error:
        log.warning("an object of %s can't be kept: %s", aet, error.strerror)
        return OUT_OF_RESOURCES
    return SUCCESS
