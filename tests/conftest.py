"""What all tests share."""

import signal


def pytest_configure() -> None:
    """Let Ctrl-C reach the programs that tests start.

    In the background of a shell script SIGINT is ignored, and programs inherit that.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
