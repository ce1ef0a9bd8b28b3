#!/bin/sh
# Makes the secrets of compose.yaml, once, in secrets/. What a container reads as uid 65532
# belongs to that uid where we are root, and can be read by all of this machine where not.
set -eu
cd "$(dirname "$0")"
[ ! -e secrets ] || { echo "secrets/ is there already" >&2; exit 1; }

random() { head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'; }

umask 077
mkdir secrets
key=APIsealtape # no secret: livekit.yaml has it, too
secret=$(random)
printf '%s: %s\n' "$key" "$secret" >secrets/livekit-keys
printf '%s\n' "$secret" >secrets/livekit-secret
printf 'LIVEKIT_API_KEY=%s\n' "$key" >secrets/livekit.env
user=root-$(random)
password=$(random)
printf 'MINIO_ROOT_USER=%s\nMINIO_ROOT_PASSWORD=%s\n' "$user" "$password" >secrets/minio.env
# A key of its own, that adds and takes nothing back, is better: "sealtape doctor --policy
# --store s3://meetings/2026" prints its policy.
printf 'AWS_ACCESS_KEY_ID=%s\nAWS_SECRET_ACCESS_KEY=%s\n' "$user" "$password" >secrets/store.env
if [ "$(id -u)" = 0 ]; then
	chown 65532:65532 secrets/livekit-secret
	chmod 0600 secrets/livekit-keys
else
	chmod 0644 secrets/livekit-secret
	chmod 0711 secrets
fi
