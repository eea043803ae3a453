"""What to look at after a download has failed: the address of the hub, the proxy, the token, the cache's folder."""

from __future__ import annotations

from engines.core.errors import Message

ADDRESS, PROXY = Message("the address of the hub"), Message("the proxy")
TOKEN, CACHE = Message("the token"), Message("the folder of the cache")

#: For each refusal of `hub`, `failures` and `fetch` whose cause may be one of these.
LOOK_AT: dict[str, tuple[Message, ...]] = {
    "{name}: no network ({reason}).": (ADDRESS, PROXY),
    "{name}: the hub does not respond ({reason}). Try again later.": (ADDRESS, PROXY),
    (
        "{name}: the certificate of the hub can't be trusted ({reason}). If your network's proxy uses its own, set "
        "SSL_CERT_FILE to it."
    ): (ADDRESS, PROXY),
    "{name}: the proxy can't be used ({reason}).": (PROXY,),
    "{name}: the proxy can't be used: its address is invalid. In a name or password, / is written %2F, and # %23.": (
        PROXY,
    ),
    "{name}: the hub's response can't be understood.": (ADDRESS, PROXY),
    "{name}: the hub returned {status}.": (ADDRESS,),
    "{address}: not a web address (HF_ENDPOINT).": (ADDRESS,),
    "{name}: gated. Request access at {address}, then set HF_TOKEN to a token of your account.": (TOKEN,),
    (
        "{name}: the hub rejects your token, which has expired or is invalid. Create a new one at {address}, or remove "
        "it: public models need none."
    ): (TOKEN,),
    "{name}: no such model on the hub. Check the name; a private one needs HF_TOKEN set to a token with access.": (
        TOKEN,
        ADDRESS,
    ),
    "{name}: the hub's rate limit is reached. Try again later.": (TOKEN, ADDRESS),
    "{folder}: can't be written ({reason}).": (CACHE,),
    "{name}: needs {need} MB, and only {free} MB are free in {folder}.": (CACHE,),
}


def advised(refusal: Message) -> Message:
    """A refusal with what to look at, where that is known, and with the way that needs no network."""
    found = LOOK_AT.get(refusal.text, ())
    if not refusal.text.endswith("."):
        return refusal  # a fault of the program
    if not found:
        return Message("{refusal} Or drop a folder with the model on the window.", {"refusal": refusal})
    what = found[0] if len(found) == 1 else Message("{first} and {second}", {"first": found[0], "second": found[1]})
    return Message(
        "{refusal} Under Settings, Network and models, check {what}; or drop a folder with the model on the window.",
        {"refusal": refusal, "what": what},
    )
