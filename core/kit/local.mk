# belfry-module, for writers of modules; packaged with the headers.
bin_PROGRAMS += belfry-module
belfry_module_SOURCES = core/kit/check.c core/kit/generate.c core/kit/kit.h \
	core/kit/main.c core/kit/new.c core/kit/subject.c core/kit/symbols.c
belfry_module_CPPFLAGS = $(AM_CPPFLAGS) \
	-DBF_TEMPLATES='"$(templatedir)"'
belfry_module_LDADD = libcore.la libbelfry.la $(ELF_LIBS)
belfry_module_LDFLAGS = $(PIE_LDFLAGS)

templatedir = $(pkgdatadir)/module-template
dist_template_DATA = core/kit/template/Makefile core/kit/template/README.md \
	core/kit/template/module.c core/kit/template/test.conf
