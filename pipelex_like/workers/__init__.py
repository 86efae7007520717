"""Candidate and job become a request, the reply becomes a value. One folder per SDK, imported at first use."""
