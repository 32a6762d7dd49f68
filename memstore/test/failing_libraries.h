/*
 * failing_libraries.h
 *		The same for the allocations that a shared library makes.
 *
 * Its calls of malloc and its like go through addresses that the dynamic linker has filled in; here
 * they are filled in anew, so that they lead to the functions below.  A sanitizer or valgrind,
 * which has put itself before malloc, stays where it is.
 */
#ifndef FACTSTR_FAILING_LIBRARIES_H
#define FACTSTR_FAILING_LIBRARIES_H

#include <link.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "failing_allocations.h"

static bool libraries_fail;

static void *
library_malloc(size_t size)
{
	return libraries_fail && allocation_fails() ? NULL : __real_malloc(size);
}

static void *
library_calloc(size_t count, size_t size)
{
	return libraries_fail && allocation_fails() ? NULL : __real_calloc(count, size);
}

static void *
library_realloc(void *memory, size_t size)
{
	return libraries_fail && allocation_fails() ? NULL : __real_realloc(memory, size);
}

static char *
library_strdup(const char *text)
{
	return libraries_fail && allocation_fails() ? NULL : __real_strdup(text);
}

/* What the library's dynamic section says of where things are. */
typedef struct loaded_library
{
	ElfW(Addr) base;
	const ElfW(Sym) *symbols;
	const char *names;
} loaded_library;

typedef struct replaced_function
{
	const char *name;
	ElfW(Addr) address;
} replaced_function;

static ElfW(Addr)
replacement_of(const char *name)
{
	const replaced_function functions[] = {
		{"malloc", (ElfW(Addr)) library_malloc},
		{"calloc", (ElfW(Addr)) library_calloc},
		{"realloc", (ElfW(Addr)) library_realloc},
		{"strdup", (ElfW(Addr)) library_strdup},
		{"__strdup", (ElfW(Addr)) library_strdup}
	};

	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
	{
		if (strcmp(name, functions[i].name) == 0)
			return functions[i].address;
	}
	return 0;
}

/* The dynamic linker may have protected the place since it filled it in. */
static void
fill_in(ElfW(Addr) place, ElfW(Addr) address)
{
	uintptr_t	page_size = (uintptr_t) sysconf(_SC_PAGESIZE);
	void	   *page = (void *) (place & ~(page_size - 1));

	if (mprotect(page, page_size, PROT_READ | PROT_WRITE) == 0)
		memcpy((void *) place, &address, sizeof(address));
}

static int
fill_in_table(const loaded_library *library, const ElfW(Rela) *table, size_t size)
{
	int			count = 0;

	for (size_t i = 0; i < size / sizeof(*table); i++)
	{
		/* The symbol's number is above the kind of the relocation. */
		size_t		symbol = sizeof(ElfW(Addr)) == 8 ? (uint64_t) table[i].r_info >> 32 :
			(uint64_t) table[i].r_info >> 8;
		ElfW(Addr) address = replacement_of(library->names + library->symbols[symbol].st_name);

		if (symbol == 0 || address == 0)
			continue;
		fill_in(library->base + table[i].r_offset, address);
		count++;
	}
	return count;
}

static int
fill_in_library(const struct dl_phdr_info *info, const ElfW(Dyn) *entries)
{
	loaded_library library = {.base = info->dlpi_addr};
	const ElfW(Rela) *tables[2] = {NULL, NULL};
	size_t		sizes[2] = {0, 0};

	for (const ElfW(Dyn) *entry = entries; entry->d_tag != DT_NULL; entry++)
	{
		switch (entry->d_tag)
		{
			case DT_SYMTAB:
				library.symbols = (const void *) entry->d_un.d_ptr;
				break;
			case DT_STRTAB:
				library.names = (const void *) entry->d_un.d_ptr;
				break;
			case DT_JMPREL:
				tables[0] = (const void *) entry->d_un.d_ptr;
				break;
			case DT_PLTRELSZ:
				sizes[0] = entry->d_un.d_val;
				break;
			case DT_RELA:
				tables[1] = (const void *) entry->d_un.d_ptr;
				break;
			case DT_RELASZ:
				sizes[1] = entry->d_un.d_val;
				break;
		}
	}
	return fill_in_table(&library, tables[0], sizes[0]) +
		fill_in_table(&library, tables[1], sizes[1]);
}

typedef struct library_search
{
	const char *name;
	int			count;			/* of the calls that have been redirected */
} library_search;

static int
look_at_library(struct dl_phdr_info *info, size_t size, void *argument)
{
	library_search *search = argument;

	(void) size;
	if (strstr(info->dlpi_name, search->name) == NULL)
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++)
	{
		if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
			search->count = fill_in_library(info, (const void *) (info->dlpi_addr +
																  info->dlpi_phdr[i].p_vaddr));
	}
	return 1;
}

/* name is the beginning of its file's name, with the slash before it.  False: nothing found. */
static inline bool
let_library_fail(const char *name)
{
	library_search search = {.name = name};

	(void) dl_iterate_phdr(look_at_library, &search);
	return search.count > 0;
}

#endif							/* FACTSTR_FAILING_LIBRARIES_H */
