#!/bin/sh
# The manual and the conf file as shipped say what the tables say.
module=.libs/webhook.so
test -f $module || exit 77 # built without shared objects
exec ./doc/reference/reference check "$srcdir/doc/belfry.conf.5" \
	"$srcdir/doc/manual/conf.md" "$srcdir/doc/manual/event-types.md" \
	"$srcdir/doc/manual/troubleshooting.md" "$srcdir/conf/belfry.conf" -- $PWD/$module \
	$PWD/.libs/smtp.so
