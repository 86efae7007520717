"""Mistral: chat and OCR."""
