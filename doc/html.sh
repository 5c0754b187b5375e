#!/bin/sh
# html.sh - the manual and the man pages as HTML
#
#   html.sh DOC OUT    reads the folder DOC, writes into the folder OUT
#
# Needs mandoc and cmark-gfm (both packages of Debian). Links between files of
# Markdown become links between files of HTML, and headings get the anchors that
# such links name.
set -eu
doc=$1
out=$2
mkdir -p "$out"

cat >"$out/style.css" <<'EOT'
body { max-width: 50em; margin: 2em auto; padding: 0 1em; line-height: 1.5;
    font-family: sans-serif; }
pre, code { font-family: monospace; background: #f4f4f4; }
pre { padding: .7em; overflow-x: auto; }
table { border-collapse: collapse; }
th, td { border: 1px solid #ccc; padding: .2em .6em; text-align: left;
    vertical-align: top; }
EOT

for page in "$doc"/manual/*.md; do
	name=$(basename "$page" .md)
	{
		echo '<!DOCTYPE html>'
		echo '<html lang="en"><head><meta charset="utf-8">'
		echo "<title>belfry: $name</title>"
		echo '<link rel="stylesheet" href="style.css"></head><body>'
		[ "$name" = index ] || echo '<p><a href="index.html">Manual</a></p>'
		# What is left out are the marks of the reference: comments.
		cmark-gfm -e table "$page" |
			sed '/^<!-- raw HTML omitted -->$/d
			s/href="\([^":]*\)\.md\(#[^"]*\)\{0,1\}"/href="\1.html\2"/g' |
			awk '
			/^<h[1-6]>/ {
				anchor = tolower($0)
				gsub(/<[^>]*>|&[a-z]+;|[^a-z0-9_ -]/, "", anchor)
				gsub(/ /, "-", anchor)
				sub(/>/, " id=\"" anchor "\">")
			}
			{ print }'
		if [ "$name" = index ]; then
			echo '<h2>Man pages</h2><ul>'
			for man in "$doc"/*.[1-9]; do
				man=$(basename "$man")
				echo "<li><a href=\"$man.html\">${man%.*}(${man##*.})</a></li>"
			done
			echo '</ul>'
		fi
		echo '</body></html>'
	} >"$out/$name.html"
done

# Of pages that are no file here mandoc links to Debian's.
online='https://manpages.debian.org/bookworm/%N.%S'
out=$(cd "$out" && pwd)
cd "$doc"
for page in *.[1-9]; do
	mandoc -Thtml -O "style=style.css,man=%N.%S.html;$online" "$page" \
		>"$out/$page.html"
done
