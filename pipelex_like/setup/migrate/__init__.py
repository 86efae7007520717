"""Directories in Pipelex' older forms, written in today's."""
