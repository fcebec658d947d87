"""Who may act for an athlete: sign-in, access tokens, revocation, and the key that encrypts them."""
