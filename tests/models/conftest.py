"""A web server that misbehaves on demand, no way to other machines, and weights published on the server."""

import hashlib
import io
from dataclasses import replace

import pytest
import torch
from published import NARROW, V1
from web import cache, hasty, loopback_only, misbehave, server

from course_lib.models import published_state
from course_lib.models.alexnet import alexnet
from course_lib.models.published_weights import PUBLISHED

__all__ = ["cache", "hasty", "loopback_only", "misbehave", "server"]  # fixtures of this folder, too


@pytest.fixture
def publish(server, monkeypatch):
    """A function that puts a state on the server as the published weights of a network; returns its path."""

    def put(name, state, *behaviours, prefix=None):
        file = io.BytesIO()
        torch.save(state, file)
        body = file.getvalue()
        digits = prefix or hashlib.sha256(body).hexdigest()[:8]
        entry = replace(PUBLISHED[name, V1], file=f"{name}-{digits}.pth")
        server.put(f"/{entry.file}", body, *behaviours)
        monkeypatch.setitem(PUBLISHED, (name, V1), entry)
        monkeypatch.setattr(published_state, "ADDRESS", f"http://{server.host}/")
        return f"/{entry.file}"

    return put


@pytest.fixture
def narrow():
    torch.manual_seed(0)
    return alexnet(**NARROW).eval()
