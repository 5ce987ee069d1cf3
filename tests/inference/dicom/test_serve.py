"""A listener: who may send, what is analysed when, and how results find their way back."""

import logging
import shutil
import socket
import threading
import time
from dataclasses import replace

import pydicom
import pytest
from vasotype.findings import StudyError
from vasotype.serve.listener import ListenerOptions, serve
from vasotype.serve.peer import Peer
from vasotype.serve.send import send
from vasotype.serve.spool import Spool, SpoolFullError

pynetdicom = pytest.importorskip("pynetdicom")

PATIENCE_S = 30.0
QUIET_S = 0.5


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(claim):
    """Wait until something holds."""
    deadline = time.monotonic() + PATIENCE_S
    while not claim():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.05)


class Archive:
    """A peer's own store: it keeps the UIDs of what it gets, or refuses everything."""

    def __init__(self):
        self.port, self.got, self.status, self.tries = free_port(), [], 0x0000, 0
        self.aborting = False
        entity = pynetdicom.AE(ae_title="PACS")
        for context in pynetdicom.AllStoragePresentationContexts:
            entity.add_supported_context(context.abstract_syntax, pynetdicom.ALL_TRANSFER_SYNTAXES)
        self.server = entity.start_server(
            ("127.0.0.1", self.port),
            block=False,
            evt_handlers=[(pynetdicom.evt.EVT_C_STORE, self.keep)],
        )

    def keep(self, event):
        self.tries += 1
        if self.aborting:
            event.assoc.abort()
        if self.status == 0x0000:
            self.got.append(str(event.request.AffectedSOPInstanceUID))
        return self.status

    @property
    def peer(self):
        return Peer.parse(f"PACS@127.0.0.1:{self.port}")


@pytest.fixture
def archive():
    one = Archive()
    yield one
    one.server.shutdown()


@pytest.fixture
def listen(archive, tmp_path):
    """Starts a listener with a stub analyser; gives its options. It ends with the test."""
    stop, threads = threading.Event(), []

    def start(analyse, **changes):
        options = ListenerOptions(
            home=tmp_path / "spool", peers=(archive.peer,), port=free_port(), quiet_s=QUIET_S
        )
        options = replace(options, **changes)
        thread = threading.Thread(target=serve, args=(options, analyse, stop))
        thread.start()
        threads.append(thread)
        until(lambda: socket.socket().connect_ex((options.bind, options.port)) == 0)
        return options

    yield start
    stop.set()
    for thread in threads:
        thread.join(PATIENCE_S)


@pytest.fixture
def results(kit, tmp_path):
    return kit.small_results(tmp_path / "results", kit.classic()[0])


@pytest.fixture
def analyser(results):
    """A stub that knows how many images it saw and answers with results made before."""

    class Stub:
        def __init__(self):
            self.seen = []

        def __call__(self, study, result):
            self.seen.append(len(list(study.iterdir())))
            shutil.copytree(results, result / "dicom")

    return Stub()


def send_to(options, files, aet="PACS", to=None):
    entity = pynetdicom.AE(ae_title=aet)
    for context in {(one.SOPClassUID, one.file_meta.TransferSyntaxUID) for one in files}:
        entity.add_requested_context(*context)
    association = entity.associate(options.bind, options.port, ae_title=to or options.aet)
    if not association.is_established:
        return association, []
    try:
        return association, [association.send_c_store(one).Status for one in files]
    finally:
        association.release()


def test_a_study_comes_in_and_its_results_go_back(listen, archive, analyser, results, kit):
    images = kit.classic()
    options = listen(analyser)
    _, statuses = send_to(options, images)
    assert statuses == [0x0000] * len(images)
    expected = {pydicom.dcmread(path).SOPInstanceUID for path in results.iterdir()}
    until(lambda: set(archive.got) == expected)
    # On a busy machine a pause may part a study, which is then analysed once more when it is whole.
    until(lambda: analyser.seen[-1] == len(images))
    until(lambda: not [p for p in options.home.rglob("*") if p.is_file()])


def test_a_study_in_two_parts_is_analysed_once_it_is_quiet(listen, archive, analyser, kit):
    images = kit.classic()
    options = listen(analyser, quiet_s=1.5)
    send_to(options, images[:5])
    time.sleep(0.5)
    send_to(options, images[5:])
    until(lambda: archive.got)
    assert analyser.seen == [len(images)]


def test_a_study_that_grows_during_its_analysis_is_analysed_again(listen, archive, analyser, kit):
    images, begun, go_on = kit.classic(), threading.Event(), threading.Event()

    def slow(study, result):
        begun.set()
        go_on.wait(PATIENCE_S)
        analyser(study, result)

    options = listen(slow)
    send_to(options, images[:5])
    assert begun.wait(PATIENCE_S)
    send_to(options, images[5:])
    go_on.set()
    until(lambda: len(analyser.seen) == 2)
    assert analyser.seen[1] == len(images)


@pytest.mark.parametrize(
    ("aet", "to", "address"),
    [
        ("STRANGER", None, "127.0.0.1"),
        ("PACS", "OTHER", "127.0.0.1"),
        ("PACS", None, "192.0.2.1"),
    ],
    ids=["unknown title", "other listener", "title from another host"],
)
def test_others_are_rejected(listen, analyser, kit, archive, aet, to, address):
    peer = replace(archive.peer, addresses=frozenset({address}))
    options = listen(analyser, peers=(peer,))
    association, _ = send_to(options, kit.classic()[:1], aet, to)
    assert association.is_rejected
    assert list((options.home / "incoming").iterdir()) == []


def test_results_sent_to_the_listener_are_no_study(listen, analyser, results):
    options = listen(analyser)
    association, _ = send_to(options, [pydicom.dcmread(results / "lesions-seg.dcm")])
    assert not association.is_established
    assert list((options.home / "incoming").iterdir()) == []


def test_images_beyond_the_disk_limit_are_refused(listen, analyser, kit):
    images = kit.classic()
    options = listen(analyser, maximal_bytes=3000, quiet_s=600)
    _, statuses = send_to(options, images)
    assert statuses[0] == 0x0000
    assert statuses[-1] == 0xA700


def test_a_failure_ends_no_service_and_tells_no_patient(listen, archive, analyser, kit, caplog):
    def fails_first(study, result):
        if not analyser.seen:
            analyser.seen.append(0)
            raise StudyError("no-input", f"{kit.secret}: has no head")
        analyser(study, result)

    options = listen(fails_first)
    with caplog.at_level(logging.DEBUG, logger="vasotype"):
        send_to(options, kit.classic())
        until(lambda: analyser.seen == [0])
        until(lambda: not list((options.home / "incoming").glob("*/*")))
        send_to(options, kit.classic())
        until(lambda: archive.got)
    assert "can't be analysed: no-input" in caplog.text
    assert kit.secret not in caplog.text
    assert "4711" not in caplog.text


def test_results_that_were_not_taken_are_sent_after_a_restart(
    listen, archive, analyser, results, kit, tmp_path
):
    archive.status = 0xA700
    options = listen(analyser)
    send_to(options, kit.classic())
    until(lambda: archive.tries)
    until(lambda: list((options.home / "outgoing").glob("*/*/*.dcm")))
    archive.status = 0x0000
    listen(analyser)
    until(lambda: len(set(archive.got)) == len(list(results.iterdir())))


def test_a_peer_that_aborts_ends_no_service(listen, archive, analyser, results, kit):
    archive.aborting = True
    options = listen(analyser)
    send_to(options, kit.classic())
    until(lambda: archive.tries)
    archive.aborting = False
    send_to(options, kit.classic())
    until(
        lambda: set(archive.got) >= {pydicom.dcmread(p).SOPInstanceUID for p in results.iterdir()}
    )


def test_nothing_to_send_is_settled(archive):
    assert send("VASOTYPE", archive.peer, [])


def test_a_peer_that_is_away_loses_nothing(results):
    away = Peer.parse(f"PACS@127.0.0.1:{free_port()}")
    assert not send("VASOTYPE", away, sorted(results.iterdir()))


def test_a_taken_port_is_told(archive, tmp_path):
    options = ListenerOptions(home=tmp_path, peers=(archive.peer,), port=archive.port)
    with pytest.raises(StudyError, match=str(archive.port)) as caught:
        serve(options, lambda study, result: None, threading.Event())
    assert caught.value.code == "port-taken"


@pytest.mark.parametrize(
    "text", ["PACS", "PACS@127.0.0.1", "PACS@127.0.0.1:0", "../x@127.0.0.1:104", "A" * 17 + "@h:1"]
)
def test_a_peer_is_written_title_host_port(text):
    with pytest.raises(StudyError) as caught:
        Peer.parse(text)
    assert caught.value.code == "peer-invalid"


def test_a_spool_takes_up_after_a_restart_what_it_held(tmp_path):
    Spool(tmp_path, 100).store("PACS", "1.2", "1.2.3", b"x" * 60)
    again = Spool(tmp_path, 100)
    assert again.quiet(0.0).aet == "PACS"
    with pytest.raises(SpoolFullError):
        again.store("PACS", "1.2", "1.2.4", b"x" * 60)
    again.store("PACS", "1.2", "1.2.3", b"y" * 60)
    again.finish(again.quiet(0.0))
    assert again.quiet(0.0) is None
    again.store("PACS", "1.2", "1.2.4", b"x" * 60)


def test_names_in_the_spool_tell_no_identifier(tmp_path):
    Spool(tmp_path, 1000).store("PACS", "1.2.840.4711", "1.2.840.4712", b"x")
    assert not [path for path in tmp_path.rglob("*") if "4711" in path.name or "4712" in path.name]
