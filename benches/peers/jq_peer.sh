#!/bin/sh
# grep, jq and mawk: jq_peer.sh JOB INPUT OUT. What many do today: search the lines, parse those, count. Writes tab-separated rows.
set -eu
fields='select(.properties.status.errorCode == 50053) | .properties
  | [.userId, .ipAddress, .createdDateTime[0:13], .createdDateTime, .status.failureReason] | @tsv'
group='{ k = $1 FS $2 FS $3; n[k]++; if (!((k, $5) in seen)) { seen[k, $5]; d[k]++ }
  if (!(k in a) || $4 < a[k]) a[k] = $4; if ($4 > z[k]) z[k] = $4 }
  END { for (k in n) print k, n[k], d[k], a[k], z[k] }'
found() { LC_ALL=C grep -F 50053 "$2" | jq -r "$fields"; }
case "$1" in
  J0) found "$@" | mawk -F '\t' -v OFS='\t' "$group" > "$3" ;;
  count) found "$@" | wc -l > "$3" ;;
  *) echo "jq_peer.sh knows no job $1" >&2; exit 2 ;;
esac
