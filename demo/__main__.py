"""`python -m demo`: the whole site on this machine, until Ctrl-C."""

from __future__ import annotations

from demo.terminal import one_line_errors

if __name__ == "__main__":
    with one_line_errors():
        # Importing takes a moment; Ctrl-C must not print a traceback then either.
        from demo.run import main

        main()
