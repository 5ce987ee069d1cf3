"""``vasotype serve``: a DICOM listener."""

from __future__ import annotations

import signal
from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from vasotype.cli.console import guarded, needs_extra
from vasotype.cli.options import (
    CalibrationOption,
    Device,
    DeviceOption,
    ModelOption,
    ProtocolOption,
    RulesOption,
    Seg,
    SegOption,
    SrPhenotypeOption,
    ThreadsOption,
)


@guarded
def serve(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER", help="Where studies and results wait; kept over a restart."
        ),
    ],
    *,
    peer: Annotated[
        list[str],
        typer.Option(
            metavar="AET@HOST:PORT",
            help="Who may send studies, from which host, and the port where it takes results; "
            "repeat. All others are refused.",
        ),
    ],
    aet: Annotated[str, typer.Option(help="Title of this listener.")] = "VASOTYPE",
    bind: Annotated[
        str, typer.Option(help="Address to listen at; 0.0.0.0 for all of this machine.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen at.")] = 11112,
    quiet: Annotated[
        float, typer.Option(min=0.0, help="Seconds without a new image that end a study.")
    ] = 60.0,
    max_gb: Annotated[
        float,
        typer.Option(min=0.1, help="Disk space for what waits; images beyond it are refused"),
    ] = 20.0,
    model: ModelOption = "default",
    calibration: CalibrationOption = None,
    protocol: ProtocolOption = None,
    rules: RulesOption = None,
    device: DeviceOption = Device.AUTO,
    threads: ThreadsOption = None,
    seg: SegOption = Seg.BINARY,
    sr_phenotype: SrPhenotypeOption = False,
) -> None:
    """Listen for DICOM studies, analyse each when it is complete, and send the results back.

    Studies come by C-STORE from the peers named, and only from them; SEG, RTSTRUCT, SR, key images
    and PDF go back the same way. One study is analysed at a time. Ctrl-C ends it after the study
    under way. Needs `pip install "vasotype[serve]"`.

    Example:

    - `vasotype serve /var/lib/vasotype --peer PACS@10.0.0.5:104 --bind 0.0.0.0`
    """
    with needs_extra("serve", "serve"):
        from vasotype.serve import listener
        from vasotype.serve.peer import Peer
    import vasotype

    options = listener.ListenerOptions(
        home=folder,
        peers=tuple(map(Peer.parse, peer)),
        aet=aet,
        bind=bind,
        port=port,
        quiet_s=quiet,
        maximal_bytes=int(max_gb * 1024**3),
    )
    analyser = vasotype.load(model, device.value, threads, calibration, protocol, rules)
    outputs = vasotype.OutputOptions(seg=seg.value, sr_phenotype=sr_phenotype)
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    listener.serve(options, lambda study, result: analyser.run(study, result, outputs), stop)
