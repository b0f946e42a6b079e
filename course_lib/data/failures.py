"""Why a download failed, in words a reader can act on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit


class Failure(Exception):
    """One attempt failed; ``worth_another_try`` tells whether the same request may still succeed."""

    def __init__(self, reason: str, worth_another_try: bool = True) -> None:
        super().__init__(reason)
        self.worth_another_try = worth_another_try


@contextmanager
def explain(url: str, connect: float, silence: float, received: Callable[[], int]) -> Iterator[None]:
    """Turn whatever requests raises into a Failure with a short reason.

    ``connect`` and ``silence`` are the time limits in seconds, ``received`` returns the number of bytes so
    far.
    """
    from requests import exceptions

    host = urlsplit(url).netloc
    try:
        yield
    except exceptions.HTTPError as error:
        raise _refusal(error.response) from error
    except exceptions.ConnectTimeout as error:
        raise Failure(f"no connection to {host} within {connect:g} s") from error
    except exceptions.SSLError as error:
        raise Failure(f"no secure connection to {host}: {error}", worth_another_try=False) from error
    except exceptions.RequestException as error:
        if (
            "timed out" in str(error).lower()
        ):  # in mid-body, a silent server is a ConnectionError, and not a Timeout
            raise Failure(f"{host} was silent for {silence:g} s, after {received():,} bytes") from error
        if received():
            raise Failure(f"the connection to {host} broke after {received():,} bytes") from error
        raise Failure(f"cannot reach {host}, or it hung up") from error


def _refusal(response: Any) -> Failure:
    status = response.status_code
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:  # servers make up their own
        phrase = response.reason or ""
    # 408 and 429 ask to come back later; 416 says that what was kept of an earlier attempt is of no use.
    return Failure(
        f"the server answered {status} {phrase}".rstrip(), status >= 500 or status in (408, 416, 429)
    )
