#!/bin/sh
# verify.sh - verifies the signatures of a request of belfry's, in a shell
#
# usage: WEBHOOK_SECRET=SECRET verify.sh < REQUEST
#
# The request is headers, an empty line and the body, as they came. Needs
# openssl, and gives it the key as an argument, which whoever may list this
# machine's processes can see meanwhile.
set -eu

die() { echo "verify.sh: expected $*" >&2; exit 1; }

# The HMAC-SHA256 of standard input, in bytes; $1: the key as hex digits.
mac() { openssl dgst -sha256 -mac HMAC -macopt "hexkey:$1" -binary; }
hex() { od -An -v -tx1 | tr -d ' \n'; }

# In constant time: what differs somewhere differs everywhere in its HMACs under
# a key that nobody knows.
once=$(openssl rand -hex 32)
same() { [ "$(printf %s "$1" | mac "$once" | hex)" = \
	"$(printf %s "$2" | mac "$once" | hex)" ]; }

header() {
	sed '/^\r*$/q' "$request" | tr -d '\r' | grep -i "^$1:" | head -n 1 |
		sed 's/^[^:]*: *//'
}

# The one-valued header, keyed with the secret's text as it stands.
verify_raw() {
	same "$(header X-Reoclo-Signature-256)" \
		"sha256=$(mac "$(printf %s "$secret" | hex)" <"$body" | hex)"
}

# Standard Webhooks: id, time and body; one of the signatures has to match.
verify_standard() {
	sent=$(header webhook-timestamp)
	case $sent in ''|*[!0-9]*) return 1 ;; esac
	off=$(($(date +%s) - sent))
	[ "$off" -le 300 ] && [ "$off" -ge -300 ] || return 1
	case $secret in
	whsec_*) key=$(printf %s "${secret#whsec_}" | base64 -d | hex) ;;
	*) key=$(printf %s "$secret" | hex) ;;
	esac
	expected=v1,$({ printf %s.%s. "$(header webhook-id)" "$sent"
		cat "$body"; } | mac "$key" | base64)
	for one in $(header webhook-signature); do
		same "$one" "$expected" && return 0
	done
	return 1
}

secret=${WEBHOOK_SECRET:-}
[ -n "$secret" ] || die "the channel's secret in WEBHOOK_SECRET"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
request=$folder/request body=$folder/body
cat >"$request"
grep -q "^$(printf '\r')*\$" "$request" ||
	die "a request: headers, an empty line, the body"
sed '1,/^\r*$/d' "$request" >"$body"

raw='does not hold' standard='does not hold'
if verify_raw; then raw=holds; fi
if verify_standard; then standard=holds; fi
printf '%s\n' "raw body: $raw" "Standard Webhooks: $standard"
[ "$raw $standard" = 'holds holds' ]
