"""`python -m pipelex_like` is the same as `pipelex-like`."""

from pipelex_like.cli.app import main

if __name__ == "__main__":
    main()
