"""The page and the API.

`guard` stands in front of everything; `doors` lets people in, `api` is for programs,
`pages` for people; `site` is what they are given, `server` serves them.
"""
