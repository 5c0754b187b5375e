#!/bin/sh
# The manual and the conf file as shipped say what the tables say.
set --
for name in webhook smtp slack-format discord-embed exec syslog; do
	test -f .libs/$name.so || exit 77 # built without shared objects
	set -- "$@" "$PWD/.libs/$name.so"
done
exec ./doc/reference/reference check "$srcdir/doc/belfry.conf.5" \
	"$srcdir/doc/manual/conf.md" "$srcdir/doc/manual/event-types.md" \
	"$srcdir/doc/manual/troubleshooting.md" "$srcdir/conf/belfry.conf" -- \
	"$@"
