"""What to look at after a download has failed: the address of the hub, the proxy, the token, the cache's folder."""

from __future__ import annotations

from engines.core.errors import Message

ADDRESS, PROXY = Message("the address of the hub"), Message("the proxy")
TOKEN, CACHE = Message("the token"), Message("the folder of the cache")

#: For each refusal of `hub`, `failures` and `fetch` whose cause may be one of these.
LOOK_AT: dict[str, tuple[Message, ...]] = {
    "{name}: no network ({reason}).": (ADDRESS, PROXY),
    "{name}: the hub is silent ({reason}). Try again later.": (ADDRESS, PROXY),
    "{name}: the certificate of the hub can't be trusted ({reason}). If a proxy of your network shows its own, name "
    "that in SSL_CERT_FILE.": (ADDRESS, PROXY),
    "{name}: the proxy can't be used ({reason}).": (PROXY,),
    "{name}: the proxy can't be used: its address is none. In a name or password, / is written %2F, and # %23.": (
        PROXY,
    ),
    "{name}: the hub's answer makes no sense.": (ADDRESS, PROXY),
    "{name}: the hub answers {status}.": (ADDRESS,),
    "{address}: not a web address (HF_ENDPOINT).": (ADDRESS,),
    "{name}: gated; its authors grant access. Ask for it at {address}, then set HF_TOKEN to a token of your account.": (
        TOKEN,
    ),
    "{name}: the hub refuses your token, which has expired or is wrong. Make a new one at {address}, or take it away: "
    "models for everybody need none.": (TOKEN,),
    "{name}: the hub knows no such model. Check the name; for a private one, set HF_TOKEN to a token that may read "
    "it.": (TOKEN, ADDRESS),
    "{name}: the hub takes no more questions from here for now. Try again later.": (TOKEN, ADDRESS),
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
        "{refusal} Under Settings, Network and models, look at {what}; or drop a folder with the model on the window.",
        {"refusal": refusal, "what": what},
    )
