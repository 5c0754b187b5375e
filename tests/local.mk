

# What reads the code for defects; see tests/analysis/analyze. "analyze" is part
# of ./quickstart check; clang-tidy, which takes minutes, is for by hand.
ANALYSIS_FLAGS = $(DEFS) -I$(abs_builddir)/include -I$(abs_top_srcdir) \
	$(AM_CPPFLAGS) $(OPENSSL_CFLAGS) $(CJSON_CFLAGS) \
	$(EVENT_CFLAGS) $(SQLITE_CFLAGS) $(CURL_CFLAGS) $(SECCOMP_CFLAGS) \
	$(GUMBO_CFLAGS) $(IDN2_CFLAGS) -DBF_TEMPLATES='"templates"'
ANALYZE = printf '%s\n' $(ANALYSIS_FLAGS) >analysis.flags && \
	$(top_srcdir)/tests/analysis/analyze $(top_srcdir) analysis.flags

analyze:
	$(AM_V_at)$(ANALYZE) cppcheck gcc
analyze-slowly:
	$(AM_V_at)$(ANALYZE) clang-tidy
.PHONY: analyze analyze-slowly
CLEANFILES += analysis.flags
EXTRA_DIST += .clang-tidy tests/analysis
