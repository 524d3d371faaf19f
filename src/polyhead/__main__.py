"""``python -m polyhead`` is ``polyhead``."""

from polyhead.cli import main

if __name__ == "__main__":
    main()
