/*
 * failing_libraries.c
 *		Allocations of shared libraries that fail when a test wants them to.
 *
 * A library's calls of malloc and its like go through addresses that the dynamic linker has filled
 * in; here they are replaced by those of the functions below.  A sanitizer or valgrind, which has
 * put itself before malloc, stays where it is.
 */
#include <link.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "failing_libraries.h"
#include "tap.h"

void	   *__real_malloc(size_t size);
void	   *__real_calloc(size_t count, size_t size);
void	   *__real_realloc(void *memory, size_t size);
char	   *__real_strdup(const char *text);

bool		failing_libraries;

/* The program's own calls of these lead to failing_allocations.c. */
static void *
library_malloc(size_t size)
{
	return failing_libraries ? malloc(size) : __real_malloc(size);
}

static void *
library_calloc(size_t count, size_t size)
{
	return failing_libraries ? calloc(count, size) : __real_calloc(count, size);
}

static void *
library_realloc(void *memory, size_t size)
{
	return failing_libraries ? realloc(memory, size) : __real_realloc(memory, size);
}

static char *
library_strdup(const char *text)
{
	return failing_libraries ? strdup(text) : __real_strdup(text);
}

/* The addresses in the library's dynamic section. */
typedef struct loaded_library
{
	ElfW(Addr) base;
	const ElfW(Sym) *symbols;
	const char *names;
} loaded_library;

/* A table of the places that the dynamic linker fills in. */
typedef struct relocations
{
	const char *start;
	size_t		size;
	size_t		entry_size;
} relocations;

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

/* Of a table of relocations with addends or without; both begin in the same way. */
static int
fill_in_table(const loaded_library *library, const relocations *table)
{
	int			count = 0;

	for (size_t offset = 0; offset < table->size; offset += table->entry_size)
	{
		const ElfW(Rel) *entry = (const void *) (table->start + offset);

		/* The symbol's number is above the kind of the relocation. */
		size_t		symbol = sizeof(ElfW(Addr)) == 8 ? (uint64_t) entry->r_info >> 32 :
			(uint64_t) entry->r_info >> 8;
		ElfW(Addr) address = replacement_of(library->names + library->symbols[symbol].st_name);

		if (symbol == 0 || address == 0)
			continue;
		fill_in(library->base + entry->r_offset, address);
		count++;
	}
	return count;
}

/* 32-bit x86 has relocations without addends. */
static size_t
entry_size_of(int64_t kind)
{
	return kind == DT_REL ? sizeof(ElfW(Rel)) : sizeof(ElfW(Rela));
}

static int
fill_in_library(const struct dl_phdr_info *info, const ElfW(Dyn) *entries)
{
	loaded_library library = {.base = info->dlpi_addr};
	relocations tables[2] = {{.size = 0}, {.size = 0}};

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
				tables[0].start = (const char *) entry->d_un.d_ptr;
				break;
			case DT_PLTRELSZ:
				tables[0].size = entry->d_un.d_val;
				break;
			case DT_PLTREL:
				tables[0].entry_size = entry_size_of((int64_t) entry->d_un.d_val);
				break;
			case DT_REL:
			case DT_RELA:
				tables[1].start = (const char *) entry->d_un.d_ptr;
				tables[1].entry_size = entry_size_of(entry->d_tag);
				break;
			case DT_RELSZ:
			case DT_RELASZ:
				tables[1].size = entry->d_un.d_val;
				break;
		}
	}
	if (library.symbols == NULL || library.names == NULL)
		return 0;
	return fill_in_table(&library, &tables[0]) + fill_in_table(&library, &tables[1]);
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

void
failing_prepare_library(const char *name)
{
	library_search search = {.name = name};

	(void) dl_iterate_phdr(look_at_library, &search);
	if (search.count == 0)
		tap_bail_out("no allocations of %s are found", name);
}
