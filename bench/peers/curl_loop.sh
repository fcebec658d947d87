#!/bin/bash
# What do a few lines of shell do? A peer: the kernel tells of files, curl sends them and tries three times more.
# curl_loop.sh FOLDER DONE; the token is in $STRAVA_TOKEN, the API's address in $STRAVA_API.
ask() { curl --fail --silent --show-error --retry 3 --header "Authorization: Bearer $STRAVA_TOKEN" "$@"; }

inotifywait --monitor --recursive -e close_write -e moved_to --format '%w%f' "$1" |
  while IFS= read -r path; do
    case ${path,,} in *.fit) ;; *) continue ;; esac
    id=$(ask -F "file=@\"$path\"" -F data_type=fit -F "external_id=${path##*/}" "$STRAVA_API/uploads" | jq -r '.id // empty')
    for pause in ${id:+1 1 1 2 4 8 16}; do
      sleep "$pause"
      answer=$(ask "$STRAVA_API/uploads/$id")
      activity=$(jq -r '.activity_id // empty' <<<"$answer")
      if [ -n "$activity" ]; then
        printf '%s\t%s\n' "${path##*/}" "$activity" >>"$2"
        continue 2
      fi
      [ -z "$(jq -r '.error // empty' <<<"$answer")" ] || break
    done
    echo "failed: $path $answer" >&2
  done
