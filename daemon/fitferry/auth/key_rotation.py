"""Change of the key: a new first key, every stored pair encrypted anew, then the old keys go.

Lock: `AccessTokens.sealing` for the whole change, so that nothing is encrypted with a key that is about to go.
"""

from __future__ import annotations

from pathlib import Path

from fitferry.auth import token_cipher
from fitferry.auth.access_tokens import AccessTokens
from fitferry.auth.token_cipher import TokenCipher


def rotate(key_file: Path, tokens: AccessTokens) -> None:
    """Change the key. Killed at any point, every pair can still be decrypted. Raises KeyFileError.

    The new key is on the disk before anything is encrypted with it, and the old ones stay until nothing needs them.
    """
    with tokens.sealing:
        new = token_cipher.new_key()
        keys = list(dict.fromkeys([new, *token_cipher.read_keys(key_file), *tokens.keys()]))
        token_cipher.write_keys(key_file, keys)
        tokens.use(TokenCipher(keys))
        tokens.reencrypt()
        token_cipher.write_keys(key_file, [new])
        tokens.use(TokenCipher([new]))
