"""The text layer of PDFs, read in this process."""
