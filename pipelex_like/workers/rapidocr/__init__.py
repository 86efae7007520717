"""OCR by RapidOCR in this process."""
