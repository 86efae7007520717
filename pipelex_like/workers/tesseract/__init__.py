"""OCR by the tesseract program on this machine."""
