"""How is the key changed? A new first key, every token sealed anew, then the old keys go."""

from __future__ import annotations

from pathlib import Path

from fitferry import vault
from fitferry.tokens import Tokens


def rotate(key_file: Path, tokens: Tokens) -> None:
    """Change the key. Killed at any point, every token can still be opened. Raises KeyProblem.

    The new key is on the disk before anything is sealed with it, and the old ones stay until nothing needs them.
    """
    with tokens.sealing:
        new = vault.new_key()
        every = list(dict.fromkeys([new, *vault.read_keys(key_file), *tokens.keys()]))
        vault.write_keys(key_file, every)
        tokens.use(vault.Vault(every))
        tokens.reseal()
        vault.write_keys(key_file, [new])
        tokens.use(vault.Vault([new]))
