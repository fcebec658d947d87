"""How is the key changed? A new first key, every token sealed anew, then the old keys go."""

from __future__ import annotations

from pathlib import Path

from fitferry.auth import token_cipher
from fitferry.auth.oauth import Tokens


def rotate(key_file: Path, tokens: Tokens) -> None:
    """Change the key. Killed at any point, every token can still be opened. Raises KeyProblem.

    The new key is on the disk before anything is sealed with it, and the old ones stay until nothing needs them.
    """
    with tokens.sealing:
        new = token_cipher.new_key()
        every = list(dict.fromkeys([new, *token_cipher.read_keys(key_file), *tokens.keys()]))
        token_cipher.write_keys(key_file, every)
        tokens.use(token_cipher.TokenCipher(every))
        tokens.reencrypt()
        token_cipher.write_keys(key_file, [new])
        tokens.use(token_cipher.TokenCipher([new]))
