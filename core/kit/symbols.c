/*
 * symbols.c - what a shared object shows, and allocations that fail
 *
 * ELF is read by libelf: the reader that Debian's own tools are made with.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <gelf.h>

#include "core/kit/kit.h"

static void
add_symbols(Elf *elf, Elf_Scn *section, const GElf_Shdr *header,
    struct bf_strings *names)
{
	Elf_Data *data = elf_getdata(section, NULL);
	const size_t count =
	    header->sh_entsize ? header->sh_size / header->sh_entsize : 0;

	for (size_t i = 0; data && i < count; i++) {
		const char *name;
		GElf_Sym symbol;

		if (!gelf_getsym(data, (int)i, &symbol) ||
		    symbol.st_shndx == SHN_UNDEF ||
		    GELF_ST_BIND(symbol.st_info) == STB_LOCAL)
			continue;
		name = elf_strptr(elf, header->sh_link, symbol.st_name);
		if (name)
			bf_strings_add(names, name);
	}
}

int
bf_kit_symbols(const char *path, struct bf_strings *names, struct bf_error *err)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	Elf *elf;

	if (fd == -1) {
		bf_error_errno(err, "read %s", path);
		return -1;
	}
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	while (elf && (section = elf_nextscn(elf, section))) {
		if (gelf_getshdr(section, &header) &&
		    header.sh_type == SHT_DYNSYM)
			add_symbols(elf, section, &header, names);
	}
	elf_end(elf);
	close(fd);
	if (elf)
		return 0;
	bf_error_set(err, "%s: %s", path, elf_errmsg(-1));
	return -1;
}

/* ---- allocations that fail ---- */

#ifdef BF_SANITIZED
int
bf_kit_fail_allocations(unsigned n)
{
	(void)n;
	return -1;
}
#else
/* glibc's own, behind the names that the dynamic linker finds here first. */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

static unsigned allocations_left; /* 0: they do not fail */

static int
fails(void)
{
	if (allocations_left == 0)
		return 0;
	if (allocations_left > 1) {
		allocations_left--;
		return 0;
	}
	errno = ENOMEM;
	return 1;
}

BF_API void *
malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

BF_API void *
calloc(size_t count, size_t size)
{
	return fails() ? NULL : __libc_calloc(count, size);
}

BF_API void *
realloc(void *memory, size_t size)
{
	return fails() ? NULL : __libc_realloc(memory, size);
}

int
bf_kit_fail_allocations(unsigned n)
{
	allocations_left = n;
	return 0;
}
#endif
