/*
 * html_test.c - HTML as text, mrkdwn and Markdown
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/html.h>

#define ZWSP "\xe2\x80\x8b"

static const struct bf_limit no_limit;
static int failures;

/* Converts html and compares. */
static void
check(enum bf_markup markup, const char *html, const char *expected)
{
	struct bf_buf out = { 0 };

	bf_html_convert(&out, markup, html, no_limit);
	if (strcmp(bf_buf_text(&out), expected) != 0) {
		print_error("from %s\nexpected %s\nnot %s\n", html, expected,
		    bf_buf_text(&out));
		failures++;
	}
	bf_buf_free(&out);
}

/* HTML and what it is in each markup; NULL: as the one before. */
static const struct {
	const char *html, *text, *mrkdwn, *markdown;
} cases[] = {
	/* nothing */
	{ "", "", NULL, NULL },
	{ " \n\t ", "", NULL, NULL },
	{ "<p></p><p>&nbsp;</p><br>", "", NULL, NULL },
	/* text and white space */
	{ "plain", "plain", NULL, NULL },
	{ " a \n\t b ", "a b", NULL, NULL },
	{ "10&nbsp;km", "10 km", NULL, NULL },
	{ "a<wbr>b", "ab", NULL, NULL },
	{ "a\xe2\x80\xa8\xe2\x80\xa9"
	  "b",
	    "a b", NULL, NULL },
	{ "a\x01"
	  "b\xc2\x85"
	  "c",
	    "a\xef\xbf\xbd"
	    "b\xef\xbf\xbd"
	    "c",
	    NULL, NULL },
	/* paragraphs, breaks, headings, rules */
	{ "<p>a</p><p>b</p>", "a\n\nb", NULL, NULL },
	{ "<p>a<p>b", "a\n\nb", NULL, NULL },
	{ "a<br>b", "a\nb", NULL, NULL },
	{ "a<br><br>b", "a\n\nb", NULL, NULL },
	{ "a<br><br><br><br>b", "a\n\nb", NULL, NULL },
	{ "<div>a</div><div>b</div>c", "a\nb\nc", NULL, NULL },
	{ "<h1>Title</h1><p>a</p>", "Title\n\na", "*Title*\n\na",
	    "**Title**\n\na" },
	{ "a<hr>b", "a\n--------\nb", "a\n————————\nb", NULL },
	/* styles */
	{ "<b>x</b> <strong>y</strong>", "x y", "*x y*", "**x y**" },
	{ "<i>x</i>, <em>y</em>.", "x, y.", "_x_, _y_.", NULL },
	{ "<s>x</s> <del>y</del>", "x y", "~x y~", "~~x y~~" },
	{ "<code>x y</code>", "x y", "`x y`", NULL },
	{ "<b>a <i>b</i> c</b>", "a b c", "*a _b_ c*", "**a _b_ c**" },
	{ "<b> a </b>b", "a b", "*a* b", "**a** b" },
	{ "<b>a<br>b</b>", "a\nb", "*a*\n*b*", "**a**\n**b**" },
	{ "<b>a</b>b", "ab", "*a*" ZWSP "b", "**a**b" },
	{ "a<b>b</b>", "ab", "a" ZWSP "*b*", "a**b**" },
	{ "<b></b>a", "a", NULL, NULL },
	{ "<b><p>a</p><p>b</p></b>", "a\n\nb", "*a*\n\n*b*", "**a**\n\n**b**" },
	{ "<i>a <b>b</i> c</b>", "a b c", "_a *b*_ *c*", "_a **b**_ **c**" },
	{ "<code>a`b</code>", "a`b", "a`" ZWSP "b", "a\\`b" },
	/* what would format is text */
	{ "*a* _b_ ~c~ `d`", "*a* _b_ ~c~ `d`",
	    "*" ZWSP "a* _" ZWSP "b_ ~" ZWSP "c~ `" ZWSP "d`" ZWSP,
	    "\\*a\\* \\_b\\_ \\~c\\~ \\`d\\`" },
	{ "snake_case_name 2*3*4 a * b", "snake_case_name 2*3*4 a * b",
	    "snake_case_name 2*3*4 a * b",
	    "snake\\_case\\_name 2\\*3\\*4 a \\* b" },
	{ "# a", "# a", "# a", "\\# a" },
	{ "1. a", "1. a", "1. a", "1\\. a" },
	{ "- a", "- a", "- a", "\\- a" },
	{ "&gt; a", "> a", ZWSP "&gt; a", "\\> a" },
	{ "a &gt; b", "a > b", "a &gt; b", "a > b" },
	{ "AT&amp;T &lt;tag&gt;", "AT&T <tag>", "AT&amp;T &lt;tag&gt;",
	    "AT&T \\<tag>" },
	{ "[x](https://evil.example)", "[x](https://evil.example)",
	    "[x](<https://evil.example>)", "\\[x\\](https://evil.example)" },
	{ "a ||b||", "a ||b||", "a ||b||", "a \\|\\|b\\|\\|" },
	{ "at 12:30:45 :tada:", "at 12:30:45 :tada:",
	    "at 12:30:45 :" ZWSP "tada:", "at 12:30:45 \\:tada:" },
	/* mentions */
	{ "&lt;!channel&gt; &lt;@U123&gt;", "<!channel> <@U123>",
	    "&lt;!channel&gt; &lt;@U123&gt;",
	    "\\<!channel> \\<@" ZWSP "U123>" },
	{ "<!channel> a", "a", NULL, NULL },
	{ "&amp;lt;!channel&amp;gt;", "&lt;!channel&gt;",
	    "&amp;lt;!channel&amp;gt;", "&lt;!channel&gt;" },
	{ "@everyone @HERE me@example.com", "@everyone @HERE me@example.com",
	    "@everyone @HERE me@example.com",
	    "@" ZWSP "everyone @" ZWSP "HERE me@example.com" },
	{ "@<span>every</span>one", "@everyone", "@everyone",
	    "@" ZWSP "everyone" },
	{ "@<!-- -->everyone", "@everyone", "@everyone", "@" ZWSP "everyone" },
	{ "https://e.example/@everyone "
	  "<a href='https://e.example/@here'>x</a>",
	    "https://e.example/@everyone x <https://e.example/@here>",
	    "<https://e.example/>@everyone <https://e.example/@here|x>",
	    "https://e.example/@" ZWSP
	    "everyone [x](https://e.example/%40here)" },
	{ "<pre>@everyone</pre>", "@everyone", "```\n@everyone\n```",
	    "```\n@" ZWSP "everyone\n```" },
	{ "@<b></b>everyone @he<span>re</span> a@b", "@everyone @here a@b",
	    NULL, "@" ZWSP "everyone @" ZWSP "here a@b" },
	/* links */
	{ "<a href=\"https://example.com/a?b=1&amp;c=2\">text</a>",
	    "text <https://example.com/a?b=1&c=2>",
	    "<https://example.com/a?b=1&amp;c=2|text>",
	    "[text](https://example.com/a?b=1&c=2)" },
	{ "<a href='https://example.com/'>https://example.com/</a>",
	    "https://example.com/", "<https://example.com/>",
	    "https://example.com/" },
	{ "<a href='https://example.com/'>example.com</a>",
	    "https://example.com/", "<https://example.com/>",
	    "https://example.com/" },
	{ "<a href='mailto:ops@example.com'>ops@example.com</a>",
	    "ops@example.com", "<mailto:ops@example.com|ops@example.com>",
	    "ops@example.com" },
	{ "<a href='mailto:ops@example.com'>Ops</a>", "Ops <ops@example.com>",
	    "<mailto:ops@example.com|Ops>", "Ops (ops@example.com)" },
	{ "<a href='javascript:alert(1)'>text</a>", "text", NULL, NULL },
	{ "<a href=' java\nscript:alert(1)'>text</a>", "text", NULL, NULL },
	{ "<a href='data:text/html,x'>text</a>", "text", NULL, NULL },
	{ "<a href='/relative'>text</a>", "text", NULL, NULL },
	{ "<a href='//example.com'>text</a>", "text", NULL, NULL },
	{ "<a href='https://good.example@evil.example/'>text</a>", "text", NULL,
	    NULL },
	{ "<a href='https://evil.example\\@good.example/'>good.example</a>",
	    "good.example <https://evil.example/@good.example/>",
	    "good.example (<https://evil.example/@good.example/>)",
	    "good.example (https://evil.example/%40good.example/)" },
	{ "<a href='https://evil.example/'>www.good.example</a>",
	    "www.good.example <https://evil.example/>",
	    "www.good.example (<https://evil.example/>)",
	    "www.good.example (https://evil.example/)" },
	{ "<a href='https://evil.example/'>good&#xAD;.example</a>",
	    "good\xc2\xad.example <https://evil.example/>",
	    "good\xc2\xad.example (<https://evil.example/>)",
	    "good\xc2\xad.example (https://evil.example/)" },
	{ "<a href='https://evil.example/'>good&#1;.example</a>",
	    "good.example <https://evil.example/>",
	    "good.example (<https://evil.example/>)",
	    "good.example (https://evil.example/)" },
	{ "<p>&#1;&gt; a @&#127;here</p><p>&#1; # b</p>", "> a @here\n\n# b",
	    ZWSP "&gt; a @here\n\n# b", "\\> a @" ZWSP "here\n\n\\# b" },
	{ "<a href='https://www.example.com/x'>Example.com status</a>",
	    "Example.com status <https://www.example.com/x>",
	    "<https://www.example.com/x|Example.com status>",
	    "[Example.com status](https://www.example.com/x)" },
	{ "<a href='https://b\xc3\xbc"
	  "cher.example/\xc3\xa4'>x</a>",
	    "x <https://xn--bcher-kva.example/%C3%A4>",
	    "<https://xn--bcher-kva.example/%C3%A4|x>",
	    "[x](https://xn--bcher-kva.example/%C3%A4)" },
	{ "<a href='https://e.example/|>*'>a|b</a>",
	    "a|b <https://e.example/%7C%3E*>",
	    "<https://e.example/%7C%3E*|a|b>",
	    "[a\\|b](https://e.example/%7C%3E*)" },
	{ "<a href='https://e.example/a(b)'>a]b</a>",
	    "a]b <https://e.example/a(b)>", "<https://e.example/a(b)|a]b>",
	    "[a\\]b](https://e.example/a%28b%29)" },
	{ "<b><a href='https://e.example/'>x</a></b>", "x <https://e.example/>",
	    "*<https://e.example/|x>*", "**[x](https://e.example/)**" },
	{ "<a href='https://e.example/'><p>a</p><p>b</p></a>",
	    "a\n\nb\n\n<https://e.example/>",
	    "a\n\nb\n\n(<https://e.example/>)",
	    "a\n\nb\n\n(https://e.example/)" },
	{ "<a name=x>text</a>", "text", NULL, NULL },
	/* images */
	{ "<img src='https://e.example/x.png' alt='Load'>",
	    "Load <https://e.example/x.png>", "<https://e.example/x.png|Load>",
	    "[Load](https://e.example/x.png)" },
	{ "<img src='https://e.example/x.png'>",
	    "image <https://e.example/x.png>",
	    "<https://e.example/x.png|image>",
	    "[image](https://e.example/x.png)" },
	{ "<img src='https://e.example/x.png' alt=''>a", "a", NULL, NULL },
	{ "<img src='data:image/png;base64,x' alt='Load'>", "Load", NULL,
	    NULL },
	{ "<a href='https://e.example/'><img src='https://e.example/x.png' "
	  "alt='Load'></a>",
	    "Load <https://e.example/>", "<https://e.example/|Load>",
	    "[Load](https://e.example/)" },
	/* lists */
	{ "a<ul><li>b<li>c</ul>d", "a\n\n* b\n* c\n\nd", "a\n\n• b\n• c\n\nd",
	    "a\n\n- b\n- c\n\nd" },
	{ "<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>", "* a\n  * b\n* c",
	    "• a\n   • b\n• c", "- a\n  - b\n- c" },
	{ "<ol><li>a<li>b</ol>", "1. a\n2. b", NULL, NULL },
	{ "<ol start=9><li>a<li>b<br>c</ol>", "9. a\n10. b\n    c", NULL,
	    NULL },
	{ "<ol><li value=5>a<li>b</ol>", "5. a\n6. b", NULL, NULL },
	{ "<ul><li># a</ul>", "* # a", "• # a", "- \\# a" },
	{ "<li>a", "* a", "• a", "- a" },
	{ "<dl><dt>a<dd>b</dl>", "a\n  b", NULL, NULL },
	/* quotes */
	{ "<blockquote><p>a</p><p>b</p></blockquote>c", "> a\n>\n> b\n\nc",
	    NULL, NULL },
	{ "<blockquote>a<blockquote>b</blockquote></blockquote>",
	    "> a\n>\n> > b", NULL, NULL },
	{ "<q>a</q>", "“a”", NULL, NULL },
	/* pre */
	{ "<pre>\na\n  b &amp; c\n\n\td\n</pre>e", "a\n  b & c\n\n\td\n\ne",
	    "```\na\n  b &amp; c\n\n\td\n```\n\ne",
	    "```\na\n  b & c\n\n\td\n```\n\ne" },
	{ "<pre>a ``` b</pre>", "a ``` b",
	    "```\na `" ZWSP "`" ZWSP "`" ZWSP " b\n```", NULL },
	{ "<pre><b>*a*</b> _b_</pre>", "*a* _b_", "```\n*a* _b_\n```", NULL },
	{ "<blockquote><pre>a\n\nb</pre></blockquote>", "> a\n>\n> b",
	    "> ```\n> a\n>\n> b\n> ```", NULL },
	{ "<pre> </pre>a", "a", NULL, NULL },
	/* tables */
	{ "<table><tr><th>Name<th>Age<tr><td>Ada<td>36<tr><td>\xe6\x9d\x8e"
	  "<td>7</table>",
	    "Name  Age\n----  ---\nAda   36\n\xe6\x9d\x8e    7",
	    "```\nName  Age\n----  ---\nAda   36\n\xe6\x9d\x8e    7\n```",
	    NULL },
	{ "<table><tr><td><p>a</p><p>b</p></table>", "a\n\nb", NULL, NULL },
	{ "<table><tr><td><table><tr><td>a<td>b</table></table>", "a  b",
	    "```\na  b\n```", NULL },
	{ "<table><caption>T</caption><tr><td>a<td>b</table>c", "T\na  b\n\nc",
	    "T\n```\na  b\n```\n\nc", NULL },
	{ "<table><tr><td>a<td><ul><li>b</ul></table>", "a\n\n* b", "a\n\n• b",
	    "a\n\n- b" },
	/* what is not shown */
	{ "<style>p{}</style><script>a<b</script>x<title>t</title>", "x", NULL,
	    NULL },
	{ "a<p hidden>b</p><p style='color:red;Display : NONE'>c</p>", "a",
	    NULL, NULL },
	{ "<html><head><title>t</title></head><body>a</body></html>", "a", NULL,
	    NULL },
	{ "a<select><option>b</select>c", "ac", NULL, NULL },
	{ "a<script>", "a", NULL, NULL },
	/* what is broken */
	{ "a < b", "a < b", "a &lt; b", "a \\< b" },
	{ "a <b", "a", NULL, NULL },
	{ "a&#0;b",
	    "a\xef\xbf\xbd"
	    "b",
	    NULL, NULL },
	{ "&#1114112; &bogus; &#128512;", "\xef\xbf\xbd &bogus; 😀",
	    "\xef\xbf\xbd &amp;bogus; 😀", "\xef\xbf\xbd &bogus; 😀" },
	{ "\xff\xc0\x80\xed\xa0\x80", NULL, NULL, NULL },
	{ "<![CDATA[x]]>a<!-->b<!--->c<!-- --!>d", "abcd", NULL, NULL },
	{ "a</>b</ >c<?d>e", "abce", NULL, NULL },
	{ "<p title='>'>a", "a", NULL, NULL },
	{ "<<b>a", "<a", "&lt;" ZWSP "*a*", "\\<**a**" },
};

static void
each_markup_shows_html_as_it_best_can(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *expected[] = { cases[i].text, cases[i].mrkdwn,
			cases[i].markdown };

		for (int markup = BF_PLAIN_TEXT; markup <= BF_DISCORD_MARKDOWN;
		     markup++) {
			if (markup > 0 && !expected[markup])
				expected[markup] = expected[markup - 1];
			if (expected[markup])
				check((enum bf_markup)markup, cases[i].html,
				    expected[markup]);
		}
	}
	assert_int_equal(failures, 0);
}

/* Repeats a piece so often and puts the text behind it. */
static void
check_deep(const char *piece, size_t times, const char *text,
    const char *expected)
{
	struct bf_buf html = { 0 }, out = { 0 };

	for (size_t i = 0; i < times; i++)
		bf_buf_add_text(&html, piece);
	bf_buf_add_text(&html, text);
	bf_html_convert(&out, BF_PLAIN_TEXT, html.data, no_limit);
	assert_string_equal(bf_buf_text(&out), expected);
	bf_buf_free(&html);
	bf_buf_free(&out);
}

static void
what_is_too_deep_is_stripped_and_says_so(void **state)
{
	static const char *const deep[] = { "<div>", "<b x>", "<p><b x>",
		"<div><table><tr><td></div>", "<b><div></b>",
		"<blockquote><li>" };

	(void)state;
	for (size_t i = 0; i < sizeof(deep) / sizeof(*deep); i++)
		check_deep(deep[i], 20000, "a &amp; <i>b</i>",
		    "[Without formatting: the HTML is too large or too deeply "
		    "nested]\n\na & b");
	check_deep("<div>", 90, "a", "a");
	/* What is closed, or closed by what follows, is not deep. */
	check_deep("<div></div><p><li><br>", 5000, "a", "* a");
}

/* A cut where nothing is shown before it, found by the fuzz target. */
static void
what_is_cut_off_at_its_beginning_has_no_blank_in_front(void **state)
{
	static const char html[] = "<pre>\f<li>a9>cote>>/<ul>\x9c"
				   "3><li>b";

	(void)state;
	for (int markup = BF_PLAIN_TEXT; markup <= BF_DISCORD_MARKDOWN;
	     markup++) {
		for (size_t most = 1; most < 60; most++) {
			const struct bf_limit limit = { most, BF_UNIT_UTF16 };
			struct bf_buf out = { 0 };

			bf_html_convert(&out, (enum bf_markup)markup, html,
			    limit);
			assert_true(bf_length(out.data, out.size,
					BF_UNIT_UTF16) <= most);
			assert_true(out.size == 0 || out.data[0] != ' ');
			bf_buf_free(&out);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    what_is_cut_off_at_its_beginning_has_no_blank_in_front),
		cmocka_unit_test(each_markup_shows_html_as_it_best_can),
		cmocka_unit_test(what_is_too_deep_is_stripped_and_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
