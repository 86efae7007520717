"""Find, read and merge TOML files with provenance; find lines for problems. Knows TOML, knows no meaning."""

from pipelex_like.documents.documents import DocumentName, Documents, RawDocument, Rename, SourceFile
from pipelex_like.documents.find import Place, find_directory
from pipelex_like.documents.layers import load_documents
from pipelex_like.documents.locate import line_of
from pipelex_like.documents.names import Name, Names, names_of
from pipelex_like.documents.variables import read_secrets, read_variables

__all__ = [
    "DocumentName",
    "Documents",
    "Name",
    "Names",
    "Place",
    "RawDocument",
    "Rename",
    "SourceFile",
    "find_directory",
    "line_of",
    "load_documents",
    "names_of",
    "read_secrets",
    "read_variables",
]
