"""Failed downloads in words: what huggingface_hub, the line to the hub and the disk can do, and what helps."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import httpx2
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from engines.checkpoints import hub
from engines.core import files
from engines.core.errors import LabError


def in_words(name: str, error: Exception, token: bool) -> LabError:
    """What went wrong while a model was fetched, and what can be done about it.

    Parameters
    ----------
    name : str
        The hub id.
    error : Exception
        Of huggingface_hub, httpx2 or the disk.
    token : bool
        Whether an access token was shown to the hub.
    """
    if isinstance(error, LocalEntryNotFoundError) and isinstance(error.__cause__, Exception):
        error = error.__cause__  # hf_hub_download's words for any failure to ask the hub
    if isinstance(error, HfHubHTTPError):
        return _refusal(name, error, token)
    if isinstance(error, httpx2.TransportError):
        said = [str(cause.strerror) for cause in _causes(error) if isinstance(cause, OSError) and cause.strerror]
        reason = said[0] if said else str(error)
        if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error)):
            return LabError(
                "{name}: the certificate of the hub can't be trusted ({reason}). If your network's proxy uses its "
                "own, set SSL_CERT_FILE to it.",
                name=name,
                reason=reason,
            )
        if isinstance(error, httpx2.ProxyError):
            return LabError("{name}: the proxy can't be used ({reason}).", name=name, reason=reason)
        if isinstance(error, httpx2.ReadTimeout):
            return LabError("{name}: the hub does not respond ({reason}). Try again later.", name=name, reason=reason)
        return LabError("{name}: no network ({reason}).", name=name, reason=reason)
    if isinstance(error, OSError) and error.errno is not None:
        return LabError(
            "{folder}: can't be written ({reason}).", folder=str(hub.cache_folder()), reason=files.reason(error)
        )
    return LabError("{name}: the hub's response can't be understood.", name=name)  # redirects in a circle, no etag, …


def _refusal(name: str, error: HfHubHTTPError, token: bool) -> LabError:
    status, said = error.response.status_code, (error.server_message or "").lower()
    code = error.response.headers.get("X-Error-Code")
    if isinstance(error, GatedRepoError):
        return LabError(
            "{name}: gated. Request access at {address}, then set HF_TOKEN to a token of your account.",
            name=name,
            address=f"{hub.endpoint()}/{hub.split(name)[0]}",
        )
    if status == 401 and token and (code is None or "expired" in said or "credentials" in said):
        return LabError(
            "{name}: the hub rejects your token, which has expired or is invalid. Create a new one at {address}, "
            "or remove it: public models need none.",
            name=name,
            address=f"{hub.endpoint()}/settings/tokens",
        )
    if isinstance(error, RevisionNotFoundError):
        return LabError("{name}: the hub has this model, but not this version of it.", name=name)
    if isinstance(error, RepositoryNotFoundError) or (status in (401, 404) and code is None):
        return LabError(
            "{name}: no such model on the hub. Check the name; a private one needs HF_TOKEN set to a token with "
            "access.",
            name=name,
        )
    if status == 429:
        return LabError("{name}: the hub's rate limit is reached. Try again later.", name=name)
    return LabError("{name}: the hub returned {status}.", name=name, status=status)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
