#!/bin/sh
#
# make install: its files and their places; compiling and linking programs with the installed library.  Run from
# memstore/.

# shellcheck source=memstore/test/lib/results.sh
. test/lib/results.sh
unset MAKEFLAGS MFLAGS MAKELEVEL DESTDIR PKG_CONFIG_PATH LD_LIBRARY_PATH
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The library was built with these, and must not be built again now.
options=$(cat build/options)
sanitizers=$(printf '%s\n' "$options" | tr ' ' '\n' | grep '^-fsanitize=')
case $sanitizers in
  '') set -- ;;
  *thread*) set -- TSAN=1 ;;
  *) set -- SANITIZE=1 ;;
esac
CC=${options%% POSTGRES=*}
postgres=${options#*POSTGRES=}
postgres=${postgres%% *}
set -- "$@" POSTGRES="$postgres"
compile() {
  # shellcheck disable=SC2086  # lists of arguments
  $CC $sanitizers "$@"
}

# The programs of root and of an ordinary user, for any user who runs this: calls of ldconfig are only noted.
mkdir "$work/superuser" "$work/user"
printf '#!/bin/sh\necho 0\n' >"$work/superuser/id"
printf '#!/bin/sh\necho 1000\n' >"$work/user/id"
for who in superuser user; do
  printf '#!/bin/sh\necho "$@" >>"%s/ldconfig.log"\n' "$work" >"$work/$who/ldconfig"
  chmod +x "$work/$who/id" "$work/$who/ldconfig"
done

install_as() {
  who=$1
  shift
  : >"$work/ldconfig.log"
  PATH="$work/$who:$PATH" make -s CC="$CC" install "$@" 2>&1
}

touch "$work/before"
said=$(install_as user prefix="$work/usr" "$@")
is "installing writes nothing into build/" "$(find build -newer "$work/before" ! -type d)" ""
is "an ordinary user does not call ldconfig to change anything" "$(grep -v -e -p "$work/ldconfig.log")" ""
contains "but is told how programs find the library" "$said" "LD_LIBRARY_PATH=$work/usr/lib"
is "factstr.pc can be read by everybody" "$(stat -c %a "$work/usr/lib/pkgconfig/factstr.pc")" 644

said=$(install_as superuser prefix="$work/usr" "$@")
is "root calls ldconfig" "$(grep -c '^$' "$work/ldconfig.log")" 1
said=$(install_as superuser DESTDIR="$work/stage" prefix=/opt/factstr "$@")
is "not into a stage" "$(cat "$work/ldconfig.log")$said" ""
is "a stage has all of it below itself" "$(cd "$work/stage" && echo *)" opt
contains "factstr.pc knows nothing of the stage" "$(cat "$work/stage/opt/factstr/lib/pkgconfig/factstr.pc")" 'prefix=/opt/factstr'
said=$(install_as user DESTDIR="$work/multi" prefix=/usr libdir=/usr/lib/x86_64-linux-gnu "$@")
# shellcheck disable=SC2016  # pkg-config's variable
contains "another libdir" "$(cat "$work/multi/usr/lib/x86_64-linux-gnu/pkgconfig/factstr.pc")" \
  'libdir=${prefix}/lib/x86_64-linux-gnu'
make -s uninstall DESTDIR="$work/multi" prefix=/usr libdir=/usr/lib/x86_64-linux-gnu >"$work/output" 2>&1
is "uninstall leaves no file" "$(find "$work/multi" ! -type d)" ""

cat >"$work/program.c" <<'EOF'
#include <stdio.h>
#include <factstr.h>
int main(int argc, char **argv)
{
	factstr_store *store;
	factstr_error error;

	(void) argc;
	if (factstr_open(argv[1], &store, &error) != FACTSTR_OK)
		return printf("%d: %s %s\n", error.code, error.message, error.hint), 1;
	factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
	return puts("opened"), 0;
}
EOF

export PKG_CONFIG_PATH="$work/usr/lib/pkgconfig"
# shellcheck disable=SC2046  # lists of arguments
ok "a program is compiled with pkg-config" compile -o "$work/program" "$work/program.c" $(pkg-config --cflags --libs factstr)
is "and runs" "$(LD_LIBRARY_PATH=$work/usr/lib "$work/program" "sqlite:$work/facts.db")" opened
if [ "$postgres" = yes ]; then
  lacks "libpq is not loaded for it" "$(LD_LIBRARY_PATH=$work/usr/lib ldd "$work/program")" libpq
  lacks "nor for the command" "$(ldd "$work/usr/bin/factstr")" libpq
  contains "a note tells packagers of libpq" "$(readelf -p .note.dlopen "$work/usr/lib/libfactstr.so")" '"soname":["libpq.so.5"]'

  # A library of this name that is not libpq: none could not be had where there is one.
  mkdir "$work/other"
  compile -shared -o "$work/other/libpq.so.5" -x c /dev/null
  said=$(LD_LIBRARY_PATH=$work/other:$work/usr/lib "$work/program" postgresql:///)
  contains "without libpq, opening a database fails" "$said" "cannot load libpq"
  contains "and names the package" "$said" "libpq5"
fi

# With the archive alone, -lfactstr is linked into the program.
rm "$work"/usr/lib/libfactstr.so*
# shellcheck disable=SC2046
ok "pkg-config --static names the libraries that the archive needs" compile -o "$work/program" "$work/program.c" \
  $(pkg-config --static --cflags --libs factstr)
is "such a program runs by itself" "$("$work/program" "sqlite:$work/facts.db")" opened
if [ -n "$sanitizers" ]; then
  skip "so does one without a dynamic linker" "sanitizers need it"
else
  # shellcheck disable=SC2046
  compile -static -o "$work/program" "$work/program.c" $(pkg-config --static --cflags --libs factstr) >"$work/output" 2>&1
  is "so does one without a dynamic linker" "$("$work/program" "sqlite:$work/facts.db" 2>&1)" opened
fi
finish
