"""`sandbox`: the simulated provider as a server of its own."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Annotated

import typer

from pipelex_like.cli.console import note, say, say_json
from pipelex_like.cli.failures import answering
from pipelex_like.cli.session import usage_errors


def sandbox(
    *,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port on 127.0.0.1; 0 = any free one.")] = 0,
    api_key: Annotated[str | None, typer.Option("--api-key", help="Key to insist on; default: a random one.")] = None,
    faults: Annotated[Path | None, typer.Option("--faults", help="TOML file of faults to show.")] = None,
    tls: Annotated[bool, typer.Option("--tls", help="Serve https, with a certificate authority of its own.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Tell the address as JSON.")] = False,
) -> None:
    """Serve the simulated provider on 127.0.0.1 until Ctrl-C.

    Example: pipelex-like sandbox --port 8099 --faults faults.toml
    """
    from pipelex_like.sandbox import Sandbox, parse_faults

    with answering(as_json=as_json), usage_errors():
        table = parse_faults(faults.read_text(encoding="utf-8")) if faults else None
        with Sandbox(port=port, api_key=api_key, faults=table, tls=tls) as server:
            if as_json:
                trusted = {"ca_file": str(server.ca_file)} if tls else {}
                say_json({"base_url": f"{server.url}/v1", "api_key": server.api_key, **trusted})
            else:
                say(f"OPENAI_BASE_URL={server.url}/v1")
                say(f"OPENAI_API_KEY={server.api_key}")
                if tls:
                    say(f"SSL_CERT_FILE={server.ca_file}")
                    note("Trust its authority by a line in the backend's table of backends.toml:")
                    note(f'ca_file = "{server.ca_file}"')
                note("Simulated answers only. Stop it with Ctrl-C.")
            typer.get_text_stream("stdout").flush()
            _until_interrupted()


def _until_interrupted() -> None:
    """Wait for Ctrl-C, or for a SIGTERM from whoever started this in the background."""
    over = threading.Event()

    def end(_number: int, _frame: object) -> None:
        over.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    # In short waits, because some platforms run signal handlers only between two of them.
    while not over.wait(1):
        pass
    note("stopped")
