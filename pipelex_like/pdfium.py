"""The one lock that all users of PDFium in this process share."""

from __future__ import annotations

from threading import Lock

PDFIUM = Lock()
"""PDFium is not thread-safe, not even for two documents, so whoever calls it holds this."""
