"""The page and the API.

`guard` stands in front of everything; `doors` lets people in, `api` is for programs. For people there are `pages`
with what `overview` gathers, as their `viewer` reads it, and `deeds` behind the buttons. `site` is what all of them
are given, `app` puts them together, `server` serves it.
"""
