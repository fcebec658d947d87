"""The page and the API.

`middleware` checks every request before any route; `credentials` says who asks. `sign_in` and `consent` let people
in and connect them to Strava, `api` answers programs, `views` and `forms` answer people, with what `dashboard`
gathers, in the `language` of whoever reads. `context` is what all of them are given; `app` puts them together and
`server` serves the result. Flask is imported with the first request that needs it.
"""
